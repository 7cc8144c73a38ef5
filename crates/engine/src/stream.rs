//! The stream: the one order of all writes, and its bytes.
//!
//! A command that changed something appends to the stream while it still holds its locks, so the order of the stream is the
//! order of the locks. The bytes are final right there: SELECT where the database changes, MULTI and EXEC around several
//! commands of one effect, except the removals of expired keys that a command merely met. So the offset after a write is
//! known at once, to WAIT, to gates and to INFO. What has gathered is taken a buffer at a time, into the backlog and to
//! replicas: by workers at the end of their turns, and by the feeder (`replica_threads::outlet`).
//!
//! One mutex guards the tail. It is held for a copy of the command's bytes; without a consumer the stream is off and
//! the mutex is not taken. The stream is switched in the world, so within one passage of the gate it is on or off for all.

use keyspace::Effects;
use keyspace::{Rank, RankedMutex};
use profile::Profile;
use replication::{EffectPart, FirstSelect, StreamEncoder};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Bytes that may gather before writers wait until they are taken.
const TAIL_LIMIT_BYTES: usize = 64 << 20;

/// The tail of the stream.
pub struct Stream {
    on: AtomicBool,
    tail: RankedMutex<Tail>,
    /// Bytes of the tail, for admission.
    waiting: AtomicUsize,
    /// What the tail's buffer takes.
    tail_capacity: AtomicUsize,
    /// The offset after the last appended byte.
    offset: AtomicU64,
    /// What slow replicas hold of the history beyond `repl-backlog-size`, in bytes, as its owner saw last.
    beyond_backlog: AtomicU64,
    /// Wakes the feeder.
    consumer: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Debug)]
struct Tail {
    encoder: StreamEncoder,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("on", &self.on).field("offset", &self.offset).finish_non_exhaustive()
    }
}

impl Stream {
    /// The stream of a server of this version, switched off.
    pub fn new(profile: Profile) -> Stream {
        let first_select =
            if profile.has("7.2.0") { FirstSelect::InsideMulti } else { FirstSelect::BeforeMulti };
        let tail = Tail { encoder: StreamEncoder::new(first_select), bytes: Vec::new() };
        Stream {
            on: AtomicBool::new(false),
            tail: RankedMutex::new(Rank::Tail, tail),
            waiting: AtomicUsize::new(0),
            tail_capacity: AtomicUsize::new(0),
            offset: AtomicU64::new(0),
            beyond_backlog: AtomicU64::new(0),
            consumer: OnceLock::new(),
        }
    }

    /// Whether effects must be described for it.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Whether a write must wait until what has gathered is taken.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.gathered() > TAIL_LIMIT_BYTES
    }

    /// The offset after everything that was appended.
    #[inline]
    pub fn offset(&self) -> u64 {
        self.offset.load(Ordering::Acquire)
    }

    /// Notes what replicas hold of what was taken, beyond `repl-backlog-size`.
    pub fn note_beyond_backlog(&self, bytes: u64) {
        self.beyond_backlog.store(bytes, Ordering::Relaxed);
    }

    /// Bytes of the stream that no eviction of keys makes room for: what replicas have yet to be sent, beyond
    /// `repl-backlog-size`. Removing keys would make them more.
    #[inline]
    pub fn unsent_bytes(&self) -> u64 {
        self.beyond_backlog.load(Ordering::Relaxed) + self.tail_capacity.load(Ordering::Relaxed) as u64
    }

    /// Says how the feeder is woken.
    pub fn set_consumer(&self, wake: impl Fn() + Send + Sync + 'static) {
        assert!(self.consumer.set(Box::new(wake)).is_ok(), "the stream has one consumer");
    }

    /// Appends what a command did, under its locks, and takes it from its effects. The offset after it.
    pub fn append(&self, effects: &mut Effects) -> u64 {
        let unrelated = effects.unrelated;
        effects.take_commands(|bytes, records| {
            if let [record] = records {
                let part = EffectPart { db: record.db.into(), command: &bytes[..record.end] };
                return self.append_parts(&[part], 1);
            }
            let mut parts = Vec::with_capacity(records.len());
            let mut start = 0;
            for record in records {
                parts.push(EffectPart { db: record.db.into(), command: &bytes[start..record.end] });
                start = record.end;
            }
            self.append_parts(&parts, if unrelated { 1 } else { parts.len().max(1) })
        })
    }

    /// So many at a time are one effect, which is all or nothing.
    #[inline]
    fn append_parts(&self, parts: &[EffectPart<'_>], together: usize) -> u64 {
        self.append_with(|tail| {
            // Who appends outside the gate may come late.
            if self.is_on() {
                let Tail { encoder, bytes } = tail;
                parts.chunks(together).for_each(|parts| encoder.encode(parts, bytes));
            }
        })
    }

    /// Appends what the node itself says as a primary: PING, GETACK. Nothing when it is none any more, or when it `must_not`:
    /// asked where the order of the stream is decided.
    pub fn append_own(&self, raw: &[u8], must_not: impl Fn() -> bool) -> u64 {
        self.append_with(|tail| {
            if self.is_on() && !must_not() {
                tail.bytes.extend_from_slice(raw);
            }
        })
    }

    /// Appends bytes as they are: what a primary sent.
    pub fn append_raw(&self, raw: &[u8]) -> u64 {
        self.append_with(|tail| tail.bytes.extend_from_slice(raw))
    }

    fn append_with(&self, write: impl FnOnce(&mut Tail)) -> u64 {
        let mut tail = self.tail.lock();
        let before = tail.bytes.len();
        write(&mut tail);
        let added = tail.bytes.len() - before;
        self.waiting.store(tail.bytes.len(), Ordering::Relaxed);
        self.tail_capacity.store(tail.bytes.capacity(), Ordering::Relaxed);
        let offset = self.offset.load(Ordering::Relaxed) + added as u64;
        self.offset.store(offset, Ordering::Release);
        offset
    }

    /// Bytes that wait to be taken.
    #[inline]
    pub fn gathered(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Wakes the feeder if something has gathered: when a thread has done what it had to do at once. A wake for
    /// each write would make the two threads take turns for every single one.
    #[inline]
    pub fn notify(&self) {
        if self.gathered() > 0
            && let Some(wake) = self.consumer.get()
        {
            wake();
        }
    }

    /// Takes everything that has gathered into `spare`, which is empty: by who has the primary.
    pub fn take(&self, spare: &mut Vec<u8>) {
        debug_assert!(spare.is_empty());
        let mut tail = self.tail.lock();
        std::mem::swap(&mut tail.bytes, spare);
        self.waiting.store(0, Ordering::Relaxed);
        self.tail_capacity.store(tail.bytes.capacity(), Ordering::Relaxed);
    }

    /// The next command says its database again: a replica attaches here.
    pub fn forget_db(&self) {
        self.tail.lock().encoder.forget_db();
    }

    /// Switches the stream, in the world.
    pub fn switch(&self, on: bool) {
        // Under the lock, so that nobody who found it on appends after it was switched off.
        let _tail = self.tail.lock();
        self.on.store(on, Ordering::Relaxed);
    }

    /// Continues at another offset, in the world: after a full synchronisation.
    pub fn reset(&self, offset: u64) {
        let mut tail = self.tail.lock();
        tail.bytes.clear();
        tail.encoder.forget_db();
        self.waiting.store(0, Ordering::Relaxed);
        self.offset.store(offset, Ordering::Release);
    }
}
