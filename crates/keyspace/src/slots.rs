//! The slots themselves: 16,384 headers of one cache line each, and the only access to their contents.
//!
//! ```text
//!   0    4    8                     24                      48      56     64
//!   ┌────┬────┬─────────────────────┬───────────────────────┬───────┬──────┐
//!   │lock│flag│ table of database 0 │       expiries        │ extra │ free │
//!   └────┴────┴─────────────────────┴───────────────────────┴───────┴──────┘
//! ```
//! `extra` exists while another database has a table in the slot, a client waits for a key of it or watches one, or a field of one of its
//! hashes expires. `expiries` are atomics, which change under the lock only: the sweeper reads them without it.
//!
//! This module is an unsafe kernel. **Invariant:** a `&mut SlotData` or a `TableMut` exists only while its slot's lock is
//! held by the thread that has it, or while that thread owns the world. [`Guard`] is the proof: it is made by taking the
//! locks or by owning the closed gate, it lends the contents of slots only if it covers them and only through
//! `&mut self`, and it releases the locks when it drops. Prefetching needs no lock: the tables allow it to any thread inside
//! the gate.
//!
//! The module trusts its callers in what types cannot express: each thread uses its own number and no other, and takes
//! locks and prefetches only inside the gate. Cheap checks cover a part of this: there is one world at a time, the gate
//! stays closed while it exists, no lock is given meanwhile, and in debug builds none is held.

use crate::fields::VolatileHashes;
use crate::keys::Expiries;
use crate::lock::{SlotLock, WakeSet};
use crate::rank;
use crate::sync::{AtomicBool, AtomicU32, Ordering};
use crate::waiters::Registry;
use crate::{Freeing, Gate, Located, Pending, SlotBusy};
use std::cell::UnsafeCell;
use std::sync::Arc;
use table::{Detached, Entry, EntryBox, Table, TableMut};
use topology::{SLOTS, Slot};

/// What a slot holds besides the table of database 0.
#[derive(Debug)]
struct SlotData {
    extra: Option<Box<Extra>>,
}

/// The rare parts.
#[derive(Debug, Default)]
struct Extra {
    /// Tables of the physical databases from 1 on, as many as are used.
    tables: Vec<Table>,
    registry: Option<Box<Registry>>,
    hashes: VolatileHashes,
}

impl Extra {
    /// Whether nothing is in it. Only tables of database 0 are prefetched, so these may go while others are inside the gate.
    fn is_unused(&mut self) -> bool {
        self.hashes.is_empty()
            && self.registry.as_ref().is_none_or(|registry| registry.is_empty())
            && self.tables.iter_mut().all(|table| table.get_mut().is_empty())
    }
}

/// A table of a slot, and when its keys expire.
pub(crate) struct Parts<'a> {
    pub(crate) table: TableMut<'a>,
    pub(crate) expiries: &'a Expiries,
}

/// A client waits for a key of the slot, or watches one.
pub(crate) const REGISTERED: u32 = 1;

#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct SlotCell {
    lock: SlotLock,
    flags: AtomicU32,
    table0: Table,
    expiries: Expiries,
    data: UnsafeCell<SlotData>,
}

// Loom's atomics are larger.
#[cfg(not(loom))]
const _: () = assert!(size_of::<SlotCell>() == 64, "a slot header is one cache line");

impl SlotCell {
    #[inline]
    pub(crate) fn is_registered(&self) -> bool {
        self.flags.load(Ordering::Relaxed) & REGISTERED != 0
    }

    pub(crate) fn set_registered(&self, registered: bool) {
        self.flags.store(if registered { REGISTERED } else { 0 }, Ordering::Relaxed);
    }

    /// When keys of the slot expire, and fields of its hashes. It may be read without the lock; what is read then may be late.
    #[inline]
    pub(crate) fn expiries(&self) -> &Expiries {
        &self.expiries
    }
}

/// All slots with their locks.
pub(crate) struct Slots {
    cells: Box<[SlotCell]>,
    /// Threads that found a slot busy, by slot number modulo the number of sets.
    wakes: Box<[WakeSet]>,
    /// A guard of the world exists.
    world: AtomicBool,
    wake: std::sync::OnceLock<Box<dyn Fn(usize) + Send + Sync>>,
}

