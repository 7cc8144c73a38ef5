//! The keyspace: all databases, cut into slots, shared by all threads.
//!
//! ```text
//!  key ── CRC16 ──▶ slot header (one cache line: lock, table of database 0, …)
//!                      │ hash
//!                      ▼
//!                   table of (database, slot) ──▶ entry: key, expiry, value
//! ```
//! A command first gets a [`Guard`] for what it needs (slots of its keys, one slot at a time, or the world behind the
//! [`Gate`]), and then works through [`Keys`], which is the guard together with the time, the database and the
//! [`Effects`] it describes. Every key is inserted by one constructor and removed through one hook there, which keep
//! the counts, the accounts and the snapshot marks true.
//!
//! The crate takes the time as an argument, starts no threads and does no I/O. It knows nothing of clients, replies or
//! commands.

// Unsafe code lives in `slots` and `reclaim`, which say why it holds.
#![deny(unsafe_code)]

pub mod access;
mod counters;
mod edit;
mod effects;
mod fields;
mod freeing;
mod gate;
mod keys;
mod lock;
mod rank;
#[allow(unsafe_code)]
mod reclaim;
#[allow(unsafe_code)]
mod slots;
mod standing;
mod sync;
mod waiters;
mod walk;

pub use access::{AccessClock, Lfu};
pub use edit::Edit;
pub use effects::{Effects, Event, EventClass, Outlet, OwnVolatile, Ready, Record, StaleKey};
pub use freeing::{Freeing, Pending};
pub use gate::{Gate, Passage};
pub use keys::{Among, Expiry, Keys, KeysContext, Located, Scratch, Sweep, Ttl};
pub use lock::{MAX_THREADS, SPINS};
pub use rank::{Rank, RankedGuard, RankedMutex};
pub use reclaim::Reclaimer;
pub use slots::{Flushed, Guard};
pub use standing::{Gated, ITSELF, Standing};
pub use waiters::{Ticket, Wait, Watch};
pub use walk::{PreImages, Revisit, WalkCursor, WalkId};

use counters::Counters;
use slots::Slots;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use table::Hasher;

pub use table::Expected;
use topology::{SLOTS, Slot};

/// A slot that stayed locked beyond a bounded spin: suspend, and try again when it is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotBusy(pub Slot);

/// The shared keyspace.
#[derive(Debug)]
pub struct Keyspace {
    slots: Slots,
    gate: Gate,
    hasher: Hasher,
    counters: Counters,
    /// Logical to physical database: SWAPDB swaps two of them.
    map: Box<[AtomicU16]>,
    /// One bit a slot and physical database: its table holds a key.
    occupied: Box<[AtomicU64]>,
    walk: walk::Walks,
    /// Whether changes are noted for clients that keep what they have read.
    tracks: AtomicBool,
}

const WORDS: usize = SLOTS / 64;

impl Gated for Keyspace {
    #[inline]
    fn gate(&self) -> &Gate {
        &self.gate
    }

    fn wake(&self, thread: usize) {
        self.slots.wake(std::iter::once(thread));
    }

    fn has_world(&self) -> bool {
        self.slots.has_world()
    }
}

impl Keyspace {
    /// An empty keyspace of this many databases, for threads numbered below `threads`.
    pub fn new(databases: usize, threads: usize) -> Keyspace {
        Keyspace::with_hasher(databases, threads, Hasher::of_process())
    }

    /// As [`Keyspace::new`], with a hash function of its own.
    pub fn with_hasher(databases: usize, threads: usize, hasher: Hasher) -> Keyspace {
        Keyspace {
            slots: Slots::new(),
            gate: Gate::new(threads),
            hasher,
            counters: Counters::new(threads, databases),
            map: (0..databases).map(|db| AtomicU16::new(db as u16)).collect(),
            occupied: (0..databases * WORDS).map(|_| AtomicU64::new(0)).collect(),
            walk: walk::Walks::default(),
            tracks: AtomicBool::new(false),
        }
    }

    /// Whether changes of keys are noted for clients that keep what they have read ([`Effects::take_stale`]). A thread that locks a
    /// slot which was locked after this was set sees it.
    pub fn set_tracking(&self, on: bool) {
        self.tracks.store(on, Ordering::Relaxed);
    }

    /// Whether they are noted.
    #[inline]
    pub fn is_tracking(&self) -> bool {
        self.tracks.load(Ordering::Relaxed)
    }

    /// Sets how a registered thread is woken. Called once, before the first registration.
    pub fn set_wake(&self, wake: impl Fn(usize) + Send + Sync + 'static) {
        self.slots.set_wake(Box::new(wake));
    }

    /// The gate. A thread enters it through a [`Standing`] before it takes a lock.
    #[inline]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Number of databases.
    pub fn databases(&self) -> usize {
        self.map.len()
    }

    /// The physical database behind a logical one.
    #[inline]
    pub fn physical(&self, db: u16) -> usize {
        self.map[db as usize].load(Ordering::Relaxed) as usize
    }

