//! Who a managed node is: the process that holds the lock of the node's directory, and listens on its private socket.
//!
//! The lock is the system's, so it goes with the process however that ends. Nobody removes the file: a lock on a removed file
//! would keep nobody out. Who has it may take the socket's place over, for its former owner is gone.

use event_loop::{ListenError, Listener, listen_unix};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// The lock's name in the node's directory. It holds the process id, for people.
const LOCK: &str = "lock";
/// Connections that wait to be accepted: the agent has two.
const BACKLOG: u32 = 16;
/// For the owner alone.
const MODE: u32 = 0o600;

/// Takes the directory's lock; `None` when another process has it.
///
/// # Errors
/// When the file cannot be opened or locked.
pub(crate) fn lock(directory: &Path) -> io::Result<Option<File>> {
    let path = directory.join(LOCK);
    let Some(file) = files::lock(&path)? else { return Ok(None) };
    files::rewrite(&file, &path, format!("{}\n", std::process::id()).as_bytes())?;
    Ok(Some(file))
}

/// Listens on the private socket in a place where nothing is.
///
/// # Errors
/// When it cannot be listened on.
pub(super) fn listen_anew(path: &Path) -> Result<Listener, ListenError> {
    listen_unix(path, Some(MODE), BACKLOG)
}

/// Listens on the private socket, in the place of a socket that is there.
///
/// # Errors
/// When it cannot be listened on.
pub(crate) fn listen(path: &Path) -> Result<Listener, ListenError> {
    if std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket()) {
        // If it stays, listening says why not.
        let _ = std::fs::remove_file(path);
    }
    listen_anew(path)
}