// SAFETY: the cells' data is reached only through a `Guard`, that is under the slot's lock or by the owner of the world;
// both hand over what was written before with release and acquire.
unsafe impl Sync for Slots {}
// SAFETY: everything in a slot may move between threads: entries own plain memory, tickets and watches are shared
// through `Arc` and atomics.
unsafe impl Send for Slots {}

const WAKE_SETS: usize = 64;

impl std::fmt::Debug for Slots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slots").finish_non_exhaustive()
    }
}

impl Slots {
    pub(crate) fn new() -> Slots {
        let cell = || SlotCell {
            lock: SlotLock::default(),
            flags: AtomicU32::new(0),
            table0: Table::new(),
            expiries: Expiries::default(),
            data: UnsafeCell::new(SlotData { extra: None }),
        };
        Slots {
            cells: (0..SLOTS).map(|_| cell()).collect(),
            wakes: (0..WAKE_SETS).map(|_| WakeSet::default()).collect(),
            world: AtomicBool::new(false),
            wake: std::sync::OnceLock::new(),
        }
    }

    pub(crate) fn set_wake(&self, wake: Box<dyn Fn(usize) + Send + Sync>) {
        assert!(self.wake.set(wake).is_ok(), "the wake function is set once");
    }

    pub(crate) fn wake(&self, threads: impl Iterator<Item = usize>) {
        if let Some(wake) = self.wake.get() {
            threads.for_each(wake);
        }
    }

    #[inline]
    pub(crate) fn cell(&self, slot: Slot) -> &SlotCell {
        &self.cells[slot.index()]
    }

    /// Registers `thread` for the release of the slot. `false` if it is free already.
    pub(crate) fn register(&self, slot: Slot, thread: usize) -> bool {
        self.wakes[slot.index() % WAKE_SETS].register(&self.cell(slot).lock, thread)
    }

    #[inline]
    fn lock(&self, slot: Slot, spins: u32) -> Result<(), SlotBusy> {
        if !self.cell(slot).lock.lock_spinning(spins) {
            return Err(SlotBusy(slot));
        }
        assert!(!self.has_world(), "a slot is locked from outside the gate");
        Ok(())
    }

    /// Whether a guard of the world exists.
    #[inline]
    pub(crate) fn has_world(&self) -> bool {
        self.world.load(Ordering::Relaxed)
    }

    /// Unlocks, and wakes the threads that wait for the slot. Returns whether there are any.
    #[inline]
    fn unlock(&self, slot: Slot) -> bool {
        let is_waited_for = self.cell(slot).lock.unlock();
        if is_waited_for {
            self.wake(self.wakes[slot.index() % WAKE_SETS].take());
        }
        is_waited_for
    }

    /// The table of database 0, for prefetching.
    #[inline]
    pub(crate) fn table0(&self, slot: Slot) -> &Table {
        &self.cell(slot).table0
    }
}

/// What a guard covers.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Held {
    One(Slot),
    Many(Vec<Slot>),
    World,
    /// One slot at a time, as the command proceeds.
    Walking(Option<Slot>),
}

/// The right to access some slots, for as long as it lives.
#[derive(Debug)]
pub struct Guard<'a> {
    slots: &'a Slots,
    held: Held,
    _ranked: rank::Held,
    /// A guard stays on the thread that took the locks.
    _not_send: std::marker::PhantomData<*const ()>,
}

