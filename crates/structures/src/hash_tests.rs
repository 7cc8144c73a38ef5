//! Hashes against a plain map, and the thresholds of their encodings.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Clone)]
enum Change {
    Set(Vec<u8>, Vec<u8>),
    SetIfAbsent(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
}

fn field() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[abc]{0,2}".prop_map(String::into_bytes),
        (0i64..30).prop_map(|value| value.to_string().into_bytes()),
        (250usize..260).prop_map(|len| vec![b'f'; len]),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => "[a-z0-9]{0,8}".prop_map(String::into_bytes),
        3 => any::<i64>().prop_map(|value| value.to_string().into_bytes()),
        1 => (60usize..70).prop_map(|len| vec![b'v'; len]),
    ]
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (field(), value()).prop_map(|(field, value)| Change::Set(field, value)),
        1 => (field(), value()).prop_map(|(field, value)| Change::SetIfAbsent(field, value)),
        1 => field().prop_map(Change::Remove),
    ]
}

fn contents(hash: &Hash) -> BTreeMap<Vec<u8>, Vec<u8>> {
    hash.iter().map(|(field, value)| (field.to_vec(), value.to_vec())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn behaves_like_a_map(
        changes in prop::collection::vec(change(), 0..120),
        hash_max_listpack_entries in 0usize..40,
        random in any::<u64>(),
    ) {
        let limits = Limits { hash_max_listpack_entries, ..Limits::default() };
        let mut hash = Hash::new();
        let mut model: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
        let mut is_table = false;
        for change in changes {
            match change {
                Change::Set(field, value) => {
                    prop_assert_eq!(hash.set(&field, &value, &limits), !model.contains_key(&field));
                    is_table |= field.len() > 64 || value.len() > 64;
                    model.insert(field, value);
                }
                Change::SetIfAbsent(field, value) => {
                    prop_assert_eq!(hash.set_if_absent(&field, &value, &limits), !model.contains_key(&field));
                    is_table |= !model.contains_key(&field) && (field.len() > 64 || value.len() > 64);
                    model.entry(field).or_insert(value);
                }
                Change::Remove(field) => {
                    prop_assert_eq!(hash.remove(&field), model.remove(&field).is_some());
                }
            }
            is_table |= model.len() > hash_max_listpack_entries;
            prop_assert_eq!(hash.encoding(), if is_table { "hashtable" } else { "listpack" });
            prop_assert_eq!(hash.len(), model.len());
        }
        for (field, value) in &model {
            prop_assert!(hash.contains(field));
            prop_assert!(hash.get(field).unwrap().eq_bytes(value));
            prop_assert_eq!(hash.value_len(field), value.len());
        }
        prop_assert_eq!(hash.get(b"absent"), None);
        let expected: BTreeMap<_, _> = model.clone().into_iter().collect();
        prop_assert_eq!(contents(&hash), expected.clone());
        let mut scanned = BTreeMap::new();
        let mut cursor = 0;
        loop {
            cursor = hash.scan(cursor, 3, |field, value| {
                scanned.insert(field.to_vec(), value.to_vec());
            });
            if cursor == 0 {
                break;
            }
        }
        prop_assert_eq!(scanned, expected);
        let mut at_a_time = 0;
        let mut visited = Vec::new();
        let mut place = Some(Place::default());
        while let Some(from) = place {
            at_a_time += 1;
            let enough = visited.len() + at_a_time;
            place = hash.visit_from(from, |field, value, _| {
                let goes_on = visited.len() < enough;
                if goes_on {
                    visited.push((field.to_vec(), value.to_vec()));
                }
                goes_on
            });
        }
        let in_order: Vec<_> = hash.iter().map(|(field, value)| (field.to_vec(), value.to_vec())).collect();
        prop_assert_eq!(visited, in_order);
        match hash.random(random) {
            Some((field, value)) => prop_assert_eq!(model.get(&field.to_vec()), Some(&value.to_vec())),
            None => prop_assert!(model.is_empty()),
        }
        // The same contents in the other encoding.
        let never = Limits { hash_max_listpack_entries: 0, ..Limits::default() };
        let mut table = Hash::new();
        model.iter().for_each(|(field, value)| {
            table.set(field, value, &never);
        });
        prop_assert_eq!(&table, &hash);
        table.set(b"one more", b"", &never);
        prop_assert_ne!(&table, &hash);
    }
}

#[test]
fn converts_for_the_longest_argument_and_never_returns() {
    let limits = Limits::default();
    let mut hash = Hash::new();
    hash.convert_for([64, 64, 1], &limits);
    assert_eq!(hash.encoding(), "listpack");
    hash.convert_for([1, 65], &limits);
    assert_eq!(hash.encoding(), "hashtable");
    hash.set(b"f", b"v", &limits);
    hash.remove(b"f");
    assert_eq!((hash.encoding(), hash.len()), ("hashtable", 0));
}

#[test]
fn one_field_more_than_the_limit_makes_a_table() {
    let limits = Limits::default();
    let mut hash = Hash::new();
    for index in 0..512 {
        hash.set(index.to_string().as_bytes(), b"v", &limits);
    }
    hash.set(b"7", b"w", &limits);
    assert_eq!(hash.encoding(), "listpack");
    hash.set(b"512", b"v", &limits);
    assert_eq!((hash.encoding(), hash.len()), ("hashtable", 513));
    assert!(hash.get(b"7").unwrap().eq_bytes(b"w"));
}

#[test]
fn a_listpack_from_outside_must_be_a_hash() {
    let limits = Limits::default();
    let load = |items: &[&str]| Hash::from_listpack(items.iter().collect(), &limits);
    assert_eq!(load(&["a", "1", "b"]), Err(NotAHash::OddCount));
    assert_eq!(load(&["a", "1", "a", "2"]), Err(NotAHash::DuplicateField));
    assert_eq!(contents(&load(&["a", "1", "1", "a"]).unwrap()).len(), 2);
    // The integer 7 and the string "7" are the same field.
    let bytes = [16, 0, 0, 0, 4, 0, 7, 1, 0, 1, 0x81, b'7', 2, 0, 1, 0xFF];
    let listpack = Listpack::from_bytes(bytes.to_vec()).unwrap();
    assert_eq!(Hash::from_listpack(listpack, &limits), Err(NotAHash::DuplicateField));
}

/// As redis-server 7.0.15 answered RESTORE with lower limits than those of the dump.
#[test]
fn a_loaded_listpack_converts_by_its_count_only() {
    let long = "x".repeat(80);
    let load = |items: &[&str], hash_max_listpack_entries| {
        let limits = Limits { hash_max_listpack_entries, ..Limits::default() };
        Hash::from_listpack(items.iter().collect(), &limits).unwrap().encoding()
    };
    assert_eq!(load(&["a", &long], 512), "listpack");
    assert_eq!(load(&["a", "1", "b", "2"], 2), "listpack");
    assert_eq!(load(&["a", "1", "b", "2"], 1), "hashtable");
}

/// What redis-server 7.0.15 dumped after `HSET h field 1 f2 two 300 -7`.
#[test]
fn bytes_are_those_of_redis() {
    let limits = Limits::default();
    let mut hash = Hash::new();
    for (field, value) in [("field", "1"), ("f2", "two"), ("300", "-7")] {
        hash.set(field.as_bytes(), value.as_bytes(), &limits);
    }
    let hex: String =
        hash.as_listpack().unwrap().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "1f0000000600856669656c64060101826632038374776f04c12c02dff902ff");
}

#[test]
fn memory_follows_what_is_stored() {
    let never = Limits { hash_max_listpack_entries: 0, ..Limits::default() };
    let mut hash = Hash::new();
    hash.set(b"f", b"v", &never);
    let small = hash.memory();
    for index in 0..1000 {
        hash.set(format!("field:{index}").as_bytes(), &[b'v'; 50], &never);
    }
    let large = hash.memory() - small;
    assert!((1000 * 60..1000 * 100).contains(&large), "{large}");
    for index in 0..1000 {
        hash.set(format!("field:{index}").as_bytes(), b"", &never);
        hash.remove(format!("field:{index}").as_bytes());
    }
    assert!(hash.memory() < small + 1000, "{} after {small}", hash.memory());
}
