//! Snapshots: walks over the keyspace that see it as it was at one instant, while commands go on.
//!
//! World mode for an instant begins a walk with a fresh *epoch*. A thread then visits the slots; it captures each entry
//! whose mark is not the epoch, and marks it. A command that is about to change or remove an unmarked entry hands its
//! *pre-image* to the walk first, and marks it. New entries are born marked.
//!
//! **Invariant:** during a walk, captured ⇔ mark = epoch. So every entry of the instant is captured exactly once, in the
//! state it had then, by the walk or by the first command that changes it.
//!
//! Capturing a *large* entry takes longer than a thread may hold a slot. The walk passes it by, and the walking thread comes back to
//! it ([`Keyspace::revisit`]) once per piece, each under its own hold of the lock; the last piece marks the entry. Meanwhile the
//! entry can be read. A command that would change it waits if it can ([`Keys::awaits_capture`](crate::Keys::awaits_capture)), and
//! otherwise captures the rest at once, as with any other entry: a value never changes between two of its pieces.
//!
//! Marks are four bits wide. A completed walk leaves every entry marked with its epoch, whatever was there before; an
//! aborted one leaves a mixture. So the epochs that may still stand in entries are remembered, a new walk takes one
//! that cannot, and when none is left a *cleaning* walk (one that captures nothing) makes the marks uniform first.

use crate::lock::WakeSet;
use crate::{Flushed, Freeing, Guard, Keyspace, Located, SlotBusy};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use table::{Entry, Walk};
use topology::{SLOTS, Slot};

/// Takes the entries of a walk.
pub trait PreImages: Send + Sync {
    /// An entry as it was at the instant. `db` is logical, as of that instant. Called under the slot's lock, from the
    /// walking thread and from commands.
    fn capture(&self, db: u16, entry: Entry<'_>);
    /// A whole table that FLUSHALL removed in the middle of the walk: its entries that are not marked with `epoch`
    /// belong to the snapshot.
    fn adopt(&self, db: u16, table: Flushed, epoch: u8);
    /// Whether an entry is to be captured in pieces. That depends on its value alone.
    fn is_large(&self, _: Entry<'_>) -> bool {
        false
    }
    /// The walk has passed a large entry by: it is to be [revisited](Keyspace::revisit) before the walk ends.
    fn pass(&self, _db: u16, _key: &[u8]) {}
    /// A command waits until a large entry is captured: it is to be revisited soon.
    fn ask(&self, _db: u16, _key: &[u8]) {}
}

/// The result of revisiting a large entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revisit {
    /// There is more to capture.
    Unfinished,
    /// It is captured completely.
    Captured,
    /// There is no such uncaptured entry: a command has captured it, or FLUSHALL has removed it.
    Gone,
}

/// Epochs are 1 to 15; 0 marks nothing.
const EPOCHS: u8 = 15;

#[derive(Default)]
pub(crate) struct Walks {
    /// Epoch of the running walk, 0 when there is none.
    epoch: AtomicU8,
    active: RwLock<Option<Active>>,
    /// Threads that wait for the capture of any large entry.
    waiting: WakeSet,
    /// Entries of tables that walks have adopted.
    adopted: Arc<Freeing>,
    /// Bit e: entries may be marked with epoch e.
    stale: Mutex<u16>,
}

struct Active {
    sink: Arc<dyn PreImages>,
    /// Physical to logical database, as of the instant.
    logical: Box<[u16]>,
}

impl Active {
    fn physical(&self, db: u16) -> Option<usize> {
        self.logical.iter().position(|&logical| logical == db)
    }
}

impl std::fmt::Debug for Walks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Walks").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// A walk that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalkId(u8);

impl WalkId {
    /// Its epoch.
    pub fn epoch(self) -> u8 {
        self.0
    }
}

