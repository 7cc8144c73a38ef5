//! The guarantee of SCAN, and sampling.

use std::collections::HashMap;

use proptest::prelude::*;
use table::{EntryBox, Hasher, Retired, Table};

struct Set {
    table: Table,
    hasher: Hasher,
    retired: Retired,
}

impl Set {
    fn new(seed: u64) -> Set {
        Set { table: Table::new(), hasher: Hasher::fixed(seed), retired: Retired::new() }
    }

    fn insert(&mut self, i: u32) {
        let key = i.to_be_bytes();
        let entry = EntryBox::from_int(&key, 1, i.is_multiple_of(2).then_some(1));
        self.table.get_mut().insert_new(&self.hasher, self.hasher.hash(&key), entry, &mut self.retired);
    }

    fn remove(&mut self, i: u32) {
        let key = i.to_be_bytes();
        if let Some(place) = self.table.get_mut().find_mut(self.hasher.hash(&key), &key) {
            place.remove(&mut self.retired);
        }
    }

    fn scan(&mut self, cursor: u64, min_elements: usize, seen: &mut HashMap<u32, u32>) -> u64 {
        let next = self.table.get_mut().scan(&self.hasher, cursor, min_elements, |entry| {
            let key = u32::from_be_bytes(entry.key().try_into().expect("a key of this test"));
            *seen.entry(key).or_default() += 1;
        });
        assert!(next == 0 || next > cursor && next < 1 << 48);
        next
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        // SAFETY: nobody prefetches here.
        unsafe { self.retired.free() };
    }
}

/// Keys below `stay` are there from start to end; between the calls the number of others goes to each of `sizes` in
/// turn. Others are inserted and removed once each.
fn scan_under_change(seed: u64, stay: u32, sizes: &[u32], min_elements: usize) {
    let mut set = Set::new(seed);
    (0..stay).for_each(|i| set.insert(i));
    let (mut low, mut high) = (stay, stay);
    let mut seen = HashMap::new();
    let mut cursor = 0;
    for size in sizes.iter().cycle().take(100_000) {
        while high - low < *size {
            set.insert(high);
            high += 1;
        }
        while high - low > *size {
            set.remove(low);
            low += 1;
        }
        cursor = set.scan(cursor, min_elements, &mut seen);
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(cursor, 0, "the scan ends");
    assert!((0..stay).all(|i| seen.contains_key(&i)), "whoever stays is returned");
    assert!(seen.keys().all(|&i| i < high), "nobody else is returned");
    assert!(seen.values().all(|&times| times == 1), "nobody is returned twice");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whoever_stays_is_returned_once(
        seed: u64,
        stay in 0..500u32,
        sizes in proptest::collection::vec(0..1000u32, 1..8),
        min_elements in 1..40usize,
    ) {
        scan_under_change(seed, stay, &sizes, min_elements);
    }
}

#[test]
fn a_scan_survives_splits_and_merges() {
    for seed in 0..4 {
        scan_under_change(seed, 1000, &[0, 20_000, 300, 9_000], 150);
        scan_under_change(seed, 12_000, &[0, 30_000], 3000);
    }
}

#[test]
fn volatile_keys_are_scanned_alone() {
    let mut set = Set::new(5);
    (0..10_000).for_each(|i| set.insert(i));
    let table = set.table.get_mut();
    let (mut cursor, mut seen, mut calls) = (0, 0, 0);
    loop {
        cursor = table.scan_volatile(&set.hasher, cursor, 100, |entry| {
            assert!(entry.expire_at().is_some());
            seen += 1;
        });
        calls += 1;
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(seen, 5000);
    assert!((90..=100).contains(&calls), "each call passes about 100 elements: {calls}");
}

#[test]
fn samples_are_near_uniform() {
    for keys in [3, 100, 20_000] {
        let mut set = Set::new(9);
        (0..keys).for_each(|i| set.insert(i));
        let table = set.table.get_mut();
        let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();
        let draws = keys * 100;
        for random in 0..draws {
            let entry = table.sample(u64::from(random)).expect("not empty");
            *seen.entry(entry.key().to_vec()).or_default() += 1;
            assert!(
                table.sample_volatile(u64::from(random)).is_some_and(|entry| entry.expire_at().is_some())
            );
        }
        assert_eq!(seen.len(), keys as usize, "everybody is drawn");
        assert!(seen.values().all(|times| (40..=180).contains(times)), "about 100 times each");
    }
}

#[test]
fn the_only_volatile_key_of_a_large_table_is_found() {
    let mut set = Set::new(13);
    (0..20_000).for_each(|i| set.insert(2 * i + 1));
    assert!(set.table.get_mut().sample_volatile(1).is_none());
    set.insert(77_778);
    for random in 0..50 {
        let table = set.table.get_mut();
        assert_eq!(table.sample_volatile(random).expect("there is one").key(), 77_778u32.to_be_bytes());
    }
}
