//! A hash as readers see it: without the fields that have expired, whether or not they were deleted by now.

use super::{Hash, Iter, Repr};
use crate::Limits;
use crate::listpack::Item;
use number::IntBuffer;

/// How many random fields are looked at before all are.
const RANDOM_TRIES: u64 = 64;

/// The fields of a hash that have not expired at a time.
#[derive(Debug, Clone, Copy)]
pub struct Alive<'a> {
    hash: &'a Hash,
    now_ms: u64,
}

impl<'a> Alive<'a> {
    pub(super) fn new(hash: &'a Hash, now_ms: u64) -> Alive<'a> {
        Alive { hash, now_ms }
    }

    /// The hash, with the fields that have expired.
    #[inline]
    pub fn hash(self) -> &'a Hash {
        self.hash
    }

    /// Whether a field may have expired that is still there. Constant time.
    pub fn may_hide(self) -> bool {
        match &self.hash.repr {
            Repr::Listpack(_) => false,
            Repr::Table(table) => table.next().is_some_and(|key| key.may_have_expired(self.now_ms)),
        }
    }

    /// The number of fields. It takes a look at each if one may have expired.
    pub fn len(self) -> usize {
        if self.may_hide() { self.iter().count() } else { self.hash.len() }
    }

    /// Whether there is no field.
    pub fn is_empty(self) -> bool {
        self.iter().next().is_none()
    }

    /// The value of a field.
    #[inline]
    pub fn get(self, field: &[u8]) -> Option<Item<'a>> {
        match &self.hash.repr {
            Repr::Listpack(listpack) => super::value_pos(listpack, field).map(|pos| listpack.get(pos)),
            Repr::Table(table) => {
                let entry = table.dict.get(field)?;
                entry.is_alive(self.now_ms).then(|| Item::Bytes(entry.value()))
            }
        }
    }

    /// Whether there is such a field.
    #[inline]
    pub fn contains(self, field: &[u8]) -> bool {
        match &self.hash.repr {
            Repr::Listpack(listpack) => listpack.find(field, 1).is_some(),
            Repr::Table(table) => table.dict.get(field).is_some_and(|entry| entry.is_alive(self.now_ms)),
        }
    }

    /// The length of a field's value, zero if there is none.
    pub fn value_len(self, field: &[u8]) -> usize {
        self.get(field).map_or(0, |value| value.text_len())
    }

    /// When a field expires: `None` without such a field, `Some(None)` if it does not expire.
    pub fn expire_at(self, field: &[u8]) -> Option<Option<u64>> {
        match &self.hash.repr {
            Repr::Listpack(listpack) => listpack.find(field, 1).map(|_| None),
            Repr::Table(table) => {
                let entry = table.dict.get(field)?;
                entry.is_alive(self.now_ms).then(|| entry.expire_at())
            }
        }
    }

    /// All fields with their values, in the order in which they are stored.
    pub fn iter(self) -> Iter<'a> {
        self.hash.iter_at(self.now_ms)
    }

    /// As [`Hash::scan`].
    pub fn scan(self, cursor: u64, count: usize, mut visit: impl FnMut(Item<'_>, Item<'_>)) -> u64 {
        match &self.hash.repr {
            Repr::Listpack(_) => self.hash.scan(cursor, count, visit),
            Repr::Table(table) => table.dict.scan(cursor, count, |entry| {
                if entry.is_alive(self.now_ms) {
                    visit(Item::Bytes(super::key_of(entry)), Item::Bytes(entry.value()));
                }
            }),
        }
    }

    /// A hash of these fields, without their expiries.
    pub fn to_hash(self, limits: &Limits) -> Hash {
        let mut hash = Hash::new();
        let (mut field_text, mut value_text) = (IntBuffer::new(), IntBuffer::new());
        for (field, value) in self {
            hash.set(field.text(&mut field_text), value.text(&mut value_text), limits);
        }
        hash
    }

    /// A field chosen by `random`, all with the same probability.
    pub fn random(self, random: u64) -> Option<(Item<'a>, Item<'a>)> {
        if !self.may_hide() {
            return self.hash.random(random);
        }
        let mut text = IntBuffer::new();
        for number in 0..RANDOM_TRIES {
            let (field, value) = self.hash.random(linear::mix(random.wrapping_add(number)))?;
            if self.contains(field.text(&mut text)) {
                return Some((field, value));
            }
        }
        let len = self.iter().count();
        if len == 0 { None } else { self.iter().nth(linear::below(random, len)) }
    }
}

impl<'a> IntoIterator for Alive<'a> {
    type Item = (Item<'a>, Item<'a>);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}
