//! What the walk and the commands hand over, on its way to the walking thread.
//!
//! ```text
//!   thread 1 ─▶ open chunk a database ─┐ full
//!   thread 2 ─▶ open chunk a database ─┼──────▶ queue, at most `queue_bytes` ─▶ walking thread
//!   …                                  ┘          └─ full: spill file, or the end of the snapshot
//! ```
//! An entry becomes bytes at once, under its slot's lock, in a chunk of the capturing thread's own: threads meet only
//! when a chunk is full. The order among entries does not matter, each is captured exactly once.
//!
//! Large values are the walking thread's, which captures them in pieces (`large`); here come those whose changer cannot
//! wait.
//!
//! Limits: the queue holds `queue_bytes`, each thread at most one open chunk a database, and beyond that one value that
//! is being captured (its bytes stand in one chunk, however large it is). What the walking thread captures itself does
//! not count: it stops for that and writes it out. Tables that FLUSHALL removed are no copies and wait as they are.

use crate::control::{Control, SnapshotError};
use crate::entry::EntryFormat;
use crate::large::Large;
use crate::locked;
use crate::spill::Spill;
use keyspace::{Flushed, PreImages};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use table::Entry;
use topology::Slot;

/// Entries of one database as bytes.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) db: u16,
    pub(crate) keys: u32,
    pub(crate) bytes: Vec<u8>,
}

/// A table that left the keyspace as a whole.
#[derive(Debug)]
pub(crate) struct Adopted {
    pub(crate) db: u16,
    pub(crate) table: Flushed,
    /// Entries with this mark were captured before.
    pub(crate) epoch: u8,
}

/// More threads than capture at the same time.
const SHARDS: usize = 64;
/// Empty buffers that are kept for the next chunks.
const SPARE_BUFFERS: usize = 16;

/// A cache line of its own, so that threads do not disturb each other.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Shard(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    /// One for each database that was captured from.
    chunks: Vec<Chunk>,
    /// Everything this shard ever captured.
    total: Volume,
}

/// An amount of captured entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Volume {
    pub(crate) keys: u64,
    pub(crate) bytes: u64,
}

#[derive(Debug, Default)]
struct Queue {
    chunks: Vec<Chunk>,
    adopted: Vec<Adopted>,
    bytes: usize,
    peak: usize,
    spare: Vec<Vec<u8>>,
}

#[derive(Debug)]
pub(crate) struct Captures {
    format: EntryFormat,
    chunk_bytes: usize,
    queue_bytes: usize,
    shards: Box<[Shard]>,
    queue: Mutex<Queue>,
    large: Mutex<Large>,
    spill: Option<Spill>,
    control: Arc<Control>,
    /// The [`number`] of the walking thread while it walks.
    walker: AtomicUsize,
}

/// A number for each thread that captures, to find its shard by.
fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    NUMBER.with(|number| {
        if number.get() == usize::MAX {
            number.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        number.get()
    })
}

impl Captures {
    pub(crate) fn new(
        format: EntryFormat,
        chunk_bytes: usize,
        queue_bytes: usize,
        spill: Option<Spill>,
        control: Arc<Control>,
    ) -> Captures {
        Captures {
            format,
            chunk_bytes,
            queue_bytes,
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            queue: Mutex::default(),
            large: Mutex::default(),
            spill,
            control,
            walker: AtomicUsize::new(usize::MAX),
        }
    }

    /// Walks, in the calling thread, that will write out before it walks on.
    pub(crate) fn while_walking<R>(&self, walk: impl FnOnce() -> R) -> R {
        self.walker.store(number(), Ordering::Relaxed);
        let result = walk();
        self.walker.store(usize::MAX, Ordering::Relaxed);
        result
    }

    /// What the calling thread has captured.
    pub(crate) fn volume(&self) -> Volume {
        locked(&self.shards[number() % SHARDS].0).total
    }

    fn push(&self, chunk: Chunk) {
        let mut queue = locked(&self.queue);
        let bytes = queue.bytes + chunk.bytes.len();
        if bytes <= self.queue_bytes || self.walker.load(Ordering::Relaxed) == number() {
            queue.bytes = bytes;
            queue.peak = queue.peak.max(bytes);
            queue.chunks.push(chunk);
            return;
        }
        drop(queue);
        match &self.spill {
            None => self.control.fail(SnapshotError::Overflow(bytes)),
            Some(spill) => {
                if let Err(error) = spill.add(&chunk) {
                    self.control.fail(error.into());
                }
                self.recycle(chunk.bytes);
            }
        }
    }

