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

#[cfg(test)]
mod tests {
    use super::*;
    use files::Action;
    use files::simulation::{Simulation, Survival, random};

    /// A sync on the way that fails has lost bytes which the last sync would not miss.
    #[test]
    fn a_file_whose_sync_on_the_way_failed_is_never_finished() {
        let disk = Simulation::new();
        let directory = disk.directory("/");
        directory.publish("dump.rdb", Permission::Usual, b"old").unwrap();
        let mut sink = FileSink::create(&directory, "dump.rdb", true).unwrap();
        disk.fail(Some(Action::Sync), 1);
        let chunk = || vec![b'x'; SYNC_EVERY_BYTES];
        sink.write(chunk()).unwrap();
        assert!(sink.write(chunk()).is_err());
        assert!(sink.write(chunk()).is_err() && sink.finish().is_err());
        let after = disk.crash(Survival::Prefix, &mut random(1)).directory("/");
        assert_eq!(after.read("dump.rdb").unwrap().unwrap(), b"old");
        assert_eq!(disk.names("/"), ["dump.rdb"]);
    }
}
