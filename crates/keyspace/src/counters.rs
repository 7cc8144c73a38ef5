//! Counts keys, by database and by group of slots, without a shared hot counter.
//!
//! Each thread counts what it adds and removes in its own cells, with plain loads and stores of atomics that no other thread writes; a
//! reader sums the cells of all threads. Two levels of counts, groups of slots and slots, let a random slot be chosen with a
//! probability in proportion to its keys, so one big hash-tagged slot is sampled as often as it should be.

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
    /// Of them, those with an expiry.
    volatile: [AtomicI64; GROUPS],
    /// The sum of the volatile keys' expiries, each as its distance from the base in ms.
    expiries: AtomicI64,
    /// Hashes with fields that expire.
    volatile_hashes: AtomicI64,
}

impl Default for Cells {
    fn default() -> Self {
        Cells {
            keys: [const { AtomicI64::new(0) }; GROUPS],
            volatile: [const { AtomicI64::new(0) }; GROUPS],
            expiries: AtomicI64::new(0),
            volatile_hashes: AtomicI64::new(0),
        }
    }
}

/// The counters of all threads and databases; a thread's cells for a database exist once the thread has used it.
#[derive(Debug)]
pub(crate) struct Counters {
    cells: Box<[OnceLock<Box<Cells>>]>,
    /// Keys of each slot, by physical database; written under the slot's lock.
    slots: Box<[SlotCounts]>,
    /// The same for keys with an expiry.
    volatile_slots: Box<[SlotCounts]>,
    databases: usize,
    /// The base of expiries, in Unix ms: the first that was counted. With a base near them, sums stay small, and a reader
    /// that sees a key's count without its expiry is off by no more than that key's time to live.
    base_ms: OnceLock<u64>,
}

/// Expiries count as this far from the base at most, which is 34 years, so that millions of such keys have a sum.
const MAX_DISTANCE_MS: i64 = 1 << 40;

/// A count for each slot, made once it is needed.
type SlotCounts = OnceLock<Box<[AtomicU32]>>;
/// Chooses the counts of groups of a thread's cells.
type Groups = fn(&Cells) -> &[AtomicI64; GROUPS];

#[inline]
fn bump_slot(counts: &SlotCounts, slot: usize, by: i64) {
    let cell = &counts.get_or_init(|| (0..SLOTS).map(|_| AtomicU32::new(0)).collect())[slot];
    cell.store(cell.load(Ordering::Relaxed).wrapping_add_signed(by as i32), Ordering::Relaxed);
}

#[inline]
fn bump(cell: &AtomicI64, by: i64) {
    // Only the owning thread writes its cells.
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(by), Ordering::Release);
}

impl Counters {
    pub(crate) fn new(threads: usize, databases: usize) -> Counters {
        Counters {
            cells: (0..threads * databases).map(|_| OnceLock::new()).collect(),
            slots: (0..databases).map(|_| OnceLock::new()).collect(),
            volatile_slots: (0..databases).map(|_| OnceLock::new()).collect(),
            databases,
            base_ms: OnceLock::new(),
        }
    }

    #[inline]
    fn of(&self, thread: usize, db: usize) -> &Cells {
        self.cells[thread * self.databases + db].get_or_init(Default::default)
    }

    #[inline]
    pub(crate) fn add_keys(&self, thread: usize, db: usize, slot: usize, by: i64) {
        bump(&self.of(thread, db).keys[slot / GROUP_SLOTS], by);
        bump_slot(&self.slots[db], slot, by);
    }

    /// Counts keys of a slot that have an expiry.
    #[inline]
    pub(crate) fn add_volatile(&self, thread: usize, db: usize, slot: usize, by: i64) {
        if by != 0 {
            bump(&self.of(thread, db).volatile[slot / GROUP_SLOTS], by);
            bump_slot(&self.volatile_slots[db], slot, by);
        }
    }

    /// Counts hashes with fields that expire.
    pub(crate) fn add_volatile_hashes(&self, thread: usize, db: usize, by: i64) {
        bump(&self.of(thread, db).volatile_hashes, by);
    }

    /// How many hashes have fields that expire.
    pub(crate) fn volatile_hashes(&self, db: usize) -> u64 {
        self.used(db).map(|cells| cells.volatile_hashes.load(Ordering::Acquire)).sum::<i64>().max(0) as u64
    }

    /// Counts a change of a key's expiry. `None` means no expiry, or no key.
    #[inline]
    pub(crate) fn change_expiry(
        &self,
        thread: usize,
        db: usize,
        slot: usize,
        old: Option<u64>,
        new: Option<u64>,
    ) {
        if old == new {
            return;
        }
        let distance = |at_ms: u64| {
            let base_ms = *self.base_ms.get_or_init(|| at_ms);
            (at_ms.wrapping_sub(base_ms) as i64).clamp(-MAX_DISTANCE_MS, MAX_DISTANCE_MS)
        };
        self.add_volatile(thread, db, slot, i64::from(new.is_some()) - i64::from(old.is_some()));
        bump(&self.of(thread, db).expiries, new.map_or(0, distance) - old.map_or(0, distance));
    }

    /// Forgets the times of a database that has become empty. The caller owns the world, so no other thread counts.
    pub(crate) fn forget_expiries(&self, thread: usize, db: usize) {
        let expiries =
            self.used(db).map(|cells| cells.expiries.load(Ordering::Acquire)).fold(0, i64::wrapping_add);
        bump(&self.of(thread, db).expiries, expiries.wrapping_neg());
    }