    /// Takes the chunks that are full, by database.
    pub(crate) fn take_full(&self) -> Vec<Chunk> {
        let mut queue = locked(&self.queue);
        queue.bytes = 0;
        let mut chunks = std::mem::take(&mut queue.chunks);
        drop(queue);
        chunks.sort_by_key(|chunk| chunk.db);
        chunks
    }

    /// Takes the chunks that are not full, by database: when nobody captures any more.
    pub(crate) fn take_open(&self) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        for shard in &self.shards {
            chunks.append(&mut locked(&shard.0).chunks);
        }
        chunks.sort_by_key(|chunk| chunk.db);
        chunks
    }

    /// Takes one of the tables that were handed over.
    pub(crate) fn take_adopted(&self) -> Option<Adopted> {
        locked(&self.queue).adopted.pop()
    }

    /// Takes the first table that was handed over of a slot.
    pub(crate) fn take_adopted_of(&self, db: u16, slot: Slot) -> Option<Adopted> {
        let adopted = &mut locked(&self.queue).adopted;
        let at = adopted.iter().position(|adopted| adopted.db == db && adopted.table.slot() == slot)?;
        Some(adopted.remove(at))
    }

    /// Gives a table back of which something was taken.
    pub(crate) fn put_adopted_back(&self, adopted: Adopted) {
        locked(&self.queue).adopted.push(adopted);
    }

    pub(crate) fn format(&self) -> &EntryFormat {
        &self.format
    }

    /// Whether nothing more is captured.
    pub(crate) fn is_aborted(&self) -> bool {
        self.control.is_aborted()
    }

    /// The large values. Under a slot's lock this one is taken for large entries only, so that what somebody does with one
    /// holds up nobody else.
    pub(crate) fn large(&self) -> MutexGuard<'_, Large> {
        locked(&self.large)
    }

    /// Gives a chunk's buffer back, to be filled again.
    pub(crate) fn recycle(&self, mut buffer: Vec<u8>) {
        // One huge value must not stay in memory as an empty buffer.
        if buffer.capacity() <= 4 * self.chunk_bytes {
            buffer.clear();
            let mut queue = locked(&self.queue);
            if queue.spare.len() < SPARE_BUFFERS {
                queue.spare.push(buffer);
            }
        }
    }

    pub(crate) fn spill(&self) -> Option<&Spill> {
        self.spill.as_ref()
    }

    /// The most bytes that waited in the queue.
    pub(crate) fn peak(&self) -> usize {
        locked(&self.queue).peak
    }
}

impl PreImages for Captures {
    fn capture(&self, db: u16, entry: Entry<'_>) {
        if self.control.is_aborted() {
            return;
        }
        let is_large = self.format.is_large(entry);
        if is_large && self.large().finish(db, entry) {
            return;
        }
        let mut open = locked(&self.shards[number() % SHARDS].0);
        let Open { chunks, total } = &mut *open;
        let at = chunks.iter().position(|chunk| chunk.db == db).unwrap_or_else(|| {
            chunks.push(Chunk { db, keys: 0, bytes: Vec::new() });
            chunks.len() - 1
        });
        let chunk = &mut chunks[at];
        let before = chunk.bytes.len();
        if is_large {
            self.format.write_large(&mut chunk.bytes, entry);
        } else {
            self.format.write(&mut chunk.bytes, entry);
        }
        chunk.keys += 1;
        total.keys += 1;
        total.bytes += (chunk.bytes.len() - before) as u64;
        if chunk.bytes.len() >= self.chunk_bytes {
            let bytes = locked(&self.queue).spare.pop().unwrap_or_default();
            let full = std::mem::replace(chunk, Chunk { db, keys: 0, bytes });
            drop(open);
            self.push(full);
        }
    }

    fn adopt(&self, db: u16, table: Flushed, epoch: u8) {
        // Even when the snapshot was aborted: the walking thread has the time to free it.
        locked(&self.queue).adopted.push(Adopted { db, table, epoch });
    }

    fn is_large(&self, entry: Entry<'_>) -> bool {
        // Nobody waits for a walk that is at its end.
        self.format.is_large(entry) && !self.is_aborted()
    }

    fn pass(&self, db: u16, key: &[u8]) {
        self.large().pass(db, key);
    }

    fn ask(&self, db: u16, key: &[u8]) {
        self.large().ask(db, key);
    }
}
