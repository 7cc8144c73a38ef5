//! A file that grows at its end: a log.

use crate::disk::Handle;
use crate::error::{Action, Trust};
use std::io;
use std::path::PathBuf;

/// A file that is open for appending. Behind the first call that fails every later one fails too: a part of the bytes may be
/// in the file, and a sync that failed may have lost what was written before it. Whoever reads the file anew decides what it is worth.
#[derive(Debug)]
pub struct Appender {
    handle: Handle,
    path: PathBuf,
    trust: Trust,
}

impl Appender {
    pub(crate) fn new(handle: Handle, path: PathBuf) -> Appender {
        Appender { handle, path, trust: Trust::default() }
    }

    /// Puts bytes behind what is there.
    ///
    /// # Errors
    /// When the disk does not take all of them.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Appender { handle, path, trust } = self;
        trust.step(Action::Write, path, || handle.write(bytes))
    }

    /// Everything that was appended stays, whatever comes.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync(&mut self) -> io::Result<()> {
        let Appender { handle, path, trust } = self;
        trust.step(Action::Sync, path, || handle.sync_data())
    }
}
