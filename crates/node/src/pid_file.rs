//! The file that holds the process id, for whoever looks after the process: `pidfile`.

use config::{Loglevel, Settings};
use server::Server;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Where it is, if there is one: a relative path is read from the working directory `dir`.
fn path(server: &Server, settings: &Settings) -> Option<PathBuf> {
    let usual = if server.profile.is_valkey() { "/var/run/valkey.pid" } else { "/var/run/redis.pid" };
    let name = match settings.pidfile.as_slice() {
        b"" if settings.daemonize => Path::new(usual),
        b"" => return None,
        name => Path::new(OsStr::from_bytes(name)),
    };
    Some(Path::new(OsStr::from_bytes(&settings.dir)).join(name))
}

/// Writes it. The node runs without it as well.
pub(crate) fn write(server: &Server) {
    let Some(path) = path(server, &server.settings()) else { return };
    if let Err(error) = files::overwrite(&path, format!("{}\n", std::process::id()).as_bytes()) {
        let why = files::words_of(&error);
        server.log(Loglevel::Warning, format_args!("Failed to write PID file: {why}"));
    }
}

/// Removes it, at the node's end.
pub(crate) fn remove(server: &Server) {
    if let Some(path) = path(server, &server.settings()) {
        server.log(Loglevel::Notice, "Removing the pid file.");
        // It may be gone already.
        let _ = std::fs::remove_file(path);
    }
}