    /// Locks one slot.
    ///
    /// # Errors
    /// When it stays locked.
    #[inline]
    pub fn lock(&self, slot: Slot) -> Result<Guard<'_>, SlotBusy> {
        Guard::one(&self.slots, slot, SPINS)
    }

    /// Locks several slots, ascending and each once.
    ///
    /// # Errors
    /// When one stays locked; none is held then.
    pub fn lock_many(&self, slots: &[Slot]) -> Result<Guard<'_>, SlotBusy> {
        Guard::many(&self.slots, slots, SPINS)
    }

    /// A guard that locks one slot at a time as the command proceeds.
    pub fn walk_slots(&self) -> Guard<'_> {
        Guard::walking(&self.slots)
    }

    /// The world, which `thread` owns: [`Standing::world`].
    fn world(&self, thread: usize) -> Guard<'_> {
        Guard::world(&self.slots, &self.gate, thread)
    }

    /// Registers `thread` to be woken when the slot is released. `false` if it is free already.
    pub fn register(&self, busy: SlotBusy, thread: usize) -> bool {
        self.slots.register(busy.0, thread)
    }

    /// The hash of a key, as tables use it.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash(key)
    }

    /// First step of bringing a key into the cache: its slot's header.
    #[inline]
    pub fn prefetch_slot(&self, slot: Slot) {
        table::prefetch(std::ptr::from_ref(self.slots.cell(slot)).cast());
    }

    /// Second step: the bucket of a key of physical database 0. The caller is inside the gate.
    #[inline]
    pub fn prefetch_bucket(&self, slot: Slot, hash: u64) {
        self.slots.table0(slot).prefetch_bucket(hash);
    }

    /// Third step: the entry of a key of physical database 0. The caller is inside the gate.
    #[inline]
    pub fn prefetch_entry(&self, slot: Slot, hash: u64, expected: Expected) {
        self.slots.table0(slot).prefetch_entry(hash, expected);
    }

    /// Keys of a logical database.
    pub fn len(&self, db: u16) -> u64 {
        self.counters.keys(self.physical(db))
    }

    /// Whether no database holds a key.
    pub fn is_empty(&self) -> bool {
        (0..self.databases()).all(|db| self.counters.keys(db) == 0)
    }

    /// Keys of a logical database that have an expiry.
    pub fn volatile_len(&self, db: u16) -> u64 {
        self.counters.volatile(self.physical(db))
    }

    /// Hashes of a logical database that have fields that expire.
    pub fn volatile_hashes(&self, db: u16) -> u64 {
        self.counters.volatile_hashes(self.physical(db))
    }

    /// The average time to live of a logical database's keys that have an expiry, in ms.
    pub fn mean_ttl_ms(&self, db: u16, now_ms: u64) -> u64 {
        self.counters.mean_ttl_ms(self.physical(db), now_ms)
    }

    #[inline]
    fn note_occupied(&self, physical: usize, slot: Slot, occupied: bool) {
        let word = &self.occupied[physical * WORDS + slot.index() / 64];
        let bit = 1u64 << (slot.index() % 64);
        if occupied {
            word.fetch_or(bit, Ordering::Release);
        } else {
            word.fetch_and(!bit, Ordering::Release);
        }
    }

    /// The first slot from `from` on (a number, up to 16,384) in which the physical database holds a key. Slots that
    /// become occupied meanwhile may be missed.
    pub fn next_occupied(&self, physical: usize, from: usize) -> Option<Slot> {
        let words = &self.occupied[physical * WORDS..(physical + 1) * WORDS];
        let mut at = from;
        while at < SLOTS {
            let word = words[at / 64].load(Ordering::Acquire) >> (at % 64);
            if word != 0 {
                return Slot::new((at + word.trailing_zeros() as usize) as u16);
            }
            at = (at / 64 + 1) * 64;
        }
        None
    }

    /// The first slot from `from` on in which the physical database holds a key, and of which a key or a field, of any database, may be
    /// due. It takes no lock, so a slot that has become due just now may be missed.
    pub fn next_due(&self, physical: usize, mut from: usize, now_ms: u64) -> Option<Slot> {
        loop {
            let slot = self.next_occupied(physical, from)?;
            let expiries = self.slots.cell(slot).expiries();
            if expiries.may_be_due(now_ms) || expiries.fields_may_be_due(now_ms) {
                return Some(slot);
            }
            from = slot.index() + 1;
        }
    }

    #[inline]
    fn count(&self, thread: usize, physical: usize, slot: Slot, by: i64) {
        self.counters.add_keys(thread, physical, slot.index(), by);
    }

    fn swap_map(&self, a: u16, b: u16) {
        let (pa, pb) = (self.physical(a), self.physical(b));
        self.map[a as usize].store(pb as u16, Ordering::Relaxed);
        self.map[b as usize].store(pa as u16, Ordering::Relaxed);
    }

    /// As [`Keyspace::random_slot`], in proportion to its number of keys with an expiry.
    pub fn random_volatile_slot(&self, physical: usize, random: u64) -> Option<Slot> {
        let from = self.counters.volatile_slot_of(physical, random)?;
        self.counters.next_volatile(physical, from).and_then(|slot| Slot::new(slot as u16))
    }

    /// A slot of the physical database, chosen with a probability in proportion to its number of keys; `None` when the
    /// database is empty.
    pub fn random_slot(&self, physical: usize, random: u64) -> Option<Slot> {
        self.counters
            .slot_of(physical, random)
            .and_then(|slot| self.next_occupied(physical, slot))
            .or_else(|| self.next_occupied(physical, 0))
    }
}
