//! A keyspace and its model side by side: random commands applied to both, under guards of every kind.

use std::collections::{BTreeMap, BTreeSet};

use keyspace::{
    AccessClock, Expiry, Guard, ITSELF, Keys, KeysContext, Keyspace, Reclaimer, Scratch, Standing, Ttl,
};
use proptest::prelude::*;
use structures::hash::FieldTtl;
use structures::{Hash, Limits, List, Score, Set, SortedSet, Stream, StreamId, Value, ValueRef};
use table::{Entry, ValueMut};
use topology::Slot;

use crate::HASHER;

pub(crate) const DATABASES: u16 = 3;
const THREAD: usize = 0;
const TAGS: usize = 6;
const KEYS: u8 = 60;

/// What a value looks like from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plain {
    String(Vec<u8>),
    List(Vec<Vec<u8>>),
    /// Values and expiries of its fields.
    Hash(BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)>),
    Set(BTreeSet<Vec<u8>>),
    SortedSet(BTreeSet<(Score, Vec<u8>)>),
    /// The texts of its entries.
    Stream(Vec<Vec<u8>>),
}

impl Plain {
    pub(crate) fn of(value: ValueRef<'_>) -> Plain {
        match value {
            ValueRef::Int(int) => Plain::String(int.to_string().into_bytes()),
            ValueRef::Bytes(bytes) => Plain::String(bytes.to_vec()),
            ValueRef::List(list) => Plain::List(list.iter().map(|item| item.to_vec()).collect()),
            ValueRef::Hash(hash) => Plain::Hash(
                hash.iter_with_expiry()
                    .map(|(field, value, at)| (field.to_vec(), (value.to_vec(), at)))
                    .collect(),
            ),
            ValueRef::Set(set) => Plain::Set(set.iter().map(|member| member.to_vec()).collect()),
            ValueRef::SortedSet(set) => {
                Plain::SortedSet(set.iter().map(|(member, score)| (score, member.to_vec())).collect())
            }
            ValueRef::Stream(stream) => Plain::Stream(
                stream.iter().flat_map(|entry| entry.fields).map(|(_, text)| text.to_vec()).collect(),
            ),
        }
    }
}

/// Databases of keys with value and expiry; only what has not expired.
pub(crate) type Model = Vec<BTreeMap<Vec<u8>, (Plain, Option<u64>)>>;

/// How a command holds its slots.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hold {
    Keys,
    World,
}

#[derive(Debug, Clone)]
pub(crate) enum Op {
    Select(u16),
    Advance(u64),
    PutString(u8, Vec<u8>, TtlOp),
    PutList(u8, Vec<u8>, TtlOp),
    PutSet(u8, Vec<u8>, TtlOp),
    PutSortedSet(u8, Vec<u8>, TtlOp),
    PutStream(u8, Vec<u8>, TtlOp),
    Insert(u8, Vec<u8>, TtlOp),
    Append(u8, Vec<u8>),
    SetBytes(u8, Vec<u8>),
    Push(u8, Vec<u8>),
    SetField(u8, u8, Vec<u8>, TtlOp),
    PutHash(u8, Vec<u8>, TtlOp, TtlOp),
    ReclaimFields(u8, usize),
    Expire(u8, TtlOp),
    Read(u8),
    Remove(u8),
    RemoveSilently(u8),
    Rename(u8, u8),
    Move(u8, u16),
    ExpireSlot(u8),
    Flush,
    FlushAll,
    Swap(u16, u16),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum TtlOp {
    Clear,
    Keep,
    In(u64),
}

fn strings() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..40),
        2 => any::<i64>().prop_map(|int| int.to_string().into_bytes()),
        1 => (60..400usize, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
        1 => (4090..6000usize, any::<u8>()).prop_map(|(len, byte)| vec![byte; len]),
    ]
}