impl<'a> Guard<'a> {
    fn new(slots: &'a Slots, held: Held) -> Guard<'a> {
        Guard {
            slots,
            held,
            _ranked: rank::Held::note(rank::Rank::Slots),
            _not_send: std::marker::PhantomData,
        }
    }

    #[inline]
    pub(crate) fn one(slots: &'a Slots, slot: Slot, spins: u32) -> Result<Guard<'a>, SlotBusy> {
        slots.lock(slot, spins)?;
        Ok(Guard::new(slots, Held::One(slot)))
    }

    /// Locks these slots, which must ascend: a common order prevents deadlock between takers of several.
    pub(crate) fn many(slots: &'a Slots, wanted: &[Slot], spins: u32) -> Result<Guard<'a>, SlotBusy> {
        assert!(wanted.is_sorted_by(|a, b| a < b), "slots are taken in ascending order, each once");
        let mut guard = Guard::new(slots, Held::Many(Vec::with_capacity(wanted.len())));
        for &slot in wanted {
            // On failure the guard gives back what it has.
            slots.lock(slot, spins)?;
            let Held::Many(held) = &mut guard.held else { unreachable!("just made") };
            held.push(slot);
        }
        Ok(guard)
    }

    pub(crate) fn world(slots: &'a Slots, gate: &Gate, thread: usize) -> Guard<'a> {
        // That everybody has left was seen by the caller: it cannot be asked again, since an attempt to enter, though it
        // fails, shows for a moment.
        assert!(gate.is_closed_by(thread), "the world is not this thread's");
        assert!(!slots.world.swap(true, Ordering::AcqRel), "there is one world");
        debug_assert!(
            !slots.cells.iter().any(|cell| cell.lock.is_locked()),
            "a slot is held outside the gate"
        );
        Guard::new(slots, Held::World)
    }

    pub(crate) fn walking(slots: &'a Slots) -> Guard<'a> {
        Guard::new(slots, Held::Walking(None))
    }

    /// Whether the slot may be accessed.
    #[inline]
    pub fn covers(&self, slot: Slot) -> bool {
        match &self.held {
            Held::One(held) => *held == slot,
            _ => self.covers_among_others(slot),
        }
    }

    #[inline(never)]
    fn covers_among_others(&self, slot: Slot) -> bool {
        match &self.held {
            Held::One(held) => *held == slot,
            Held::Many(held) => held.binary_search(&slot).is_ok(),
            Held::World => true,
            Held::Walking(held) => *held == Some(slot),
        }
    }

    /// Whether every slot may be accessed.
    pub fn is_world(&self) -> bool {
        self.held == Held::World
    }

    /// Moves on to a slot: a walking guard locks it; nothing changes for a guard that covers it already.
    pub(crate) fn step_to(&mut self, slot: Slot, spins: u32) -> Result<(), SlotBusy> {
        if let Held::Walking(held) = &mut self.held {
            if *held == Some(slot) {
                return Ok(());
            }
            if let Some(left) = held.take() {
                self.slots.unlock(left);
            }
            self.slots.lock(slot, spins)?;
            self.held = Held::Walking(Some(slot));
            return Ok(());
        }
        assert!(self.covers(slot), "slot {} is not held", slot.number());
        Ok(())
    }

    /// Releases the locks, as dropping does. Returns a slot that a thread waits for, if there is one. A caller that locks
    /// it again at once starves the waiter: waking takes longer than locking.
    #[inline]
    pub fn release(mut self) -> Option<Slot> {
        match self.held {
            Held::One(slot) => {
                self.held = Held::Walking(None);
                self.slots.unlock(slot).then_some(slot)
            }
            _ => self.release_others(),
        }
    }

    fn release_others(mut self) -> Option<Slot> {
        let mut awaited = None;
        match std::mem::replace(&mut self.held, Held::Walking(None)) {
            Held::One(slot) => awaited = self.slots.unlock(slot).then_some(slot),
            Held::Many(held) => {
                for slot in held {
                    awaited = self.slots.unlock(slot).then_some(slot).or(awaited);
                }
            }
            // Dropped with the guard.
            other => self.held = other,
        }
        awaited
    }

    /// Releases the slot of a walking guard. Returns whether a thread waits for it.
    pub fn leave_slot(&mut self) -> bool {
        match &mut self.held {
            Held::Walking(held) => held.take().is_some_and(|left| self.slots.unlock(left)),
            _ => false,
        }
    }

    #[inline]
    pub(crate) fn cell(&self, slot: Slot) -> &'a SlotCell {
        self.slots.cell(slot)
    }

    #[inline]
    fn data(&mut self, slot: Slot) -> &mut SlotData {
        assert!(self.covers(slot), "slot {} is not held", slot.number());
        // SAFETY: the slot is covered, so its lock is held here or the world is ours, and `&mut self` is borrowed for as
        // long as the reference lives, so there is no second one.
        unsafe { &mut *self.slots.cell(slot).data.get() }
    }

    /// A database's table in a slot, if it exists.
    ///
    /// # Panics
    /// When the slot is not covered: a command touched a key that its spec does not name.
    #[inline]
    pub(crate) fn table(&mut self, slot: Slot, physical: usize) -> Option<TableMut<'_>> {
        let slots = self.slots;
        let data = self.data(slot);
        let table = match physical {
            0 => &slots.cell(slot).table0,
            _ => data.extra.as_ref()?.tables.get(physical - 1)?,
        };
        // SAFETY: as for `data`: covered, and `self` is borrowed mutably as long as the result lives.
        Some(unsafe { table.exclusive() })
    }

    /// The entry of a key.
    #[inline]
    pub(crate) fn find(&mut self, place: Located, physical: usize, key: &[u8]) -> Option<Entry<'_>> {
        self.table(place.slot, physical)?.into_entry(place.hash, key)
    }

    /// The entry of a key, for reading beside others.
    ///
    /// # Panics
    /// When the slot is not covered.
    #[inline]
    pub(crate) fn find_shared(&self, place: Located, physical: usize, key: &[u8]) -> Option<Entry<'_>> {
        assert!(self.covers(place.slot), "slot {} is not held", place.slot.number());
        let cell = self.slots.cell(place.slot);
        let table = match physical {
            0 => &cell.table0,
            // SAFETY: the slot is covered, so its lock is held here or the world is ours, and whatever changes it through
            // this guard needs `&mut self`, which the result keeps away.
            _ => unsafe { &*cell.data.get() }.extra.as_ref()?.tables.get(physical - 1)?,
        };
        // SAFETY: as above.
        unsafe { table.shared_entry(place.hash, key) }
    }

    /// A database's table in a slot, created if it does not exist.
    #[inline]
    pub(crate) fn parts(&mut self, slot: Slot, physical: usize) -> Parts<'_> {
        let slots = self.slots;
        let extra = &mut self.data(slot).extra;
        let table = match physical {
            0 => &slots.cell(slot).table0,
            _ => {
                let tables = &mut extra.get_or_insert_default().tables;
                if tables.len() < physical {
                    tables.resize_with(physical, Table::new);
                }
                &tables[physical - 1]
            }
        };
        // SAFETY: as for `data`.
        Parts { table: unsafe { table.exclusive() }, expiries: slots.cell(slot).expiries() }
    }

