//! Freeing large values and whole databases on a thread of its own.
//!
//! Tables and lists count what they hand over ([`keyspace::Freeing`]) until it is freed.

use keyspace::{Flushed, Freeing, Pending};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use table::EntryBox;

/// What is to be freed.
enum Garbage {
    Entries(Vec<EntryBox>, Pending),
    Tables(Vec<Flushed>),
}

/// A handle by which threads hand garbage over.
#[derive(Debug, Clone)]
pub struct LazyFree {
    sender: Sender<Garbage>,
    freeing: Arc<Freeing>,
}

impl std::fmt::Debug for Garbage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Garbage")
    }
}

impl LazyFree {
    /// Starts the thread; it ends when the last handle is dropped.
    pub fn start() -> std::io::Result<LazyFree> {
        let (sender, receiver) = channel();
        std::thread::Builder::new().name("lazyfree".into()).spawn(move || run(&receiver))?;
        Ok(LazyFree { sender, freeing: Arc::default() })
    }

    /// Hands entries over and leaves an empty list.
    pub fn entries(&self, entries: &mut Vec<EntryBox>) {
        let entries = std::mem::take(entries);
        let pending = self.freeing.hold(entries.len() as u64);
        // Without the thread the garbage is dropped here, which frees it as well.
        let _ = self.sender.send(Garbage::Entries(entries, pending));
    }

    /// Hands the tables of a flushed database over.
    pub fn tables(&self, mut tables: Vec<Flushed>) {
        tables.iter_mut().for_each(|table| table.count_as(&self.freeing));
        let _ = self.sender.send(Garbage::Tables(tables));
    }

    /// The objects that were handed over.
    pub fn freeing(&self) -> &Freeing {
        &self.freeing
    }
}

fn run(receiver: &Receiver<Garbage>) {
    while let Ok(garbage) = receiver.recv() {
        match garbage {
            Garbage::Entries(entries, mut pending) => entries.into_iter().for_each(|entry| {
                drop(entry);
                pending.free_one();
            }),
            Garbage::Tables(tables) => tables.into_iter().flatten().for_each(drop),
        }
    }
}