pub(crate) fn ops() -> impl Strategy<Value = Op> {
    let key = || 0..KEYS;
    let db = || 0..DATABASES;
    let ttl =
        || prop_oneof![2 => Just(TtlOp::Clear), 1 => Just(TtlOp::Keep), 2 => (1..500u64).prop_map(TtlOp::In)];
    prop_oneof![
        3 => db().prop_map(Op::Select),
        3 => (1..300u64).prop_map(Op::Advance),
        16 => (key(), strings(), ttl()).prop_map(|(k, s, t)| Op::PutString(k, s, t)),
        3 => (key(), strings(), ttl()).prop_map(|(k, s, t)| Op::PutList(k, s, t)),
        3 => (key(), strings(), ttl()).prop_map(|(k, s, t)| Op::PutSet(k, s, t)),
        3 => (key(), strings(), ttl()).prop_map(|(k, s, t)| Op::PutSortedSet(k, s, t)),
        3 => (key(), strings(), ttl()).prop_map(|(k, s, t)| Op::PutStream(k, s, t)),
        5 => (key(), strings(), ttl()).prop_map(|(k, s, t)| Op::Insert(k, s, t)),
        4 => (key(), strings()).prop_map(|(k, s)| Op::Append(k, s)),
        3 => (key(), strings()).prop_map(|(k, s)| Op::SetBytes(k, s)),
        4 => (key(), strings()).prop_map(|(k, s)| Op::Push(k, s)),
        6 => (key(), 0..20u8, strings(), ttl()).prop_map(|(k, f, s, t)| Op::SetField(k, f, s, t)),
        2 => (key(), strings(), ttl(), ttl()).prop_map(|(k, s, t, f)| Op::PutHash(k, s, t, f)),
        3 => (key(), 1..9usize).prop_map(|(k, most)| Op::ReclaimFields(k, most)),
        5 => (key(), ttl()).prop_map(|(k, t)| Op::Expire(k, t)),
        4 => key().prop_map(Op::Read),
        6 => key().prop_map(Op::Remove),
        1 => key().prop_map(Op::RemoveSilently),
        3 => (key(), key()).prop_map(|(a, b)| Op::Rename(a, b)),
        3 => (key(), db()).prop_map(|(k, db)| Op::Move(k, db)),
        2 => key().prop_map(Op::ExpireSlot),
        1 => Just(Op::Flush),
        1 => Just(Op::FlushAll),
        2 => (db(), db()).prop_map(|(a, b)| Op::Swap(a, b)),
    ]
}

pub(crate) fn holds() -> impl Strategy<Value = Hold> {
    prop_oneof![3 => Just(Hold::Keys), 1 => Just(Hold::World)]
}

/// Keys of a few hash tags, so that slots hold several.
pub(crate) fn key(i: u8) -> Vec<u8> {
    format!("{{{}}}{i}", usize::from(i) % TAGS).into_bytes()
}

pub(crate) struct Machine {
    pub(crate) space: Keyspace,
    pub(crate) model: Model,
    pub(crate) now_ms: u64,
    pub(crate) expiry: Expiry,
    db: u16,
    scratch: Scratch,
    reclaimer: Reclaimer,
}

impl Machine {
    pub(crate) fn new(expiry: Expiry) -> Machine {
        Machine {
            space: Keyspace::with_hasher(DATABASES.into(), 2, HASHER),
            model: vec![BTreeMap::new(); DATABASES.into()],
            now_ms: 1_000_000,
            expiry,
            db: 0,
            scratch: Scratch::default(),
            reclaimer: Reclaimer::new(),
        }
    }

    /// Runs `f` under a guard of these slots, or of the world, and reclaims as a worker does.
    fn hold<R>(&mut self, hold: Hold, mut slots: Vec<Slot>, f: impl FnOnce(&mut Keys<'_, '_>) -> R) -> R {
        let context = KeysContext {
            thread: THREAD,
            db: self.db,
            now_ms: self.now_ms,
            expiry: self.expiry,
            lazy_expire: false,
            no_touch: false,
            clock: AccessClock::Lru,
        };
        slots.sort_unstable();
        slots.dedup();
        let space = &self.space;
        let run =
            |guard: &mut Guard<'_>, scratch: &mut Scratch| f(&mut Keys::new(space, guard, scratch, context));
        let result = match hold {
            Hold::World => world(space, |guard| run(guard, &mut self.scratch)),
            Hold::Keys => {
                let mut standing = Standing::new(THREAD);
                assert!(standing.enter(space));
                let mut guard = match slots[..] {
                    [slot] => space.lock(slot).expect("free"),
                    _ => space.lock_many(&slots).expect("free"),
                };
                let result = run(&mut guard, &mut self.scratch);
                drop(guard);
                standing.leave(space);
                result
            }
        };
        self.scratch.effects.take();
        self.scratch.garbage.clear();
        self.reclaimer.collect(space, &mut self.scratch.retired);
        assert_eq!(self.reclaimer.bytes(), 0, "nobody else is inside");
        result
    }

