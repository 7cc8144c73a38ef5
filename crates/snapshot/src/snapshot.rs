//! One snapshot: a walk over the keyspace with a sink.
//!
//! ```text
//!   begin (world, an instant) ─▶ run: ┌ inside the gate: entries of a slot or a few ┐ ─▶ end (world, an instant) ─▶ rest
//!                                     └ outside: what was captured goes to the sink ┘
//! ```
//! The walking thread leaves the gate after about 64 entries or [`SESSION_BYTES`], and as soon as somebody
//! closes it, so a thread that wants the world waits for tens of microseconds. It writes outside the gate, where it may block
//! for any time: the queue bounds what commands capture meanwhile. It passes large values by and captures them after the session, a
//! piece at a time (`large`).
//!
//! **Invariant:** a walk that was begun is ended by [`Snapshot::run`], whatever happens: when the sink fails, when the
//! queue overflows, when it is aborted. From the first failure on nothing more is captured.
//!
//! A file has its databases in the order of the captures. The first time a database comes, the file states its sizes as of the
//! instant; later it only selects the database again.

use crate::background::Background;
use crate::captures::Captures;
use crate::control::{Control, SnapshotError};
use crate::delay::KeyDelay;
use crate::entry::{Access, EntryFormat};
use crate::large::{LARGE_BYTES, LargeWalk, PIECE_BYTES};
use crate::output::{Output, Sizes, sizes};
use crate::sink::Sink;
use crate::spill::Spill;
use files::Directory;
use keyspace::{Guard, Keyspace, WalkCursor, WalkId};
use rdb::{AuxFields, SaveOptions};
use std::io;
use std::sync::Arc;
use table::Walk;

/// Size of the chunks in which entries are captured and written: large enough for disks, small enough for caches.
pub(crate) const CHUNK_BYTES: usize = 64 << 10;
/// Entries after which the walking thread leaves the gate.
const SESSION_KEYS: usize = 64;
/// Bytes after which it leaves the gate, and after which a step shrinks to the smallest possible.
const SESSION_BYTES: u64 = 32 << 10;
/// Steps after which it leaves the gate: most slots hold little.
const SESSION_STEPS: usize = 32;
/// Entries that a cleaning walk passes under one lock.
const CLEANING_KEYS: usize = 256;

/// What becomes of pre-images that the queue has no room for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overflow {
    /// They go to a temporary file of this directory and name: saves to disk.
    Spill(Directory, String),
    /// The snapshot ends: a replica that reads too slowly.
    Abort,
}

/// How a snapshot is made.
#[derive(Debug, Clone)]
pub struct SnapshotOptions {
    /// Version and encodings.
    pub save: SaveOptions,
    /// What is written about the last use of keys.
    pub access: Access,
    /// Bytes of pre-images that may wait in memory.
    pub queue_bytes: usize,
    /// What becomes of more.
    pub overflow: Overflow,
    /// Size of the chunks that entries are captured in and that the sink gets.
    pub chunk_bytes: usize,
    /// Entries after which the walking thread leaves the gate and writes.
    pub session_keys: usize,
    /// A pause after each key.
    pub key_delay: KeyDelay,
    /// Values that take more memory are captured in pieces.
    pub large_bytes: usize,
    /// The size of the pieces.
    pub piece_bytes: usize,
}

impl SnapshotOptions {
    /// The usual: a queue of 64 MB, chunks of 64 KB, sessions of 64 keys, values of more than 64 KB in pieces of 32 KB,
    /// nothing about the last use of keys.
    pub fn new(save: SaveOptions, overflow: Overflow) -> SnapshotOptions {
        SnapshotOptions {
            save,
            access: Access::None,
            queue_bytes: 64 << 20,
            overflow,
            chunk_bytes: CHUNK_BYTES,
            session_keys: SESSION_KEYS,
            key_delay: KeyDelay::default(),
            large_bytes: LARGE_BYTES,
            piece_bytes: PIECE_BYTES,
        }
    }
}

