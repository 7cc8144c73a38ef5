//! Intsets against an ordered set, and foreign bytes.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn integer_of_any_width() -> impl Strategy<Value = i64> {
    prop_oneof![
        6 => -20i64..20,
        2 => any::<i16>().prop_map(i64::from),
        1 => any::<i32>().prop_map(i64::from),
        1 => any::<i64>(),
        1 => prop::sample::select(vec![
            -0x8001, -0x8000, 0x7FFF, 0x8000,
            -0x8000_0001, -0x8000_0000, 0x7FFF_FFFF, 0x8000_0000,
            i64::MIN, i64::MAX,
        ]),
    ]
}

proptest! {
    #[test]
    fn behaves_like_an_ordered_set(
        changes in prop::collection::vec((integer_of_any_width(), prop::bool::weighted(0.7)), 0..200),
    ) {
        let mut intset = IntSet::new();
        let mut model = BTreeSet::new();
        let mut width = 2;
        for (value, adds) in changes {
            if adds {
                prop_assert_eq!(intset.add(value), model.insert(value));
                width = width.max(width_of(value));
            } else {
                prop_assert_eq!(intset.remove(value), model.remove(&value));
                prop_assert!(!intset.contains(value));
            }
            prop_assert_eq!(intset.len(), model.len());
            prop_assert_eq!(intset.as_bytes().len(), HEADER + width * model.len());
        }
        prop_assert!(intset.iter().eq(model.iter().copied()));
        prop_assert!(model.iter().all(|value| intset.contains(*value)));
        prop_assert_eq!((intset.min(), intset.max()), (model.first().copied(), model.last().copied()));
        prop_assert_eq!(intset.get(model.len()), None);
        prop_assert_eq!(IntSet::from_bytes(intset.as_bytes().to_vec()), Ok(intset.clone()));
        if let Some(middle) = model.iter().nth(model.len() / 2).copied() {
            prop_assert_eq!(intset.remove_at(model.len() / 2), Some(middle));
            prop_assert!(!intset.contains(middle));
        }
    }

    #[test]
    fn any_bytes_are_an_intset_or_not(bytes in prop::collection::vec(0u8..9, 0..40)) {
        if let Ok(intset) = IntSet::from_bytes(bytes) {
            prop_assert!(intset.iter().is_sorted_by(|a, b| a < b));
            prop_assert_eq!(intset.iter().count(), intset.len());
        }
    }
}

/// What redis-server 7.0.15 dumped after `SADD s 3 -1 70000`.
#[test]
fn bytes_are_those_of_redis() {
    let intset: IntSet = [3, -1, 70_000].into_iter().collect();
    let hex: String = intset.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "0400000003000000ffffffff0300000070110100");
}

#[test]
fn foreign_bytes_are_checked() {
    let load = |bytes: &[u8]| IntSet::from_bytes(bytes.to_vec()).map(|intset| intset.len());
    assert_eq!(load(&[2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 2, 0]), Ok(2));
    for (fault, bytes) in [
        ("cut off in the header", &[2, 0, 0, 0, 0, 0, 0][..]),
        ("a width of three", &[3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]),
        ("a width of none", &[0, 0, 0, 0, 0, 0, 0, 0]),
        ("a count too large", &[2, 0, 0, 0, 2, 0, 0, 0, 1, 0]),
        ("a count too small", &[2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 2, 0]),
        ("a count that overflows", &[8, 0, 0, 0, 255, 255, 255, 255, 1, 0]),
        ("the same twice", &[2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 1, 0]),
        ("descending", &[2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 255, 255]),
    ] {
        assert_eq!(load(bytes), Err(Corrupt), "{fault}");
    }
}

#[test]
fn memory_returns() {
    let mut intset: IntSet = (0..10_000).collect();
    assert!(intset.heap_bytes() < 10_000 * 2 * 5 / 4);
    (0..9_990).for_each(|value| assert!(intset.remove(value)));
    assert!(intset.heap_bytes() <= 256, "{}", intset.heap_bytes());
}
