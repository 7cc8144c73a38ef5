//! The table against a `HashMap`.

use std::collections::HashMap;

use proptest::prelude::*;
use structures::{Value, ValueRef};
use table::{EntryBox, Hasher, Retired, Table, Walk};

/// What a key should hold: value and expiry.
type Model = HashMap<Vec<u8>, (Value, Option<u64>)>;

#[derive(Debug, Clone)]
enum Op {
    Set(u16, Value, Option<u64>),
    SetBytes(u16, Vec<u8>, Option<u64>),
    SetInt(u16, i64),
    Append(u16, Vec<u8>),
    Compact(u16),
    Expire(u16, Option<u64>),
    Replace(u16, Value, Option<u64>),
    Remove(u16),
    RemoveMany(u16),
    InsertMany(u16),
    Take,
}

/// Short keys, and one in eight longer than the header can say.
fn key(i: u16) -> Vec<u8> {
    let mut key = format!("k{i}").into_bytes();
    match i % 64 {
        7 => key.resize(0xFFFE + usize::from(i / 64 % 3), b'x'),
        15 => key.resize(300, b'x'),
        _ => {}
    }
    key
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![4 => 0..50usize, 2 => 50..300usize, 1 => 4090..4100usize, 1 => 5000..9000usize];
    (len, any::<u8>()).prop_map(|(len, byte)| vec![byte; len])
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i64>().prop_map(Value::Int),
        bytes().prop_map(Value::Bytes),
        Just(Value::List(Default::default())),
        Just(Value::Hash(Default::default())),
        Just(Value::Set(Default::default())),
        Just(Value::SortedSet(Default::default())),
        Just(Value::Stream(Default::default())),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let id = || 0..300u16;
    let expiry = || proptest::option::of(any::<u64>());
    prop_oneof![
        8 => (id(), value(), expiry()).prop_map(|(i, v, e)| Op::Set(i, v, e)),
        4 => (id(), bytes(), expiry()).prop_map(|(i, v, e)| Op::SetBytes(i, v, e)),
        2 => (id(), any::<i64>()).prop_map(|(i, v)| Op::SetInt(i, v)),
        4 => (id(), bytes()).prop_map(|(i, v)| Op::Append(i, v)),
        2 => id().prop_map(Op::Compact),
        4 => (id(), expiry()).prop_map(|(i, e)| Op::Expire(i, e)),
        2 => (id(), value(), expiry()).prop_map(|(i, v, e)| Op::Replace(i, v, e)),
        8 => id().prop_map(Op::Remove),
        1 => id().prop_map(Op::RemoveMany),
        1 => id().prop_map(Op::InsertMany),
        1 => Just(Op::Take),
    ]
}

struct Pair {
    table: Table,
    hasher: Hasher,
    retired: Retired,
    model: Model,
}

impl Pair {
    fn new(seed: u64) -> Pair {
        Pair {
            table: Table::new(),
            hasher: Hasher::fixed(seed),
            retired: Retired::new(),
            model: Model::new(),
        }
    }

    fn insert(&mut self, key: &[u8], value: Value, expire_at: Option<u64>) {
        let hash = self.hasher.hash(key);
        let entry = EntryBox::new(key, value.clone(), expire_at);
        let mut table = self.table.get_mut();
        let place = table.insert_new(&self.hasher, hash, entry, &mut self.retired);
        assert_eq!(place.entry().key(), key);
        self.model.insert(key.to_vec(), (value, expire_at));
    }