/// What stands in front of the keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    /// What the file says about itself.
    pub aux: AuxFields,
    /// Sources of function libraries.
    pub functions: Vec<Vec<u8>>,
}

/// Why a snapshot did not begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotBegun {
    /// Another walk is running.
    #[error("another snapshot is running")]
    Busy,
    /// All epochs are used up by aborted walks: [`clean`] first, then begin again.
    #[error("the marks of aborted snapshots must be cleaned first")]
    NeedsCleaning,
}

/// What a complete snapshot was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finished {
    /// Keys written.
    pub keys: u64,
    /// Bytes written.
    pub bytes: u64,
    /// The most bytes of pre-images that waited in memory.
    pub queue_peak_bytes: usize,
    /// Bytes that went through the temporary file.
    pub spilled_bytes: u64,
}

/// A snapshot that was begun and must be run.
#[derive(Debug)]
#[must_use = "a walk that was begun goes on until it is run"]
pub struct Snapshot {
    walk: WalkId,
    captures: Arc<Captures>,
    control: Arc<Control>,
    sizes: Sizes,
    format: EntryFormat,
    chunk_bytes: usize,
    session_keys: usize,
    key_delay: KeyDelay,
    piece_bytes: usize,
}

impl Snapshot {
    /// Begins a snapshot, in the world: it will show the keyspace as it is now.
    ///
    /// # Errors
    /// When another is running, or marks must be cleaned first.
    pub fn begin(
        keyspace: &Keyspace,
        world: &Guard<'_>,
        options: SnapshotOptions,
    ) -> Result<Snapshot, NotBegun> {
        let SnapshotOptions {
            save,
            access,
            queue_bytes,
            overflow,
            chunk_bytes,
            session_keys,
            key_delay,
            large_bytes,
            piece_bytes,
        } = options;
        let (chunk_bytes, session_keys) = (chunk_bytes.max(1), session_keys.max(1));
        let format = EntryFormat { save, access, large_bytes };
        let sizes = sizes(keyspace);
        let control = Arc::new(Control::new(sizes.iter().map(|(keys, _)| keys).sum()));
        let spill = match overflow {
            Overflow::Spill(directory, name) => Some(Spill::new(directory, name)),
            Overflow::Abort => None,
        };
        // A chunk is one key where there is a pause after each.
        let captured_bytes = if key_delay.is_none() { chunk_bytes } else { 1 };
        let captures = Arc::new(Captures::new(format, captured_bytes, queue_bytes, spill, control.clone()));
        match keyspace.begin_walk(world, captures.clone()) {
            Some(walk) => Ok(Snapshot {
                walk,
                captures,
                control,
                sizes,
                format,
                chunk_bytes,
                session_keys,
                key_delay,
                piece_bytes,
            }),
            None if keyspace.is_walking() => Err(NotBegun::Busy),
            None => Err(NotBegun::NeedsCleaning),
        }
    }

    /// The handle to watch and abort it by.
    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// Walks, writes and ends the snapshot; it takes as long as that takes. The thread is outside the gate.
    ///
    /// # Errors
    /// Why there is no snapshot; the sink was not finished then.
    pub fn run(
        mut self,
        thread: Background<'_>,
        sink: &mut dyn Sink,
        header: &Header,
    ) -> Result<Finished, SnapshotError> {
        let sizes = std::mem::take(&mut self.sizes);
        let mut output = Output::new(sink, self.format, self.chunk_bytes, sizes, header);
        let walked = self.walk_all(thread, &mut output);
        let complete = matches!(walked, Ok(true));
        if let Err(error) = walked {
            self.control.fail(error.into());
        }
        thread.with_world(|world| thread.keyspace().end_walk(world, self.walk, complete));
        if self.control.is_aborted() {
            return Err(self.control.cause());
        }
        let spilled_bytes = self.captures.spill().map_or(0, Spill::bytes);
        self.write_rest(&mut output)?;
        if self.control.is_aborted() {
            return Err(self.control.cause());
        }
        let keys = output.keys();
        let bytes = output.finish()?;
        Ok(Finished { keys, bytes, queue_peak_bytes: self.captures.peak(), spilled_bytes })
    }

