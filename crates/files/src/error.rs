//! What failed: the action, the path, and the system's error.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// What was done to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A directory was made.
    Make,
    /// A file was made, or emptied to be written.
    Create,
    /// A file was opened to be read or written on.
    Open,
    /// Bytes were read.
    Read,
    /// Bytes were written.
    Write,
    /// What was written was to be kept.
    Sync,
    /// Its permissions were changed.
    Permit,
    /// It got another name.
    Rename,
    /// Its name was removed.
    Remove,
    /// The names in a directory were to be kept.
    SyncDirectory,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Action::Make => "make",
            Action::Create => "create",
            Action::Open => "open",
            Action::Read => "read",
            Action::Write => "write",
            Action::Sync | Action::SyncDirectory => "sync",
            Action::Permit => "set the permissions of",
            Action::Rename => "rename",
            Action::Remove => "remove",
        })
    }
}

/// The inside of every [`io::Error`] of this crate. Its text is `cannot write /data/dump.rdb: No space left on device`.
#[derive(Debug)]
pub struct Failed {
    /// What was done.
    pub action: Action,
    /// To what.
    pub path: PathBuf,
    /// What the system says.
    pub cause: io::Error,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.cause.to_string();
        let words = text.split(" (os error").next().unwrap_or_default();
        write!(f, "cannot {} {}: {words}", self.action, self.path.display())
    }
}

/// Without a source: the text has the cause already, and who prints a chain of errors would print it twice.
impl Error for Failed {}

/// What was done when one of this crate's errors came about; `None` for another error.
pub fn action(error: &io::Error) -> Option<Action> {
    inside(error).map(|failed| failed.action)
}

/// The system's own error inside of one of this crate; another error is its own cause.
pub fn cause(error: &io::Error) -> &io::Error {
    inside(error).map_or(error, |failed| &failed.cause)
}

fn inside(error: &io::Error) -> Option<&Failed> {
    error.get_ref()?.downcast_ref()
}

/// Wraps the system's error.
pub(crate) fn failed(action: Action, path: &Path) -> impl FnOnce(io::Error) -> io::Error {
    move |cause| io::Error::new(cause.kind(), Failed { action, path: path.to_owned(), cause })
}

/// Whether an earlier failure has made a file useless, and the error for whoever goes on with it.
#[derive(Debug, Default)]
pub(crate) struct Trust {
    lost: Option<(Action, io::ErrorKind)>,
}

impl Trust {
    /// Runs a step, unless an earlier one failed.
    pub(crate) fn step<T>(
        &mut self,
        action: Action,
        path: &Path,
        run: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        if let Some((earlier, kind)) = self.lost {
            let text = format!("an earlier attempt to {earlier} it failed, so what it holds is not known");
            return Err(failed(action, path)(io::Error::new(kind, text)));
        }
        run().map_err(|cause| {
            self.lost = Some((action, cause.kind()));
            failed(action, path)(cause)
        })
    }
}

/// The system's words for an error, without its number.
pub fn words_of(error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::NotADirectory {
        return "Not a directory".to_owned();
    }
    let text = cause(error).to_string();
    match text.rfind(" (os error") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_kind_and_says_what_was_done_to_what() {
        let error = failed(Action::Write, Path::new("/data/dump.rdb"))(rustix::io::Errno::NOSPC.into());
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert_eq!(error.to_string(), "cannot write /data/dump.rdb: No space left on device");
        assert!(error.source().is_none(), "the cause would be told twice");
        assert_eq!(action(&error), Some(Action::Write));
        assert_eq!(cause(&error).raw_os_error(), Some(rustix::io::Errno::NOSPC.raw_os_error()));
        let other = io::Error::other("something else");
        assert_eq!((cause(&other).to_string().as_str(), action(&other)), ("something else", None));
    }

    #[test]
    fn nothing_goes_on_behind_a_step_that_failed() {
        let mut trust = Trust::default();
        let path = Path::new("/f");
        trust.step(Action::Sync, path, || Err::<(), _>(rustix::io::Errno::IO.into())).unwrap_err();
        let error = trust.step(Action::Write, path, || -> io::Result<()> { panic!("it ran") }).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot write /f: an earlier attempt to sync it failed, so what it holds is not known"
        );
    }
}
