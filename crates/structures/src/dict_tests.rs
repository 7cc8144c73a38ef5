//! The table's shape and the promise of its scan while it grows and shrinks.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

impl Entry for String {
    fn key(&self) -> &[u8] {
        self.as_bytes()
    }
}

fn check(dict: &Dict<String>) {
    assert_eq!(dict.iter().count(), dict.len());
    assert_eq!(dict.segments.iter().map(Vec::len).sum::<usize>(), dict.buckets());
    for index in 0..dict.buckets() {
        let bucket = dict.bucket(index);
        for (place, entry) in bucket.entries.iter().enumerate() {
            let hash = dict.hash(entry.key());
            assert_eq!(dict.bucket_of(hash), index);
            assert!(bucket.tags.get(place).is_none_or(|stored| *stored == tag(hash)));
        }
    }
}

fn dict_of(range: std::ops::Range<usize>) -> Dict<String> {
    let mut dict = Dict::with_hasher(Hasher::fixed(1));
    for index in range {
        dict.insert_new(index.to_string());
    }
    dict
}

#[test]
fn grows_and_shrinks_in_place() {
    let mut dict = dict_of(0..20_000);
    check(&dict);
    assert!(dict.buckets() > 3_000);
    assert!((0..20_000).all(|index| dict.get(index.to_string().as_bytes()).is_some()));
    for index in 0..20_000 {
        assert!(dict.remove(index.to_string().as_bytes()).is_some());
    }
    check(&dict);
    assert_eq!((dict.len(), dict.buckets()), (0, 1));
    assert_eq!(dict.remove(b"1"), None);
}

#[test]
fn an_undisturbed_scan_visits_everything_once() {
    let dict = dict_of(0..3_000);
    let mut seen = BTreeMap::new();
    let (mut cursor, mut steps) = (0, 0);
    loop {
        let mut visited = 0;
        cursor = dict.scan(cursor, 10, |entry| {
            *seen.entry(entry.clone()).or_insert(0) += 1;
            visited += 1;
        });
        steps += 1;
        assert!(visited < 40, "a step of 10 visited {visited}");
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(seen.len(), 3_000);
    assert!(seen.values().all(|times| *times == 1));
    assert!(steps > 100);
}

#[test]
fn a_scan_of_an_empty_or_foreign_cursor_ends() {
    let dict = dict_of(0..1_000);
    for start in [1, 77, u64::MAX, u64::MAX - 1, 1 << 63] {
        let mut cursor = start;
        for step in 0.. {
            cursor = dict.scan(cursor, 10, |_| {});
            if cursor == 0 {
                break;
            }
            assert!(step < 2_000, "cursor {start} does not end");
        }
    }
    assert_eq!(Dict::<String>::new().scan(0, 10, |_| unreachable!()), 0);
}

#[test]
fn random_entries_are_even() {
    let dict = dict_of(0..100);
    let mut hits = BTreeMap::new();
    for draw in 0..50_000u64 {
        *hits.entry(dict.random(mix(draw)).unwrap().clone()).or_insert(0u32) += 1;
    }
    assert_eq!(hits.len(), 100);
    // 500 expected, standard deviation 22.
    assert!(hits.values().all(|count| (380..620).contains(count)), "{hits:?}");
}

#[test]
fn tables_of_different_seeds_order_differently() {
    let order = |seed| {
        let mut dict = Dict::with_hasher(Hasher::fixed(seed));
        (0..100).for_each(|index: i32| dict.insert_new(index.to_string()));
        dict.iter().cloned().collect::<Vec<_>>()
    };
    assert_ne!(order(1), order(2));
    assert_eq!(order(1), order(1));
}

/// Hashes that are all the same, or that differ only in bits a table of this size does not look at.
#[test]
fn a_table_whose_hashes_collide_loses_nothing() {
    for common in [u64::MAX, u64::MAX >> 20, u64::MAX << 32] {
        let mut dict = Dict::with_hasher(Hasher::colliding(1, common));
        (0..4_000).for_each(|index: usize| dict.insert_new(index.to_string()));
        check(&dict);
        assert!((0..4_000).all(|index| dict.get(index.to_string().as_bytes()).is_some()));
        assert!(dict.get(b"4000").is_none());
        let (mut seen, mut cursor) = (BTreeMap::new(), 0);
        loop {
            cursor = dict.scan(cursor, 10, |entry| *seen.entry(entry.clone()).or_insert(0) += 1);
            if cursor == 0 {
                break;
            }
        }
        assert!(seen.len() == 4_000 && seen.values().all(|times| *times == 1));
        for index in 0..4_000 {
            assert!(dict.remove(index.to_string().as_bytes()).is_some());
        }
        check(&dict);
        assert_eq!((dict.len(), dict.buckets()), (0, 1));
    }
}

/// One bucket is longer than the others are: its entries are drawn as often as theirs.
#[test]
fn entries_of_a_long_bucket_are_drawn() {
    let mut dict = Dict::with_hasher(Hasher::fixed(1));
    let first = |dict: &Dict<String>, entry: &String| dict.hash(entry.as_bytes()) & 0xFF == 7;
    let crowd: Vec<String> =
        (0..).map(|i: u32| i.to_string()).filter(|entry| first(&dict, entry)).take(40).collect();
    crowd.iter().cloned().for_each(|entry| dict.insert_new(entry));
    (0..160).for_each(|i: u32| dict.insert_new(format!("other {i}")));
    let mut hits = BTreeMap::new();
    for draw in 0..20_000u64 {
        *hits.entry(dict.random(mix(draw)).unwrap().clone()).or_insert(0u32) += 1;
    }
    // 100 expected, standard deviation 10.
    assert!(
        crowd.iter().all(|entry| hits.get(entry).is_some_and(|count| (50..150).contains(count))),
        "{hits:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Entries 0 … fixed stay for the whole scan; between its steps others come and go in great numbers.
    #[test]
    fn what_stays_is_scanned(
        fixed in 1usize..400,
        bursts in prop::collection::vec((any::<bool>(), 0usize..800), 1..30),
        count in 1usize..30,
    ) {
        let mut dict = dict_of(0..fixed);
        let mut guests = Vec::new();
        let mut next_guest = fixed;
        let mut seen = BTreeSet::new();
        let mut twice = 0;
        let mut cursor = 0;
        let mut bursts = bursts.into_iter();
        loop {
            cursor = dict.scan(cursor, count, |entry| {
                twice += usize::from(!seen.insert(entry.clone()));
            });
            if cursor == 0 {
                break;
            }
            match bursts.next() {
                Some((true, many)) => for _ in 0..many {
                    dict.insert_new(next_guest.to_string());
                    guests.push(next_guest.to_string());
                    next_guest += 1;
                },
                Some((false, many)) => for guest in guests.drain(..many.min(guests.len())) {
                    prop_assert!(dict.remove(guest.as_bytes()).is_some());
                },
                None => {}
            }
        }
        check(&dict);
        prop_assert!((0..fixed).all(|index| seen.contains(&index.to_string())));
        prop_assert_eq!(twice, 0, "nothing is removed and added again here");
    }
}