impl Walks {
    /// The mark that new entries are born with.
    #[inline]
    pub(crate) fn epoch(&self) -> u8 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// Hands an entry over if the running walk has not captured it yet.
    #[inline]
    pub(crate) fn before_change(&self, physical: usize, entry: Entry<'_>) {
        let epoch = self.epoch();
        if epoch != 0 && entry.mark(Walk::Keyspace) != epoch {
            self.capture(physical, entry, epoch);
        }
    }

    #[cold]
    fn capture(&self, physical: usize, entry: Entry<'_>, epoch: u8) {
        if let Some(active) = &*self.active() {
            active.sink.capture(active.logical[physical], entry);
        }
        entry.set_mark(Walk::Keyspace, epoch);
    }

    fn active(&self) -> RwLockReadGuard<'_, Option<Active>> {
        self.active.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Visits an entry: captures it unless that was done before, or passes a large one by.
    fn visit(&self, physical: usize, entry: Entry<'_>) {
        let epoch = self.epoch();
        if entry.mark(Walk::Keyspace) == epoch {
            return;
        }
        if let Some(active) = &*self.active() {
            let db = active.logical[physical];
            if active.sink.is_large(entry) {
                active.sink.pass(db, entry.key());
                return;
            }
            active.sink.capture(db, entry);
        }
        entry.set_mark(Walk::Keyspace, epoch);
    }

    /// Whether an entry is still to be captured in pieces, so that a command that can wait leaves it unchanged.
    #[inline]
    pub(crate) fn spares(&self, entry: Entry<'_>) -> bool {
        let epoch = self.epoch();
        epoch != 0
            && entry.mark(Walk::Keyspace) != epoch
            && self.active().as_ref().is_some_and(|active| active.sink.is_large(entry))
    }

    /// Asks for the capture of an entry that is [spared](Walks::spares). The thread, which holds the entry's lock, is
    /// woken afterwards.
    pub(crate) fn ask(&self, physical: usize, entry: Entry<'_>, thread: usize) {
        if let Some(active) = &*self.active() {
            active.sink.ask(active.logical[physical], entry.key());
        }
        // The entry is captured under its lock, so whoever does it finds this thread.
        self.waiting.add(thread);
    }

    /// Hands over a table that leaves the keyspace as a whole. Returns it when no walk needs it.
    pub(crate) fn adopt(&self, physical: usize, mut table: Flushed) -> Option<Flushed> {
        let epoch = self.epoch();
        if epoch == 0 {
            return Some(table);
        }
        match &*self.active() {
            Some(active) => {
                table.count_as(&self.adopted);
                active.sink.adopt(active.logical[physical], table, epoch);
                None
            }
            None => Some(table),
        }
    }
}

impl Keyspace {
    /// Begins a walk, in the world: the instant of the snapshot is now. `None` when one runs already, or when a cleaning
    /// walk must come first ([`Keyspace::begin_cleaning`]).
    pub fn begin_walk(&self, world: &Guard<'_>, sink: Arc<dyn PreImages>) -> Option<WalkId> {
        assert!(world.is_world(), "a walk begins in the world");
        if self.walk.epoch() != 0 {
            return None;
        }
        let stale = *self.walk.stale.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = (1..=EPOCHS).find(|epoch| stale & (1 << epoch) == 0)?;
        let mut logical = vec![0u16; self.databases()];
        for db in 0..self.databases() as u16 {
            logical[self.physical(db)] = db;
        }
        let active = Active { sink, logical: logical.into_boxed_slice() };
        *self.walk.active.write().unwrap_or_else(PoisonError::into_inner) = Some(active);
        self.walk.epoch.store(epoch, Ordering::Relaxed);
        Some(WalkId(epoch))
    }

    /// Begins a walk that captures nothing, in the world, and so makes all marks uniform. `None` when one runs.
    pub fn begin_cleaning(&self, world: &Guard<'_>) -> Option<WalkId> {
        assert!(world.is_world(), "a walk begins in the world");
        if self.walk.epoch() != 0 {
            return None;
        }
        // Whatever its epoch, marks that equal it by accident are as good as marked: nothing is captured.
        self.walk.epoch.store(1, Ordering::Relaxed);
        Some(WalkId(1))
    }

