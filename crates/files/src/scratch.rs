//! A file without a name, for data that must not stay in memory. It vanishes with its process, so it is never synced.

use crate::disk::Handle;
use crate::error::{Action, Trust, failed};
use std::io::{self, ErrorKind, Read, Write};
use std::path::PathBuf;

/// A file that only this process can read, from the moment it is made. The path in its errors is the one it had for an instant.
#[derive(Debug)]
pub struct Scratch {
    handle: Handle,
    path: PathBuf,
    trust: Trust,
}

impl Scratch {
    pub(crate) fn new(handle: Handle, path: PathBuf) -> Scratch {
        Scratch { handle, path, trust: Trust::default() }
    }

    /// Begins to read at its beginning; nothing may be written then.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn rewind(&mut self) -> io::Result<()> {
        self.handle.rewind().map_err(failed(Action::Read, &self.path))
    }

    /// Fills a buffer from a place of the file. Threads that share the file do not disturb each other.
    ///
    /// # Errors
    /// When it can't be read, or is shorter.
    pub fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.handle.read_at(bytes, offset).map_err(failed(Action::Read, &self.path))
    }
}

impl Write for Scratch {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Scratch { handle, path, trust } = self;
        trust.step(Action::Write, path, || handle.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Scratch {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.handle.read(bytes) {
            // Whoever reads all of it tries again.
            Err(error) if error.kind() == ErrorKind::Interrupted => Err(error),
            read => read.map_err(failed(Action::Read, &self.path)),
        }
    }
}