    fn at(&self, ttl: TtlOp) -> Option<u64> {
        match ttl {
            TtlOp::In(ms) => Some(self.now_ms + ms),
            TtlOp::Clear | TtlOp::Keep => None,
        }
    }

    /// Applies a command to the keyspace and to the model.
    pub(crate) fn apply(&mut self, hold: Hold, op: &Op) {
        let db = usize::from(self.db);
        match op {
            Op::Select(to) => self.db = *to,
            Op::Advance(ms) => {
                self.now_ms += ms;
                let now_ms = self.now_ms;
                for keys in &mut self.model {
                    keys.retain(|_, (_, at)| at.is_none_or(|at| at > now_ms));
                }
            }
            Op::PutString(i, string, ttl) => self.put(hold, *i, *ttl, Plain::String(string.clone())),
            Op::PutList(i, element, ttl) => self.put(hold, *i, *ttl, Plain::List(vec![element.clone()])),
            Op::PutSet(i, member, ttl) => {
                self.put(hold, *i, *ttl, Plain::Set([member.clone(), b"7".to_vec()].into()));
            }
            Op::PutSortedSet(i, member, ttl) => {
                self.put(hold, *i, *ttl, Plain::SortedSet([(Score::from(7), member.clone())].into()));
            }
            Op::PutStream(i, text, ttl) => {
                self.put(hold, *i, *ttl, Plain::Stream(vec![text.clone(), b"7".to_vec()]));
            }
            Op::Insert(i, string, ttl) => {
                let (key, at) = (key(*i), self.at(*ttl));
                if self.model[db].contains_key(&key) {
                    return;
                }
                self.hold(hold, vec![Slot::of(&key)], |keys| {
                    keys.insert(&key, Value::Bytes(string.clone()), at)
                });
                self.model[db].insert(key, (Plain::String(string.clone()), at));
            }
            Op::Append(i, more) => self.edit(hold, *i, |plain, edit| {
                if let Plain::String(string) = plain {
                    string.extend_from_slice(more);
                    edit.bytes_mut().extend_from_slice(more);
                }
            }),
            Op::SetBytes(i, bytes) => self.edit(hold, *i, |plain, edit| {
                if let Plain::String(string) = plain {
                    string.clone_from(bytes);
                    edit.set_bytes(bytes);
                }
            }),
            Op::Push(i, element) => self.edit(hold, *i, |plain, edit| {
                if let (Plain::List(list), ValueMut::List(real)) = (plain, edit.value_mut()) {
                    list.push(element.clone());
                    real.push_back(element, &Limits::default());
                }
            }),
            Op::SetField(i, field, value, ttl) => self.set_field(hold, *i, *field, value, *ttl),
            Op::PutHash(i, value, ttl, field_ttl) => {
                let fields = [(b"f".to_vec(), (value.clone(), self.at(*field_ttl)))];
                self.put(hold, *i, *ttl, Plain::Hash(fields.into()));
            }
            Op::ReclaimFields(i, most) => self.reclaim_fields(hold, Slot::of(&key(*i)), *most),
            Op::Expire(i, ttl) => {
                let (key, at) = (key(*i), self.at(*ttl));
                let there = self.hold(hold, vec![Slot::of(&key)], |keys| {
                    keys.peek(&key).is_some() && keys.set_expire(&key, at)
                });
                let plain = self.model[db].get_mut(&key);
                assert_eq!(there, plain.is_some());
                plain.into_iter().for_each(|plain| plain.1 = at);
            }
            Op::Read(i) => {
                let key = key(*i);
                let found = self.hold(hold, vec![Slot::of(&key)], |keys| {
                    let beside = keys.beside(&key).map(|entry| Plain::of(entry.value()));
                    let found = keys.lookup(&key).map(|entry| (Plain::of(entry.value()), entry.expire_at()));
                    assert_eq!(beside.as_ref(), found.as_ref().map(|(plain, _)| plain));
                    found
                });
                assert_eq!(found.as_ref(), self.model[db].get(&key));
            }
            Op::Remove(i) => {
                let key = key(*i);
                let entry = self.hold(hold, vec![Slot::of(&key)], |keys| keys.remove(&key));
                assert_eq!(entry.is_some(), self.model[db].remove(&key).is_some());
            }
            Op::RemoveSilently(i) => {
                let key = key(*i);
                let removed = self.hold(hold, vec![Slot::of(&key)], |keys| keys.remove_silently(&key));
                assert!(removed || !self.model[db].contains_key(&key));
                self.model[db].remove(&key);
            }
            Op::Rename(from, to) => self.rename(hold, &key(*from), &key(*to)),
            Op::Move(i, to) => self.transfer(hold, &key(*i), *to),
            Op::ExpireSlot(i) => {
                let slot = Slot::of(&key(*i));
                self.hold(hold, vec![slot], |keys| {
                    if keys.may_be_due(slot) {
                        let mut at = keys.sweep(slot, None, 4);
                        while at.is_some() {
                            at = keys.sweep(slot, at, 4);
                        }
                    }
                });
            }
            Op::Flush => {
                drop(self.hold(Hold::World, vec![], |keys| keys.flush()));
                self.model[db].clear();
            }
            Op::FlushAll => {
                for db in 0..DATABASES {
                    drop(self.hold(Hold::World, vec![], |keys| keys.in_db(db).flush()));
                    self.model[usize::from(db)].clear();
                }
            }
            Op::Swap(a, b) => {
                self.hold(Hold::World, vec![], |keys| keys.swap(*a, *b));
                self.model.swap((*a).into(), (*b).into());
            }
        }
    }