    fn remove(&mut self, key: &[u8]) {
        let mut table = self.table.get_mut();
        let removed = table.find_mut(self.hasher.hash(key), key).map(|place| place.remove(&mut self.retired));
        let removed = removed.map(EntryBox::into_parts);
        let expected = self.model.remove(key).map(|(value, expire_at)| (key.into(), value, expire_at));
        assert_eq!(removed, expected);
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Set(i, value, expire_at) => {
                let key = key(i);
                let mut table = self.table.get_mut();
                let Some(mut place) = table.find_mut(self.hasher.hash(&key), &key) else {
                    return self.insert(&key, value, expire_at);
                };
                let old = place.set_value(value.clone(), expire_at);
                let (expected, _) = self.model.insert(key, (value, expire_at)).expect("as in the table");
                let large = match &expected {
                    Value::Int(_) => false,
                    Value::Bytes(bytes) => bytes.len() > 4096 || old.is_some(),
                    Value::List(_)
                    | Value::Hash(_)
                    | Value::Set(_)
                    | Value::SortedSet(_)
                    | Value::Stream(_) => true,
                };
                assert_eq!(old, large.then_some(expected));
            }
            Op::SetBytes(i, bytes, expire_at) => self.change(i, |place, (value, expiry)| {
                place.set_bytes(&bytes, expire_at);
                (*value, *expiry) = (Value::Bytes(bytes), expire_at);
            }),
            Op::SetInt(i, int) => self.change(i, |place, (value, expiry)| {
                place.set_int(int, *expiry);
                *value = Value::Int(int);
            }),
            Op::Append(i, bytes) => self.change(i, |place, (value, _)| {
                let mut expected = match value {
                    Value::Int(int) => int.to_string().into_bytes(),
                    Value::Bytes(bytes) => bytes.clone(),
                    Value::List(_)
                    | Value::Hash(_)
                    | Value::Set(_)
                    | Value::SortedSet(_)
                    | Value::Stream(_) => return,
                };
                place.bytes_mut().extend_from_slice(&bytes);
                assert!(place.entry().is_raw());
                expected.extend_from_slice(&bytes);
                *value = Value::Bytes(expected);
            }),
            Op::Compact(i) => self.change(i, |place, _| {
                let raw = place.entry().is_raw();
                place.compact();
                assert_eq!(place.entry().is_raw(), raw);
            }),
            Op::Expire(i, expire_at) => self.change(i, |place, (_, expiry)| {
                place.entry().set_lru(0xAB_CDEF);
                place.entry().set_mark(Walk::Slot, 9);
                place.entry().set_mark(Walk::Keyspace, 5);
                place.set_expire(expire_at);
                let entry = place.entry();
                assert_eq!(
                    (entry.lru(), entry.mark(Walk::Slot), entry.mark(Walk::Keyspace)),
                    (0xAB_CDEF, 9, 5)
                );
                *expiry = expire_at;
            }),
            Op::Replace(i, value, expire_at) => self.change(i, |place, expected| {
                let key = place.entry().key().to_vec();
                let old = place.replace(EntryBox::new(&key, value.clone(), expire_at)).into_parts();
                let before = std::mem::replace(expected, (value, expire_at));
                assert_eq!((old.1, old.2), before);
            }),
            Op::Remove(i) => self.remove(&key(i)),
            Op::RemoveMany(i) => (i..i + 200).for_each(|i| self.remove(&key(i))),
            Op::InsertMany(i) => {
                for key in (i..i + 200).map(key) {
                    if !self.model.contains_key(&key) {
                        self.insert(&key, Value::Int(1), None);
                    }
                }
            }
            Op::Take => {
                let taken = self.table.get_mut().take();
                assert_eq!(taken.remaining(), self.model.len());
                let mut taken = taken;
                for entry in taken.by_ref().take(self.model.len() / 2) {
                    let (key, value, expire_at) = entry.into_parts();
                    assert_eq!(self.model.remove(&key[..]), Some((value, expire_at)));
                }
                self.retired.append(&mut taken.into_retired());
                self.model.clear();
            }
        }
    }

    fn change(&mut self, i: u16, f: impl FnOnce(&mut table::Occupied<'_>, &mut (Value, Option<u64>))) {
        let key = key(i);
        let mut table = self.table.get_mut();
        let place = table.find_mut(self.hasher.hash(&key), &key);
        let expected = self.model.get_mut(&key);
        assert_eq!(place.is_some(), expected.is_some());
        if let (Some(mut place), Some(expected)) = (place, expected) {
            f(&mut place, expected);
        }
    }

    fn check(&mut self) {
        let table = self.table.get_mut();
        assert_eq!(table.len(), self.model.len());
        assert_eq!(table.volatile_len(), self.model.values().filter(|(_, expiry)| expiry.is_some()).count());
        for i in 0..500 {
            let key = key(i);
            let found = table.find(self.hasher.hash(&key), &key);
            let expected = self.model.get(&key);
            assert_eq!(found.is_some(), expected.is_some());
            if let (Some(entry), Some((value, expire_at))) = (found, expected) {
                assert_eq!(entry.expire_at(), *expire_at);
                assert!(equal(entry.value(), value));
                assert!(entry.memory() >= 8 + key.len() + value_bytes(value));
            }
        }
        let mut volatile = 0;
        table.scan_volatile(&self.hasher, 0, usize::MAX, |entry| {
            assert!(entry.expire_at().is_some());
            volatile += 1;
        });
        assert_eq!(volatile, table.volatile_len());
        assert_eq!(table.sample(1).is_some(), !table.is_empty());
        let sample = table.sample_volatile(volatile as u64);
        assert_eq!(sample.is_some(), volatile > 0);
        assert!(sample.is_none_or(|entry| entry.expire_at().is_some()));
        // SAFETY: nobody prefetches here.
        unsafe { self.retired.free() };
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        // SAFETY: nobody prefetches here.
        unsafe { self.retired.free() };
    }
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        _ => 8,
    }
}