    /// Whether the walk came to its end.
    fn walk_all(&self, thread: Background<'_>, output: &mut Output<'_>) -> io::Result<bool> {
        let large =
            LargeWalk { thread, walk: self.walk, captures: &self.captures, piece_bytes: self.piece_bytes };
        let mut cursor = WalkCursor::default();
        let mut budget = 1;
        while !self.control.is_aborted() {
            let before = self.captures.volume();
            let enough = || {
                let now = self.captures.volume();
                now.keys - before.keys >= self.session_keys as u64
                    || now.bytes - before.bytes >= SESSION_BYTES
            };
            let goes_on =
                self.captures.while_walking(|| session(thread, self.walk, &mut cursor, budget, enough));
            // After large values only a few at a time.
            let bytes = self.captures.volume().bytes - before.bytes;
            budget = if bytes < SESSION_BYTES { self.session_keys } else { 1 };
            self.write_full(output)?;
            while !self.control.is_aborted() && large.capture_next(output)? {
                self.pause(output.keys());
                // Others have captured meanwhile.
                self.write_full(output)?;
            }
            if !goes_on {
                return Ok(!self.control.is_aborted());
            }
        }
        Ok(false)
    }

    fn write_full(&self, output: &mut Output<'_>) -> io::Result<()> {
        for chunk in self.captures.take_full() {
            output.chunk(&chunk);
            output.check()?;
            self.captures.recycle(chunk.bytes);
            self.pause(output.keys());
        }
        while let Some(adopted) = self.captures.take_adopted() {
            for entry in adopted.table {
                let entry = entry.as_ref();
                if entry.mark(Walk::Keyspace) != adopted.epoch {
                    output.entry(adopted.db, entry);
                }
            }
            output.check()?;
        }
        self.control.set_processed(output.keys());
        Ok(())
    }

    fn pause(&self, keys: u64) {
        if !self.key_delay.is_none() {
            self.control.set_processed(keys);
            self.key_delay.pause(keys, || self.control.is_aborted());
        }
    }

    /// What is left when nobody captures any more.
    fn write_rest(&self, output: &mut Output<'_>) -> io::Result<()> {
        self.write_full(output)?;
        for chunk in self.captures.take_open() {
            output.chunk(&chunk);
            output.check()?;
            self.pause(output.keys());
        }
        if let Some(spill) = self.captures.spill() {
            spill.read_back(self.chunk_bytes, |db, keys, bytes| {
                output.bytes_of(db, keys, bytes);
                output.check()
            })?;
        }
        self.control.set_processed(output.keys());
        Ok(())
    }
}

/// Walks on inside the gate until `enough`; `false` at the end of the walk. A slot that stays taken is waited for.
fn session(
    thread: Background<'_>,
    walk: WalkId,
    cursor: &mut WalkCursor,
    budget: usize,
    enough: impl Fn() -> bool,
) -> bool {
    let keyspace = thread.keyspace();
    let busy = {
        let _inside = thread.enter();
        let mut guard = keyspace.walk_slots();
        let mut steps = 0;
        loop {
            match keyspace.walk(walk, &mut guard, *cursor, budget) {
                Ok(Some(next)) => *cursor = next,
                Ok(None) => return false,
                Err(busy) => break busy,
            }
            steps += 1;
            if steps == SESSION_STEPS || keyspace.gate().is_closed() || enough() {
                return true;
            }
        }
    };
    thread.wait_for(busy);
    true
}

/// Makes the marks that aborted snapshots left behind uniform, so that one can begin again; `false` when a walk is
/// running. The thread is outside the gate.
pub fn clean(thread: Background<'_>) -> bool {
    let keyspace = thread.keyspace();
    let Some(walk) = thread.with_world(|world| keyspace.begin_cleaning(world)) else { return false };
    let mut cursor = WalkCursor::default();
    while session(thread, walk, &mut cursor, CLEANING_KEYS, || false) {}
    thread.with_world(|world| keyspace.end_walk(world, walk, true));
    true
}