    fn put(&mut self, hold: Hold, i: u8, ttl: TtlOp, plain: Plain) {
        let (key, at) = (key(i), self.at(ttl));
        let old = self.model[usize::from(self.db)].get(&key).and_then(|(_, at)| *at);
        let (ttl, after) = match ttl {
            TtlOp::Clear => (Ttl::Clear, None),
            TtlOp::Keep => (Ttl::Keep, old),
            TtlOp::In(_) => (at.map_or(Ttl::Clear, Ttl::At), at),
        };
        self.hold(hold, vec![Slot::of(&key)], |keys| match &plain {
            Plain::String(string) => keys.put_string(&key, string, ttl),
            Plain::List(elements) => {
                let mut list = List::new();
                elements.iter().for_each(|element| list.push_back(element, &Limits::default()));
                keys.put(&key, Value::List(Box::new(list)), ttl);
            }
            Plain::Set(members) => {
                let mut set = Set::new();
                for member in members {
                    set.add(member, &Limits::default());
                }
                keys.put(&key, Value::Set(Box::new(set)), ttl);
            }
            Plain::SortedSet(members) => {
                let mut set = SortedSet::new();
                for (score, member) in members {
                    set.insert(member, *score, &Limits::default());
                }
                keys.put(&key, Value::SortedSet(Box::new(set)), ttl);
            }
            Plain::Stream(texts) => {
                let mut stream = Stream::new();
                for (seq, text) in (1..).zip(texts) {
                    let fields: [&[u8]; 2] = [b"text", text];
                    stream.add(StreamId::new(1, seq), &fields, &Limits::default()).expect("IDs ascend");
                }
                keys.put(&key, Value::Stream(Box::new(stream)), ttl);
            }
            Plain::Hash(fields) => {
                let mut hash = Hash::new();
                for (field, (value, at)) in fields {
                    let ttl = at.map_or(FieldTtl::Clear, FieldTtl::At);
                    hash.set_with_ttl(field, value, ttl, 0, &Limits::default());
                }
                keys.put(&key, Value::Hash(Box::new(hash)), ttl);
            }
        });
        self.model[usize::from(self.db)].insert(key, (plain, after));
    }