    /// The waiters and watchers of the slot's keys.
    pub(crate) fn registry(&mut self, slot: Slot) -> &mut Registry {
        self.data(slot).extra.get_or_insert_default().registry.get_or_insert_default()
    }

    /// Drops the rare parts of a slot if nothing is in them.
    pub(crate) fn drop_extra_if_unused(&mut self, slot: Slot) {
        let extra = &mut self.data(slot).extra;
        if extra.as_mut().is_some_and(|extra| extra.is_unused()) {
            *extra = None;
        }
    }

    /// The hashes of the slot that have fields that expire.
    pub(crate) fn volatile_hashes(&mut self, slot: Slot) -> &mut VolatileHashes {
        &mut self.data(slot).extra.get_or_insert_default().hashes
    }

    /// The same, for a look.
    pub(crate) fn volatile_hashes_if_any(&mut self, slot: Slot) -> Option<&VolatileHashes> {
        self.data(slot).extra.as_ref().map(|extra| &extra.hashes)
    }

    /// When keys of the slot expire, and fields of its hashes, to be changed.
    #[inline]
    pub(crate) fn expiries(&self, slot: Slot) -> &'a Expiries {
        assert!(self.covers(slot), "slot {} is not held", slot.number());
        self.slots.cell(slot).expiries()
    }

    /// Takes a database's keys out of a slot. Only in the world.
    pub(crate) fn flush(&mut self, slot: Slot, physical: usize) -> Flushed {
        assert!(self.is_world(), "tables are taken in the world");
        let taken = self.parts(slot, physical).table.take();
        Flushed { slot, entries: taken, pending: None }
    }
}

