//! A snapshot on disk: written beside its target, which it replaces only when it is complete and durable.

use crate::Sink;
use files::{Directory, Draft, Permission};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

/// With `rdb-save-incremental-fsync`, the file is synced each time so many bytes were added: the last sync has
/// little left to wait for.
const SYNC_EVERY_BYTES: usize = 4 << 20;

/// A file that replaces another when it is finished. Dropped before, it removes itself.
#[derive(Debug)]
pub struct FileSink {
    /// `None` once it is finished.
    draft: Option<Draft>,
    incremental_sync: bool,
    unsynced: usize,
    written: u64,
}

impl FileSink {
    /// A sink for the file `name` in a directory, collected in `temp-<pid>-<number>.rdb` beside it.
    ///
    /// # Errors
    /// When that can't be created.
    pub fn create(directory: &Directory, name: &str, incremental_sync: bool) -> io::Result<FileSink> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let temporary = format!("temp-{}-{number}.rdb", std::process::id());
        let draft = directory.draft(name, temporary, Permission::Usual)?;
        Ok(FileSink { draft: Some(draft), incremental_sync, unsynced: 0, written: 0 })
    }

    /// Bytes written.
    pub fn written(&self) -> u64 {
        self.written
    }
}

impl Sink for FileSink {
    fn write(&mut self, chunk: Vec<u8>) -> io::Result<Vec<u8>> {
        let draft = self.draft.as_mut().expect("nothing is written behind the end");
        draft.write(&chunk)?;
        self.written += chunk.len() as u64;
        self.unsynced += chunk.len();
        if self.incremental_sync && self.unsynced >= SYNC_EVERY_BYTES {
            draft.sync()?;
            self.unsynced = 0;
        }
        Ok(chunk)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.draft.take().expect("it is finished once").publish()
    }
}
