//! A snapshot in an unnamed file: written once, read by each replica at its own pace, gone with its last reader.

use files::{Directory, Scratch};
use snapshot::Sink;
use std::io::{self, Write};

/// Opens such a file in a directory. The name is needed for an instant only.
///
/// # Errors
/// When the directory takes no file.
pub(crate) fn scratch(directory: &Directory, purpose: &str) -> io::Result<Scratch> {
    directory.scratch(format!("temp-{purpose}-{}.rdb", std::process::id()))
}

/// Writes a snapshot to such a file.
#[derive(Debug)]
pub(crate) struct SpoolSink {
    pub file: Scratch,
    pub length: u64,
}

impl Sink for SpoolSink {
    fn write(&mut self, chunk: Vec<u8>) -> io::Result<Vec<u8>> {
        self.file.write_all(&chunk)?;
        self.length += chunk.len() as u64;
        Ok(chunk)
    }

    fn finish(&mut self) -> io::Result<()> {
        // It need not survive anything: nobody reads it after the process.
        Ok(())
    }
}
