//! How many keys there are, by database and by group of slots, without a shared hot counter.
//!
//! Each thread counts what it adds and removes in cells of its own, as plain loads and stores of atomics nobody else
//! writes; a reader adds the threads' cells up. The groups let a random slot be chosen with a probability that follows
//! its keys, so one big hash-tagged slot is sampled as it should: first a group by its count, then a slot within.

use std::sync::atomic::{AtomicI64, Ordering};

/// Slots of a group.
pub(crate) const GROUP_SLOTS: usize = 128;
/// Groups of a keyspace.
pub(crate) const GROUPS: usize = topology::SLOTS / GROUP_SLOTS;

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
    cells: Box<[std::sync::OnceLock<Box<Cells>>]>,
    databases: usize,
}

#[inline]
fn bump(cell: &AtomicI64, by: i64) {
    // Only the owning thread writes its cells.
    cell.store(cell.load(Ordering::Relaxed) + by, Ordering::Release);
}

impl Counters {
    pub(crate) fn new(threads: usize, databases: usize) -> Counters {
        Counters { cells: (0..threads * databases).map(|_| Default::default()).collect(), databases }
    }

    #[inline]
    fn of(&self, thread: usize, db: usize) -> &Cells {
        self.cells[thread * self.databases + db].get_or_init(Default::default)
    }

    #[inline]
    pub(crate) fn add_keys(&self, thread: usize, db: usize, slot: usize, by: i64) {
        bump(&self.of(thread, db).keys[slot / GROUP_SLOTS], by);
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

    /// The group that holds the `nth` key of a database, if there are as many.
    pub(crate) fn group_of(&self, db: usize, nth: u64) -> Option<usize> {
        let mut left = nth as i64;
        for group in 0..GROUPS {
            let keys: i64 = self.used(db).map(|cells| cells.keys[group].load(Ordering::Relaxed)).sum();
            if left < keys {
                return Some(group);
            }
            left -= keys.max(0);
        }
        None
    }
}
