//! Files that must not be replaced by rename: other programs made them, hold them open, or may have put a fifo or a device there. They
//! are written in place and never synced, and a crash may leave any part.

use crate::error::{Action, failed};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Writes a file's contents anew: a pid file, which may lie in a directory that takes no new files.
///
/// # Errors
/// When it can't be written.
pub fn overwrite(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path).map_err(failed(Action::Create, path))?;
    file.write_all(bytes).map_err(failed(Action::Write, path))
}

/// Locks a file, which is made if it is not there and keeps what it has; `None` when another process holds the lock. It is let go
/// of by [`File::unlock`], or when the last copy of the descriptor is closed: a child that is being started may have one for a moment.
///
/// # Errors
/// When it can't be opened or locked.
pub fn lock(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).read(true).write(true);
    let file = options.open(path).map_err(failed(Action::Open, path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(failed(Action::Open, path)(error)),
    }
}

/// Writes the contents of a locked file anew; `path` is for the error.
///
/// # Errors
/// When it can't be written.
pub fn rewrite(mut file: &File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let written = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(bytes));
    written.map_err(failed(Action::Write, path))
}

/// Puts lines at the end of a log that may be moved away at any time, and is opened for each. Neither opening nor writing
/// waits: a fifo refuses what it has no room for.
///
/// # Errors
/// When it can't be opened or written.
pub fn append_lines(path: &Path, lines: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32);
    let mut file = options.open(path).map_err(failed(Action::Open, path))?;
    file.write_all(lines).map_err(failed(Action::Write, path))
}

/// Opens the file to whose end a process that is about to be started prints. What it prints does not pass here.
///
/// # Errors
/// When it can't be opened.
pub fn output_of_process(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path).map_err(failed(Action::Open, path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::ErrorKind;

    #[test]
    fn what_is_written_in_place_keeps_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("pid"), folder.path().join("link"));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        overwrite(&link, b"4711\n").unwrap();
        overwrite(&link, b"12\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"12\n");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        append_lines(&path, b"").unwrap();
        append_lines(&path, b"13\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"12\n13\n");
        let error = overwrite(&folder.path().join("absent/pid"), b"").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().starts_with("cannot create /"), "{error}");
    }

    #[test]
    fn a_lock_has_one_holder_and_keeps_what_is_in_it_until_that_one_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        fs::write(&path, "4711 of before").unwrap();
        let held = lock(&path).unwrap().expect("nobody has it");
        assert!(lock(&path).unwrap().is_none());
        assert_eq!(fs::read(&path).unwrap(), b"4711 of before");
        rewrite(&held, &path, b"12\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"12\n");
        held.unlock().unwrap();
        assert!(lock(&path).unwrap().is_some());
    }
}
