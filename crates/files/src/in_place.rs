//! Files whose place is not ours to change: others made them, hold them open, or may have put a fifo or a device there. They are
//! written where they are, nothing is synced, and a crash may leave any part.

use crate::error::{Action, failed};
use std::fs::{File, OpenOptions};
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

/// The same by a file that is open because it is locked; `path` is for the error.
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
