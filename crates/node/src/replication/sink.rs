//! A snapshot in a file without a name: written once, read by each replica at its own pace, gone with its last reader.

use snapshot::Sink;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Opens such a file in a directory. The name is needed for an instant only.
///
/// # Errors
/// When the directory takes no file.
pub(crate) fn anonymous_file(dir: &Path, purpose: &str) -> io::Result<File> {
    let path = dir.join(format!("temp-{purpose}-{}.rdb", std::process::id()));
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// Writes a snapshot to such a file.
#[derive(Debug)]
pub(crate) struct SpoolSink {
    pub(crate) file: File,
    pub(crate) length: u64,
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
