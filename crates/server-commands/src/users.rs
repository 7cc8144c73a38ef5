//! Users and files: those of the configuration file and of the ACL file at the start, ACL LOAD, ACL SAVE, CONFIG REWRITE.
//!
//! A node has users in one place: as `user` lines of its configuration file, or in the file that `aclfile` names.

use crate::config_command::rewrite_file;
use acl::file::{NOT_SAVED, no_file, not_opened};
use acl::{Catalogue, Declared, Users, declared, shown};
use commands::Error;
use config::{AclPubsubDefault, Line, LoadError, Loglevel, Settings};
use files::{Directory, words_of};
use server::Server;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Why a node can't start with its users.
#[derive(Debug)]
pub enum UsersError {
    /// A `user` line of the configuration file is wrong.
    Line(LoadError),
    /// There are users in both places.
    Twice,
    /// The ACL file can't be read, or has errors.
    File(Vec<u8>),
}

impl fmt::Display for UsersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UsersError::Line(error) => error.fmt(f),
            UsersError::Twice => f.write_str(
                "users are declared in the configuration file while aclfile names a file of users; declare them in one of the two",
            ),
            UsersError::File(errors) => f.write_str(&String::from_utf8_lossy(errors)),
        }
    }
}

impl std::error::Error for UsersError {}

/// Takes over the users that the configuration declares, or those of the ACL file. Before anybody connects.
///
/// # Errors
/// When a line is wrong, or the file can't be read.
pub fn load_at_start(server: &Server) -> Result<(), UsersError> {
    let config = server.config().clone();
    let settings = config.settings();
    if !settings.aclfile.is_empty() {
        return match config.users() {
            [] => load(server, settings, None).map(|_| ()).map_err(UsersError::File),
            [_, ..] => Err(UsersError::Twice),
        };
    }
    let all_channels = settings.acl_pubsub_default == AclPubsubDefault::Allchannels;
    let catalogue = &server.access.catalogue;
    let wrong = |line: &Line, reason| UsersError::Line(config.wrong(line, without_passwords(line), reason));
    let mut users: Vec<Declared> = Vec::new();
    for line in config.users() {
        let user = declared(catalogue, all_channels, &users, &line.arguments);
        users.push(user.map_err(|(at, error)| {
            let word = shown(&line.arguments[at]);
            wrong(line, format!("Error in user declaration '{}': {error}", String::from_utf8_lossy(&word)))
        })?);
    }
    let (outcome, _) = server.change_users(None, |set, catalogue| {
        users
            .iter()
            .zip(config.users())
            .try_for_each(|(user, line)| declare(set, catalogue, user).map_err(|reason| wrong(line, reason)))
    });
    outcome
}

/// Makes a declared user. The user `default` is made anew rather than changed.
fn declare(users: &mut Users, catalogue: &Catalogue, user: &Declared) -> Result<(), String> {
    let reset = (user.name == acl::DEFAULT).then(|| b"reset".to_vec());
    let rules: Vec<Vec<u8>> = reset.into_iter().chain(user.rules.iter().cloned()).collect();
    users.set(catalogue, &user.name, &rules).map_err(|error| match error {
        acl::SetUserError::Rule(rule, error) => {
            format!("Error in user declaration '{}': {error}", String::from_utf8_lossy(&shown(&rule)))
        }
        other => other.to_string(),
    })
}

/// A line as it may be shown.
fn without_passwords(line: &Line) -> Vec<u8> {
    let words: Vec<Vec<u8>> = line.arguments.iter().map(|word| shown(word)).collect();
    words.join(&b' ')
}

/// The ACL file, and how the node calls it.
fn acl_file(settings: &Settings) -> Option<(PathBuf, String)> {
    let name = settings.aclfile.as_slice();
    let path = Path::new(OsStr::from_bytes(&settings.dir)).join(OsStr::from_bytes(name));
    (!name.is_empty()).then(|| (path, String::from_utf8_lossy(name).into_owned()))
}

/// The error where there is no ACL file.
fn without_file(server: &Server) -> &'static str {
    no_file(!server.profile.has("8.0.0"))
}

/// Takes the users of the ACL file in place of all; whether the user of `own` is gone.
fn load(server: &Server, settings: &Settings, own: Option<u64>) -> Result<bool, Vec<u8>> {
    let Some((path, shown)) = acl_file(settings) else {
        return Err(without_file(server).as_bytes().to_vec());
    };
    let read = Directory::of(&path).read(path.file_name().unwrap_or_default());
    let text = match read {
        Ok(Some(text)) => text,
        Ok(None) => return Err(not_opened(&shown, "No such file or directory").into_bytes()),
        Err(error) => return Err(not_opened(&shown, &words_of(&error)).into_bytes()),
    };
    let (outcome, own_ends) =
        server.change_users(own, |users, catalogue| users.load(catalogue, &shown, &text));
    outcome.map(|()| own_ends)
}

/// ACL LOAD; whether the user of the client that asks is gone.
pub(crate) fn reload(server: &Server, settings: &Settings, own: u64) -> Result<bool, Error> {
    if settings.aclfile.is_empty() {
        return Err(Error::text(without_file(server)));
    }
    load(server, settings, Some(own)).map_err(|errors| Error::Bytes([b"ERR ", &*errors].concat().into()))
}

/// ACL SAVE.
pub(crate) fn save(server: &Server, settings: &Settings, thread: usize) -> Result<(), Error> {
    let Some((path, shown)) = acl_file(settings) else { return Err(Error::text(without_file(server))) };
    let text = server.access.users().save(&server.access.catalogue);
    rewrite_file(&path, thread, |_| text).map_err(|error| {
        let why = words_of(&error);
        server
            .log(Loglevel::Warning, format_args!("Saving the users to the ACL file '{shown}' failed: {why}"));
        Error::text(NOT_SAVED)
    })
}

/// The `user` lines that CONFIG REWRITE writes: none when they are in the ACL file.
pub(crate) fn lines_to_rewrite(server: &Server, settings: &Settings) -> Vec<Vec<u8>> {
    match settings.aclfile.as_slice() {
        b"" => server.access.users().lines(&server.access.catalogue).collect(),
        _ => Vec::new(),
    }
}
