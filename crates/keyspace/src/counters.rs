//! How many keys there are, by database and by group of slots, without a shared hot counter.
//!
//! Each thread counts what it adds and removes in cells of its own, as plain loads and stores of atomics nobody else
//! writes; a reader adds the threads' cells up. Two levels of counts, groups of slots and slots, let a random slot be
//! chosen with a probability that follows its keys, so one big hash-tagged slot is sampled as it should.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use topology::SLOTS;

/// Slots of a group.
pub(crate) const GROUP_SLOTS: usize = 128;
/// Groups of a keyspace.
pub(crate) const GROUPS: usize = SLOTS / GROUP_SLOTS;

#[derive(Debug)]
#[repr(align(64))]
struct Cells {
    keys: [AtomicI64; GROUPS],
    volatile: AtomicI64,
}

impl Default for Cells {
    fn default() -> Self {
        Cells { keys: [const { AtomicI64::new(0) }; GROUPS], volatile: AtomicI64::new(0) }
    }
}

/// The counters of all threads and databases; a thread's cells for a database exist once it used it.
#[derive(Debug)]
pub(crate) struct Counters {
    cells: Box<[OnceLock<Box<Cells>>]>,
    /// Keys of each slot, by physical database; written under the slot's lock.
    slots: Box<[OnceLock<Box<[AtomicU32]>>]>,
    databases: usize,
}

#[inline]
fn bump(cell: &AtomicI64, by: i64) {
    // Only the owning thread writes its cells.
    cell.store(cell.load(Ordering::Relaxed) + by, Ordering::Release);
}

impl Counters {
    pub(crate) fn new(threads: usize, databases: usize) -> Counters {
        Counters {
            cells: (0..threads * databases).map(|_| OnceLock::new()).collect(),
            slots: (0..databases).map(|_| OnceLock::new()).collect(),
            databases,
        }
    }

    #[inline]
    fn of(&self, thread: usize, db: usize) -> &Cells {
        self.cells[thread * self.databases + db].get_or_init(Default::default)
    }

    #[inline]
    pub(crate) fn add_keys(&self, thread: usize, db: usize, slot: usize, by: i64) {
        bump(&self.of(thread, db).keys[slot / GROUP_SLOTS], by);
        let cell = &self.slots_of(db)[slot];
        cell.store(cell.load(Ordering::Relaxed).wrapping_add_signed(by as i32), Ordering::Relaxed);
    }

    #[inline]
    fn slots_of(&self, db: usize) -> &[AtomicU32] {
        self.slots[db].get_or_init(|| (0..SLOTS).map(|_| AtomicU32::new(0)).collect())
    }

    #[inline]
    pub(crate) fn add_volatile(&self, thread: usize, db: usize, by: i64) {
        bump(&self.of(thread, db).volatile, by);
    }

    fn used(&self, db: usize) -> impl Iterator<Item = &Cells> {
        self.cells.iter().skip(db).step_by(self.databases).filter_map(|cell| cell.get().map(|cells| &**cells))
    }

    pub(crate) fn keys(&self, db: usize) -> u64 {
        let all = self.used(db).flat_map(|cells| &cells.keys);
        all.map(|cell| cell.load(Ordering::Acquire)).sum::<i64>().max(0) as u64
    }

    pub(crate) fn volatile(&self, db: usize) -> u64 {
        self.used(db).map(|cells| cells.volatile.load(Ordering::Acquire)).sum::<i64>().max(0) as u64
    }

    /// A slot by chance, weighted by keys. Counts move meanwhile, so it may have just become empty.
    pub(crate) fn slot_of(&self, db: usize, random: u64) -> Option<usize> {
        let keys = self.keys(db);
        if keys == 0 {
            return None;
        }
        let mut left = (random % keys) as i64;
        for group in 0..GROUPS {
            let in_group: i64 = self.used(db).map(|cells| cells.keys[group].load(Ordering::Relaxed)).sum();
            if left >= in_group {
                left -= in_group.max(0);
                continue;
            }
            for slot in group * GROUP_SLOTS..(group + 1) * GROUP_SLOTS {
                left -= i64::from(self.slots_of(db)[slot].load(Ordering::Relaxed));
                if left < 0 {
                    return Some(slot);
                }
            }
            return Some(group * GROUP_SLOTS);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_add_up_and_slots_are_weighted() {
        let counters = Counters::new(2, 2);
        counters.add_keys(0, 1, 5, 30);
        counters.add_keys(1, 1, 5, -10);
        counters.add_keys(1, 1, 9000, 20);
        assert_eq!((counters.keys(0), counters.keys(1)), (0, 40));
        let mut hits = [0; 2];
        for random in 0..40 {
            match counters.slot_of(1, random) {
                Some(5) => hits[0] += 1,
                Some(9000) => hits[1] += 1,
                other => panic!("{other:?} holds no key"),
            }
        }
        assert_eq!(hits, [20, 20]);
        assert_eq!(counters.slot_of(0, 7), None);
    }
}