/// The entries of a table that was taken out of the keyspace as a whole.
#[derive(Debug)]
pub struct Flushed {
    slot: Slot,
    entries: Detached,
    pending: Option<Pending>,
}

impl Flushed {
    /// Counts the entries as pending until they are taken out or dropped.
    pub fn count_as(&mut self, freeing: &Arc<Freeing>) {
        self.pending = Some(freeing.hold(self.entries.remaining() as u64));
    }

    /// The slot that the table belonged to.
    pub fn slot(&self) -> Slot {
        self.slot
    }
}

impl Iterator for Flushed {
    type Item = EntryBox;

    fn next(&mut self) -> Option<EntryBox> {
        let entry = self.entries.next()?;
        if let Some(pending) = &mut self.pending {
            pending.free_one();
        }
        Some(entry)
    }
}

impl Drop for Flushed {
    fn drop(&mut self) {
        self.for_each(drop);
        // SAFETY: the table was taken in the world: no thread was inside the gate, where prefetching happens, and who
        // enters afterwards cannot find these arrays any more.
        unsafe { self.entries.take_retired().free() };
    }
}

impl Drop for Guard<'_> {
    #[inline]
    fn drop(&mut self) {
        if !matches!(self.held, Held::Walking(None)) {
            self.unlock_held();
        }
    }
}

impl Guard<'_> {
    fn unlock_held(&self) {
        match &self.held {
            Held::One(slot) => _ = self.slots.unlock(*slot),
            Held::Many(held) => held.iter().for_each(|&slot| _ = self.slots.unlock(slot)),
            Held::World => self.slots.world.store(false, Ordering::Release),
            Held::Walking(None) => {}
            Held::Walking(Some(slot)) => _ = self.slots.unlock(*slot),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{AccessClock, Expiry, Keys, KeysContext, Keyspace, Scratch, Standing, Ttl, Watch};
    use structures::{Hash, Limits, Value};

    fn volatile_hash(at_ms: u64) -> Value {
        let mut hash = Hash::new();
        hash.set(b"field", b"value", &Limits::default());
        hash.set_expiry(b"field", Some(at_ms));
        Value::Hash(Box::new(hash))
    }

    #[test]
    fn the_rare_parts_go_with_the_last_of_them() {
        let space = Keyspace::new(2, 1);
        let (mut scratch, mut standing) = (Scratch::default(), Standing::new(0));
        assert!(standing.enter(&space));
        let slot = Slot::of(b"k");
        let mut on_keys = |db: u16, run: &dyn Fn(&mut Keys<'_, '_>)| {
            let context = KeysContext {
                thread: 0,
                db,
                now_ms: 1000,
                expiry: Expiry::Delete,
                lazy_expire: false,
                no_touch: false,
                clock: AccessClock::Lru,
            };
            let mut guard = space.lock(slot).expect("nobody else is there");
            run(&mut Keys::new(&space, &mut guard, &mut scratch, context));
            (guard.data(slot).extra.is_some(), space.next_due(0, 0, 5000))
        };
        assert_eq!(on_keys(0, &|keys| keys.put(b"k", Value::Int(1), Ttl::Clear)), (false, None));
        // A hash with a field that expires, and as a string again.
        assert_eq!(on_keys(0, &|keys| keys.put(b"k", volatile_hash(3000), Ttl::Clear)), (true, Some(slot)));
        assert_eq!(on_keys(0, &|keys| keys.put(b"k", Value::Int(1), Ttl::Clear)), (false, None));
        // A key of another database.
        assert!(on_keys(1, &|keys| keys.put(b"k", Value::Int(1), Ttl::Clear)).0);
        assert!(!on_keys(1, &|keys| drop(keys.remove(b"k"))).0);
        // A watch, which a change takes away.
        let watch = Arc::new(Watch::default());
        assert!(on_keys(0, &|keys| keys.watch(b"k", &watch)).0);
        assert!(!on_keys(0, &|keys| keys.changed(b"k", crate::EventClass::STRING, "set", 1)).0);
        assert!(watch.is_touched());
        standing.leave(&space);
    }
}