fn equal(found: ValueRef<'_>, expected: &Value) -> bool {
    match (found, expected) {
        (ValueRef::Int(found), Value::Int(expected)) => found == *expected,
        (ValueRef::Bytes(found), Value::Bytes(expected)) => found == expected,
        (ValueRef::List(found), Value::List(expected)) => *found == **expected,
        (ValueRef::Hash(found), Value::Hash(expected)) => *found == **expected,
        (ValueRef::Set(found), Value::Set(expected)) => *found == **expected,
        (ValueRef::SortedSet(found), Value::SortedSet(expected)) => *found == **expected,
        (ValueRef::Stream(found), Value::Stream(expected)) => *found == **expected,
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_a_map(seed: u64, ops in proptest::collection::vec(op(), 1..300)) {
        let mut pair = Pair::new(seed);
        for (i, op) in ops.into_iter().enumerate() {
            pair.apply(op);
            if i % 50 == 0 {
                pair.check();
            }
        }
        pair.check();
    }
}

/// Through thousands of small tables: each size of array is passed on the way up and on the way down.
#[test]
fn many_small_tables_grow_and_shrink() {
    for seed in 0..2000 {
        let mut pair = Pair::new(seed);
        let keys: Vec<[u8; 4]> = (0..seed as u32 % 400).map(u32::to_be_bytes).collect();
        for key in &keys {
            pair.insert(key, Value::Int(i64::from(key[3])), (key[3] < 9).then_some(1));
        }
        for key in &keys {
            assert!(pair.table.get_mut().find(pair.hasher.hash(key), key).is_some());
        }
        for (left, key) in (0..keys.len()).rev().zip(&keys) {
            pair.remove(key);
            assert_eq!(pair.table.get_mut().len(), left);
        }
        assert!(pair.table.get_mut().memory() <= 64);
    }
}

/// Through more splits than a window has slack, so that keys are hashed again, and back through merges.
#[test]
fn a_large_table_splits_and_merges() {
    const KEYS: u32 = 600_000;
    let mut table = Table::new();
    let mut table = table.get_mut();
    let hasher = Hasher::fixed(11);
    let mut retired = Retired::new();
    for i in 0..KEYS {
        let key = i.to_be_bytes();
        let entry = EntryBox::from_int(&key, i64::from(i), (i % 3 == 0).then_some(1));
        table.insert_new(&hasher, hasher.hash(&key), entry, &mut retired);
        if i % 1024 == 0 {
            // SAFETY: nobody prefetches here.
            unsafe { retired.free() };
        }
    }
    assert_eq!((table.len(), table.volatile_len()), (KEYS as usize, KEYS as usize / 3));
    assert!(table.memory() < KEYS as usize * 12);
    for i in 0..KEYS {
        let key = i.to_be_bytes();
        let entry = table.find(hasher.hash(&key), &key).expect("inserted");
        assert!(matches!(entry.value(), ValueRef::Int(int) if int == i64::from(i)));
        let absent = (i + KEYS).to_be_bytes();
        assert!(table.find(hasher.hash(&absent), &absent).is_none());
    }
    for i in 0..KEYS {
        let key = i.to_be_bytes();
        let place = table.find_mut(hasher.hash(&key), &key).expect("not yet removed");
        assert_eq!(place.remove(&mut retired).into_value(), Value::Int(i64::from(i)));
        if i % 1024 == 0 {
            // SAFETY: nobody prefetches here.
            unsafe { retired.free() };
        }
    }
    assert_eq!((table.len(), table.volatile_len()), (0, 0));
    assert!(table.memory() <= 4096, "{} bytes are left", table.memory());
    // SAFETY: nobody prefetches here.
    unsafe { retired.free() };
}