    fn edit(&mut self, hold: Hold, i: u8, f: impl FnOnce(&mut Plain, &mut keyspace::Edit<'_>)) {
        let key = key(i);
        let db = usize::from(self.db);
        let mut plain = self.model[db].get(&key).cloned();
        self.hold(hold, vec![Slot::of(&key)], |keys| {
            let edit = keys.edit(&key);
            assert_eq!(edit.is_some(), plain.is_some());
            if let (Some(mut edit), Some((plain, _))) = (edit, &mut plain) {
                f(plain, &mut edit);
            }
        });
        self.model[db].extend(plain.map(|plain| (key, plain)));
    }

    fn set_field(&mut self, hold: Hold, i: u8, field: u8, value: &[u8], ttl: TtlOp) {
        let (key, db, now_ms) = (key(i), usize::from(self.db), self.now_ms);
        let name = vec![field; 3];
        let at = self.at(ttl);
        let ttl = match (ttl, at) {
            (TtlOp::Keep, _) => FieldTtl::Keep,
            (_, Some(at)) => FieldTtl::At(at),
            _ => FieldTtl::Clear,
        };
        self.hold(hold, vec![Slot::of(&key)], |keys| {
            let Some(mut edit) = keys.edit(&key) else {
                let mut hash = Hash::new();
                hash.set_with_ttl(&name, value, ttl, now_ms, &Limits::default());
                return keys.insert(&key, Value::Hash(Box::new(hash)), None);
            };
            if let ValueMut::Hash(hash) = edit.value_mut() {
                let before = hash.next_due_ms();
                hash.set_with_ttl(&name, value, ttl, now_ms, &Limits::default());
                let after = hash.next_due_ms();
                keys.fields_changed(&key, before, after);
            }
        });
        let plain = self.model[db].entry(key).or_insert_with(|| (Plain::Hash(BTreeMap::new()), None));
        if let Plain::Hash(hash) = &mut plain.0 {
            let old = hash.get(&name).and_then(|(_, at)| *at).filter(|at| *at > now_ms);
            let at = if ttl == FieldTtl::Keep { old } else { at };
            hash.insert(name, (value.to_vec(), at));
        }
    }

    /// Deletes all due fields of a slot, a few at a time.
    fn reclaim_fields(&mut self, hold: Hold, slot: Slot, most: usize) {
        let (db, now_ms) = (usize::from(self.db), self.now_ms);
        let mut before = 0;
        for (key, (plain, _)) in &mut self.model[db] {
            if let Plain::Hash(hash) = plain
                && Slot::of(key) == slot
            {
                before += hash.len();
                // A window of 128 ms is due as a whole.
                hash.retain(|_, (_, at)| at.is_none_or(|at| at | 127 > now_ms));
                before -= hash.len();
            }
        }
        self.model[db].retain(|_, (plain, _)| *plain != Plain::Hash(BTreeMap::new()));
        self.hold(hold, vec![slot], |keys| {
            let mut more = true;
            while more {
                more = keys.reclaim_fields(slot, most);
            }
            // Those of keys that have expired themselves are not in the model.
            assert!(keys.effects().expired_fields >= before as u64);
        });
    }

    fn rename(&mut self, hold: Hold, from: &[u8], to: &[u8]) {
        let db = usize::from(self.db);
        let moved = self.hold(hold, vec![Slot::of(from), Slot::of(to)], |keys| {
            let Some(entry) = keys.remove(from) else { return false };
            let (_, value, at) = entry.into_parts();
            drop(keys.remove(to));
            keys.insert(to, value, at);
            true
        });
        let plain = self.model[db].remove(from);
        assert_eq!(moved, plain.is_some());
        self.model[db].extend(plain.map(|plain| (to.to_vec(), plain)));
    }

    fn transfer(&mut self, hold: Hold, key: &[u8], to: u16) {
        let (from, into) = (usize::from(self.db), usize::from(to));
        if from == into || self.model[into].contains_key(key) {
            return;
        }
        let moved = self.hold(hold, vec![Slot::of(key)], |keys| {
            let Some(entry) = keys.remove(key) else { return false };
            // With the marks it had, which must not count.
            keys.in_db(to).insert_box(entry);
            true
        });
        let plain = self.model[from].remove(key);
        assert_eq!(moved, plain.is_some());
        self.model[into].extend(plain.map(|plain| (key.to_vec(), plain)));
    }

    /// Compares the whole keyspace with the model, and its accounts with a recount.
    pub(crate) fn check(&mut self) {
        let mut earliest: BTreeMap<u16, u64> = BTreeMap::new();
        let (db, expiry) = (self.db, self.expiry);
        self.expiry = Expiry::Ignore;
        for db in 0..DATABASES {
            self.db = db;
            let mut live = BTreeMap::new();
            let (mut len, mut volatile, mut volatile_hashes) = (0, 0, 0);
            let now_ms = self.now_ms;
            // When a key of each slot expires, or a field of a hash there.
            let mut due: BTreeMap<u16, u64> = BTreeMap::new();
            let mut visit = |entry: Entry<'_>| {
                let slot = Slot::of(entry.key()).number();
                let fields_at = entry.value().hash().and_then(Hash::next_due_ms);
                for at in entry.expire_at().into_iter().chain(fields_at) {
                    let due = due.entry(slot).or_insert(u64::MAX);
                    *due = at.min(*due);
                }
                len += 1;
                volatile_hashes += u64::from(entry.value().hash().is_some_and(Hash::is_volatile));
                if let Some(at) = entry.expire_at() {
                    volatile += 1;
                    let earliest = earliest.entry(slot).or_insert(u64::MAX);
                    *earliest = at.min(*earliest);
                }
                if entry.expire_at().is_none_or(|at| at > now_ms) {
                    let plain = (Plain::of(entry.value()), entry.expire_at());
                    assert!(live.insert(entry.key().to_vec(), plain).is_none(), "a key twice");
                }
            };
            let (mut counts, mut volatile_counts) = (Vec::new(), Vec::new());
            self.hold(Hold::World, vec![], |keys| {
                let mut from = 0;
                while let Some(slot) = keys.next_occupied(from) {
                    let (mut in_slot, mut volatile_in_slot) = (0, 0);
                    let end = keys.scan_slot(slot, 0, usize::MAX, |entry| {
                        in_slot += 1;
                        volatile_in_slot += u64::from(entry.expire_at().is_some());
                        visit(entry);
                    });
                    assert!(end == Ok(0) && in_slot > 0, "an empty slot counts as occupied");
                    counts.push((slot, in_slot));
                    if volatile_in_slot > 0 {
                        volatile_counts.push((slot, volatile_in_slot));
                    }
                    from = slot.index() + 1;
                }
            });
            assert_eq!(live, self.model[usize::from(db)], "database {db}");
            assert_eq!((self.space.len(db), self.space.volatile_len(db)), (len, volatile));
            assert_eq!(self.space.volatile_hashes(db), volatile_hashes);
            let physical = self.space.physical(db);
            for (slot, at) in due {
                let found = self.space.next_due(physical, slot.into(), at);
                assert_eq!(found, Slot::new(slot), "a slot with a due key is passed over");
            }
            check_weights(len, &counts, |random| self.space.random_slot(physical, random));
            check_weights(volatile, &volatile_counts, |random| {
                self.space.random_volatile_slot(physical, random)
            });
        }
        (self.db, self.expiry) = (db, expiry);
        let now_ms = self.now_ms;
        for (slot, at) in earliest {
            let slot = Slot::new(slot).unwrap();
            self.now_ms = at;
            assert!(
                self.hold(Hold::Keys, vec![slot], |keys| keys.may_be_due(slot)),
                "an expiry below the bound"
            );
        }
        self.now_ms = now_ms;
    }
}

/// Over all remainders, every slot comes up as often as it has keys.
fn check_weights(keys: u64, counts: &[(Slot, u64)], draw: impl Fn(u64) -> Option<Slot>) {
    let mut drawn: BTreeMap<u16, u64> = BTreeMap::new();
    for random in 0..keys {
        *drawn.entry(draw(random).expect("not empty").number()).or_default() += 1;
    }
    let expected: BTreeMap<u16, u64> = counts.iter().map(|&(slot, n)| (slot.number(), n)).collect();
    assert_eq!(drawn, expected);
    if keys == 0 {
        assert_eq!(draw(0), None);
    }
}

/// Runs `f` in the world.
pub(crate) fn world<R>(space: &Keyspace, f: impl FnOnce(&mut Guard<'_>) -> R) -> R {
    let mut standing = Standing::new(THREAD);
    assert!(standing.claim(space, ITSELF, 0));
    let mut guard = standing.world(space);
    let result = f(&mut guard);
    drop(guard);
    standing.release(space);
    result
}
