//! A snapshot on disk: written beside its target, which it replaces only when it is complete and durable.

use crate::Sink;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// With `rdb-save-incremental-fsync`, the file is synced each time so many bytes were added: the last sync has
/// little left to wait for.
const SYNC_EVERY_BYTES: usize = 4 << 20;

/// A file that replaces another when it is finished. Dropped before, it removes itself.
#[derive(Debug)]
pub struct FileSink {
    file: File,
    temp: PathBuf,
    target: PathBuf,
    dir: PathBuf,
    incremental_sync: bool,
    unsynced: usize,
    written: u64,
    finished: bool,
}

impl FileSink {
    /// A sink for the file `name` in `dir`, collected in `temp-<pid>-<number>.rdb` beside it.
    ///
    /// # Errors
    /// When that can't be created.
    pub fn create(dir: &Path, name: &str, incremental_sync: bool) -> io::Result<FileSink> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let temp = dir.join(format!("temp-{}-{number}.rdb", std::process::id()));
        Ok(FileSink {
            file: File::create(&temp)?,
            temp,
            target: dir.join(name),
            dir: dir.to_owned(),
            incremental_sync,
            unsynced: 0,
            written: 0,
            finished: false,
        })
    }

    /// Bytes written.
    pub fn written(&self) -> u64 {
        self.written
    }
}

impl Sink for FileSink {
    fn write(&mut self, chunk: Vec<u8>) -> io::Result<Vec<u8>> {
        self.file.write_all(&chunk)?;
        self.written += chunk.len() as u64;
        self.unsynced += chunk.len();
        if self.incremental_sync && self.unsynced >= SYNC_EVERY_BYTES {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(chunk)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.temp, &self.target)?;
        self.finished = true;
        // The new name must survive a crash as well.
        File::open(&self.dir)?.sync_all()
    }
}

impl Drop for FileSink {
    fn drop(&mut self) {
        if !self.finished {
            let _ = fs::remove_file(&self.temp);
        }
    }
}