    /// The average time to live of volatile keys, in ms; 0 when there are none, or all are due.
    pub(crate) fn mean_ttl_ms(&self, db: usize, now_ms: u64) -> u64 {
        let volatile = self.volatile(db) as i64;
        let Some(&base_ms) = self.base_ms.get().filter(|_| volatile > 0) else { return 0 };
        let sum =
            self.used(db).map(|cells| cells.expiries.load(Ordering::Acquire)).fold(0, i64::wrapping_add);
        let mean_ms = sum / volatile + base_ms.wrapping_sub(now_ms) as i64;
        mean_ms.max(0) as u64
    }

    fn used(&self, db: usize) -> impl Iterator<Item = &Cells> {
        self.cells.iter().skip(db).step_by(self.databases).filter_map(|cell| cell.get().map(|cells| &**cells))
    }

    pub(crate) fn keys(&self, db: usize) -> u64 {
        self.sum(db, |cells| &cells.keys)
    }

    pub(crate) fn volatile(&self, db: usize) -> u64 {
        self.sum(db, |cells| &cells.volatile)
    }

    fn sum(&self, db: usize, groups: Groups) -> u64 {
        let all = self.used(db).flat_map(groups);
        all.map(|cell| cell.load(Ordering::Acquire)).sum::<i64>().max(0) as u64
    }

    /// A random slot, weighted by keys. Counts change meanwhile, so the slot may have just become empty.
    pub(crate) fn slot_of(&self, db: usize, random: u64) -> Option<usize> {
        self.weighted(db, random, |cells| &cells.keys, &self.slots[db])
    }

    /// As [`Counters::slot_of`], weighted by keys with an expiry.
    pub(crate) fn volatile_slot_of(&self, db: usize, random: u64) -> Option<usize> {
        self.weighted(db, random, |cells| &cells.volatile, &self.volatile_slots[db])
    }

    /// The first slot from this one on, or else from the first of all, that holds a key with an expiry.
    pub(crate) fn next_volatile(&self, db: usize, from: usize) -> Option<usize> {
        let slots = self.volatile_slots[db].get()?;
        let holds = |slot: &usize| slots[*slot].load(Ordering::Relaxed) > 0;
        (from..SLOTS).find(holds).or_else(|| (0..from).find(holds))
    }

    fn weighted(&self, db: usize, random: u64, groups: Groups, slots: &SlotCounts) -> Option<usize> {
        let keys = self.sum(db, groups);
        let slots = slots.get().filter(|_| keys > 0)?;
        let mut left = (random % keys) as i64;
        for group in 0..GROUPS {
            let in_group: i64 = self.used(db).map(|cells| groups(cells)[group].load(Ordering::Relaxed)).sum();
            if left >= in_group {
                left -= in_group.max(0);
                continue;
            }
            for slot in group * GROUP_SLOTS..(group + 1) * GROUP_SLOTS {
                left -= i64::from(slots[slot].load(Ordering::Relaxed));
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
    fn the_mean_ttl_follows_every_change() {
        let counters = Counters::new(2, 2);
        let now_ms = 1_700_000_000_000;
        let at = |ttl_ms: u64| Some(now_ms + ttl_ms);
        assert_eq!(counters.mean_ttl_ms(0, now_ms), 0);
        counters.change_expiry(0, 0, 7, None, at(1000));
        counters.change_expiry(1, 0, 7, None, at(5000));
        assert_eq!((counters.volatile(0), counters.mean_ttl_ms(0, now_ms)), (2, 3000));
        // Another thread changes what this one counted; time goes on.
        counters.change_expiry(1, 0, 7, at(1000), at(7000));
        assert_eq!((counters.volatile(0), counters.mean_ttl_ms(0, now_ms + 500)), (2, 5500));
        counters.change_expiry(0, 0, 7, at(5000), None);
        assert_eq!((counters.volatile(0), counters.mean_ttl_ms(0, now_ms)), (1, 7000));
        assert_eq!(counters.mean_ttl_ms(0, now_ms + 8000), 0, "all are due");
        // Keys that expire in ages do not break the sum, and leave as they came.
        counters.change_expiry(0, 1, 7, None, Some(i64::MAX as u64));
        assert_eq!(counters.mean_ttl_ms(1, now_ms), MAX_DISTANCE_MS as u64 + 1000);
        counters.change_expiry(0, 1, 7, Some(i64::MAX as u64), at(2000));
        assert_eq!(counters.mean_ttl_ms(1, now_ms), 2000);
        counters.add_volatile(1, 0, 7, -1);
        counters.forget_expiries(1, 0);
        assert_eq!((counters.volatile(0), counters.mean_ttl_ms(0, now_ms)), (0, 0));
        assert_eq!((counters.volatile(1), counters.mean_ttl_ms(1, now_ms)), (1, 2000));
    }

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

    /// Whatever other keys there are, a slot with an expiry among its keys is found at once.
    #[test]
    fn keys_with_an_expiry_are_weighted_alone() {
        let counters = Counters::new(2, 2);
        counters.add_keys(0, 0, 5, 1_000_000);
        assert_eq!((counters.volatile_slot_of(0, 3), counters.next_volatile(0, 0)), (None, None));
        counters.change_expiry(0, 0, 200, None, Some(9));
        counters.change_expiry(1, 0, 200, None, Some(9));
        counters.change_expiry(1, 0, 16_383, None, Some(9));
        let slots = [0, 1, 2].map(|random| counters.volatile_slot_of(0, random));
        assert_eq!(slots, [Some(200), Some(200), Some(16_383)]);
        assert_eq!(counters.volatile_slot_of(1, 0), None);
        assert_eq!([201, 16_383].map(|from| counters.next_volatile(0, from)), [Some(16_383); 2]);
        counters.change_expiry(0, 0, 16_383, Some(9), None);
        assert_eq!([0, 201].map(|from| counters.next_volatile(0, from)), [Some(200); 2]);
    }
}
