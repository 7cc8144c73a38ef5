//! Why a node does not start.

use config::LoadError;
use files::words_of;
use server::NotListening;
use std::fmt;
use std::path::PathBuf;

/// Why a node does not start. One sentence, with the parameter that helps.
#[derive(Debug)]
pub enum StartError {
    /// An address cannot be listened on.
    Listen(NotListening),
    /// The working directory cannot be used.
    Directory(PathBuf, std::io::Error),
    /// The log file cannot be opened.
    LogFile(PathBuf, std::io::Error),
    /// The snapshot file cannot be loaded: starting without it would overwrite it later.
    Load(PathBuf, snapshot::LoadError),
    /// The event loop that was asked for cannot be had.
    Backend(std::io::Error),
    /// A thread cannot be made.
    Thread(std::io::Error),
    /// Another process is the managed node of this directory.
    Taken(PathBuf),
    /// A line of the configuration file names what there is not.
    Line(LoadError),
    /// The users cannot be loaded.
    Users(server_commands::UsersError),
    /// A managed node cannot be configured like this: the sentence that says why.
    Unmanageable(&'static str),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Listen(error) => error.fmt(f),
            StartError::Directory(path, error) => {
                let (path, why) = (path.display(), words_of(error));
                write!(f, "cannot use the directory {path} ({why}); choose another with --dir")
            }
            StartError::LogFile(path, error) => {
                let (path, why) = (path.display(), words_of(error));
                write!(f, "cannot write the log file {path} ({why}); choose another with --logfile")
            }
            StartError::Load(path, error) => {
                let path = path.display();
                let why = match error {
                    snapshot::LoadError::Io(error) => words_of(error),
                    other => other.to_string(),
                };
                write!(f, "cannot load {path} ({why}); move it away, or choose another with --dbfilename")
            }
            StartError::Backend(error) => {
                write!(f, "the event loop cannot be set up ({error}); try --io-backend epoll")
            }
            StartError::Thread(error) => write!(f, "cannot start a thread ({error})"),
            StartError::Taken(path) => {
                let path = path.display();
                write!(
                    f,
                    "another process is the node of {path}; stop that one, or choose another with --dir"
                )
            }
            StartError::Line(error) => error.fmt(f),
            StartError::Users(error) => error.fmt(f),
            StartError::Unmanageable(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for StartError {}

impl From<server_commands::UsersError> for StartError {
    fn from(error: server_commands::UsersError) -> StartError {
        match error {
            server_commands::UsersError::Line(error) => StartError::Line(error),
            error => StartError::Users(error),
        }
    }
}

impl From<LoadError> for StartError {
    fn from(error: LoadError) -> StartError {
        StartError::Line(error)
    }
}

impl From<NotListening> for StartError {
    fn from(error: NotListening) -> StartError {
        StartError::Listen(error)
    }
}