    /// Continues a walk from `cursor`, under the lock of one slot at a time, over about `budget` entries. Returns the
    /// next cursor, or `None` at the end.
    ///
    /// # Errors
    /// When a slot stays locked: continue later with the same cursor.
    pub fn walk(
        &self,
        walk: WalkId,
        guard: &mut Guard<'_>,
        cursor: WalkCursor,
        budget: usize,
    ) -> Result<Option<WalkCursor>, SlotBusy> {
        assert_eq!(walk.0, self.walk.epoch(), "the walk has ended");
        let WalkCursor { physical, slot, within } = cursor;
        let Some(at) = self.next_occupied(physical, slot) else {
            let next = physical + 1;
            return Ok((next < self.databases()).then_some(WalkCursor {
                physical: next,
                slot: 0,
                within: 0,
            }));
        };
        let within = if at.index() == slot { within } else { 0 };
        guard.step_to(at, crate::SPINS)?;
        let next = guard.table(at, physical).map_or(0, |table| {
            table.scan(&self.hasher, within, budget, |entry| self.walk.visit(physical, entry))
        });
        let (slot, within) = if next == 0 { (at.index() + 1, 0) } else { (at.index(), next) };
        Ok(Some(WalkCursor { physical, slot: slot.min(SLOTS), within }))
    }

    /// Revisits a large entry that the walk has passed by or that a command has asked for, under its slot's lock:
    /// `capture` takes the next piece of it and says whether that was the last. `db` is logical, as of the instant.
    ///
    /// # Errors
    /// When the slot stays locked.
    pub fn revisit(
        &self,
        walk: WalkId,
        guard: &mut Guard<'_>,
        db: u16,
        key: &[u8],
        capture: impl FnOnce(Entry<'_>) -> bool,
    ) -> Result<Revisit, SlotBusy> {
        assert_eq!(walk.0, self.walk.epoch(), "the walk has ended");
        let place = Located { slot: Slot::of(key), hash: self.hash(key) };
        let physical = self.walk.active().as_ref().and_then(|active| active.physical(db));
        let Some(physical) = physical else { return Ok(Revisit::Gone) };
        guard.step_to(place.slot, crate::SPINS)?;
        let found = guard.find(place, physical, key);
        let Some(entry) = found.filter(|entry| entry.mark(Walk::Keyspace) != walk.0) else {
            return Ok(Revisit::Gone);
        };
        if !capture(entry) {
            return Ok(Revisit::Unfinished);
        }
        entry.set_mark(Walk::Keyspace, walk.0);
        Ok(Revisit::Captured)
    }

    /// Wakes the threads that wait for the capture of large entries. Called by the walking thread after each, without a
    /// lock.
    pub fn wake_awaiting(&self) {
        self.slots.wake(self.walk.waiting.take());
    }

    /// Ends a walk, in the world. `complete` when every slot was walked; otherwise it is aborted.
    pub fn end_walk(&self, world: &Guard<'_>, walk: WalkId, complete: bool) {
        assert!(world.is_world(), "a walk ends in the world");
        assert_eq!(walk.0, self.walk.epoch(), "the walk has ended");
        let mut stale = self.walk.stale.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = 1 << walk.0;
        *stale = if complete { mark } else { *stale | mark };
        self.walk.epoch.store(0, Ordering::Relaxed);
        *self.walk.active.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.wake_awaiting();
    }

    /// Entries of tables that walks have adopted and not yet freed.
    pub fn adopted(&self) -> &Freeing {
        &self.walk.adopted
    }

    /// Whether a walk is running.
    #[inline]
    pub fn is_walking(&self) -> bool {
        self.walk.epoch() != 0
    }
}

/// Where a walk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WalkCursor {
    physical: usize,
    slot: usize,
    within: u64,
}
