//! Bytes that no server wrote never panic, and never become a value that breaks later.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use rdb::{Item, ReaderOptions, SaveOptions, dump, restore};
use structures::{Limits, StreamId, Value};

use crate::support::{REDIS, VALKEY, hash, list, options, payload, read, set, sorted_set, stream};

const SAVED: &[u8] = include_bytes!("../data/redis-7.0.15.rdb");

/// Walks over the whole value and writes it again, which must find nothing unexpected.
fn exercise(value: &Value) {
    let limits = Limits::default();
    let again = dump(value.view(), &SaveOptions::new(VALKEY));
    assert_eq!(restore(&again, &limits, VALKEY.rdb_version()).as_ref(), Ok(value));
    match value {
        Value::List(list) => assert_eq!(list.iter().count(), list.len()),
        Value::Hash(hash) => assert_eq!(hash.iter().count(), hash.len()),
        Value::Set(set) => assert_eq!(set.iter().count(), set.len()),
        Value::SortedSet(set) => assert_eq!(set.iter().count(), set.len()),
        Value::Stream(stream) => {
            let ids: Vec<StreamId> = stream.iter().map(|entry| entry.id).collect();
            assert_eq!(ids.len(), stream.len());
            assert!(stream.iter().all(|entry| entry.fields.len() == entry.fields.count()));
            let back = stream.range_back(StreamId::MIN, StreamId::MAX).map(|entry| entry.id);
            assert!(back.eq(ids.iter().rev().copied()));
            let mut stream = stream.clone();
            assert_eq!(stream.remove(&ids), ids.len());
        }
        Value::Int(_) | Value::Bytes(_) => {}
    }
}

/// Reads to the first fault.
fn read_hostile(bytes: &[u8], piece: usize) {
    let unchecked = ReaderOptions { checksum: false, ..options() };
    let whole = read([bytes], unchecked);
    assert_eq!(read(bytes.chunks(piece), unchecked), whole, "the same fault for every split");
    for item in whole.into_iter().flatten() {
        if let Item::Entry { value, .. } = item {
            exercise(&value);
        }
    }
}

#[derive(Debug, Clone)]
enum Damage {
    Set(Index, u8),
    Flip(Index, u8),
    Remove(Index),
    Insert(Index, u8),
    Cut(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        4 => (any::<Index>(), 0u8..8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        2 => any::<Index>().prop_map(Damage::Remove),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        1 => any::<Index>().prop_map(Damage::Cut),
    ]
}

fn damaged(bytes: &[u8], damages: &[Damage]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for damage in damages {
        if bytes.is_empty() {
            break;
        }
        let len = bytes.len();
        match damage {
            Damage::Set(at, byte) => bytes[at.index(len)] = *byte,
            Damage::Flip(at, bit) => bytes[at.index(len)] ^= 1 << bit,
            Damage::Remove(at) => drop(bytes.remove(at.index(len))),
            Damage::Insert(at, byte) => bytes.insert(at.index(len), *byte),
            Damage::Cut(at) => bytes.truncate(at.index(len)),
        }
    }
    bytes
}

/// Values whose payloads are short, so that damage hits structure more often than text.
fn short_contents() -> Vec<Vec<u8>> {
    let limits = Limits { list_max_listpack_size: 2, list_packed_threshold: 8, ..Limits::default() };
    let tables = Limits {
        hash_max_listpack_entries: 0,
        set_max_listpack_entries: 0,
        zset_max_listpack_entries: 0,
        ..limits
    };
    let values = [
        list(["a", "1", "70000", "a plain node", "b", ""], &limits),
        hash([("f", "1"), ("g", "-5000")], &limits),
        hash([("f", "1"), ("g", "-5000")], &tables),
        set(["1", "-5000", "70000"], &limits),
        set(["a", "1", "-5000", ""], &limits),
        set(["a", "1", "-5000", ""], &tables),
        sorted_set([("a", 1.0), ("1", 0.5), ("", f64::INFINITY)], &limits),
        sorted_set([("a", 1.0), ("1", 0.5), ("", f64::INFINITY)], &tables),
        Value::Bytes(b"ab".repeat(50)),
    ];
    let mut contents: Vec<Vec<u8>> = values
        .iter()
        .map(|value| dump(value.view(), &SaveOptions::new(VALKEY)))
        .map(|payload| payload[..payload.len() - 10].to_vec())
        .collect();
    for (entries, variety) in [(0, 0), (3, 2), (4, 0x1234_5678_9ABC_DEF1)] {
        for profile in [REDIS, VALKEY] {
            let stream = stream(entries, variety, &Limits { stream_node_max_entries: 2, ..limits });
            let payload = dump(stream.view(), &SaveOptions { compress: false, ..SaveOptions::new(profile) });
            contents.push(payload[..payload.len() - 10].to_vec());
        }
    }
    contents.push(OLD_LIST.to_vec());
    contents.push(OLD_HASH.to_vec());
    contents.push(OLD_SORTED_SET.to_vec());
    contents.push(OLDEST_SORTED_SET.to_vec());
    contents.push(b"\x09\x07\x01\x01a\x01\x00b\xff".to_vec());
    contents
}

/// A ziplist of `a` and 5 as a list, as a hash and as a sorted set.
const OLD_LIST: &[u8] = b"\x0a\x10\x10\0\0\0\x0d\0\0\0\x02\0\x00\x01a\x03\xf6\xff";
const OLD_HASH: &[u8] = b"\x0d\x10\x10\0\0\0\x0d\0\0\0\x02\0\x00\x01a\x03\xf6\xff";
const OLD_SORTED_SET: &[u8] = b"\x0c\x10\x10\0\0\0\x0d\0\0\0\x02\0\x00\x01a\x03\xf6\xff";
/// Scores as text, and infinity.
const OLDEST_SORTED_SET: &[u8] = b"\x03\x02\x01b\xfe\x01a\x032.5";

#[test]
fn old_forms_are_valid_before_they_are_damaged() {
    let limits = Limits::default();
    assert_eq!(restore(&payload(OLD_LIST, 6), &limits, 11), Ok(list(["a", "5"], &limits)));
    assert_eq!(restore(&payload(OLD_HASH, 6), &limits, 11), Ok(hash([("a", "5")], &limits)));
    assert_eq!(restore(&payload(OLD_SORTED_SET, 6), &limits, 11), Ok(sorted_set([("a", 5.0)], &limits)));
    let oldest = sorted_set([("a", 2.5), ("b", f64::INFINITY)], &limits);
    assert_eq!(restore(&payload(OLDEST_SORTED_SET, 2), &limits, 11), Ok(oldest));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_files(damages in vec(damage(), 1..4), piece in 1usize..2_000) {
        read_hostile(&damaged(SAVED, &damages), piece);
    }

    #[test]
    fn noise_behind_a_header(noise in vec(any::<u8>(), 0..60), piece in 1usize..10) {
        read_hostile(&[b"REDIS0011", &noise[..]].concat(), piece);
    }

    #[test]
    fn noise(noise in vec(any::<u8>(), 0..60)) {
        read_hostile(&noise, 7);
        let _ = restore(&noise, &Limits::default(), 11);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn damaged_payloads(which in any::<Index>(), damages in vec(damage(), 1..4)) {
        let contents = short_contents();
        let content = damaged(&contents[which.index(contents.len())], &damages);
        if let Ok(value) = restore(&payload(&content, 11), &Limits::default(), 11) {
            exercise(&value);
        }
    }
}
