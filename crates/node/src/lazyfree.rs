//! Freeing large values and whole databases on a thread of its own.

use keyspace::Flushed;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use table::EntryBox;

/// What is to be freed.
enum Garbage {
    Entries(Vec<EntryBox>),
    Tables(Vec<Flushed>),
}

#[derive(Debug, Default)]
struct Counts {
    pending: AtomicU64,
    freed: AtomicU64,
}

/// A handle by which threads hand garbage over.
#[derive(Debug, Clone)]
pub(crate) struct LazyFree {
    sender: Sender<Garbage>,
    counts: Arc<Counts>,
}

impl std::fmt::Debug for Garbage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Garbage")
    }
}

impl LazyFree {
    /// Starts the thread; it ends when the last handle is dropped.
    pub(crate) fn start() -> std::io::Result<LazyFree> {
        let (sender, receiver) = channel();
        let counts = Arc::new(Counts::default());
        let theirs = counts.clone();
        std::thread::Builder::new().name("lazyfree".into()).spawn(move || run(&receiver, &theirs))?;
        Ok(LazyFree { sender, counts })
    }

    /// Hands entries over and leaves an empty list.
    pub(crate) fn entries(&self, entries: &mut Vec<EntryBox>) {
        let entries = std::mem::take(entries);
        self.counts.pending.fetch_add(entries.len() as u64, Ordering::Relaxed);
        // Without the thread the garbage is dropped here, which frees it as well.
        let _ = self.sender.send(Garbage::Entries(entries));
    }

    /// Hands the tables of a flushed database over.
    pub(crate) fn tables(&self, tables: Vec<Flushed>, keys: u64) {
        self.counts.pending.fetch_add(keys, Ordering::Relaxed);
        let _ = self.sender.send(Garbage::Tables(tables));
    }

    /// Objects that wait to be freed: `lazyfree_pending_objects`.
    pub(crate) fn pending(&self) -> u64 {
        self.counts.pending.load(Ordering::Relaxed)
    }

    /// Objects that were freed: `lazyfreed_objects`.
    pub(crate) fn freed(&self) -> u64 {
        self.counts.freed.load(Ordering::Relaxed)
    }
}

fn run(receiver: &Receiver<Garbage>, counts: &Counts) {
    let freed_one = || {
        counts.pending.fetch_sub(1, Ordering::Relaxed);
        counts.freed.fetch_add(1, Ordering::Relaxed);
    };
    while let Ok(garbage) = receiver.recv() {
        match garbage {
            Garbage::Entries(entries) => entries.into_iter().for_each(|entry| {
                drop(entry);
                freed_one();
            }),
            Garbage::Tables(tables) => tables.into_iter().flatten().for_each(|entry| {
                drop(entry);
                freed_one();
            }),
        }
    }
}
