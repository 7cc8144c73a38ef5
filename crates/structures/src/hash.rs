//! The hash type: a listpack of fields and values while it is small, a table beyond.
//!
//! The listpack alternates field, value, field, value, in order of first insertion, as it stands in RDB files. A hash
//! becomes a table when it would exceed `hash-max-listpack-entries` fields, or gets a field or value of more than
//! `hash-max-listpack-value` bytes, and never changes back. Commands that set several fields check the lengths of all
//! their arguments first ([`Hash::convert_for`]), before the first field is set.
//!
//! In the table a field and its value share one allocation (`entry`).
//!
//! Fields may expire. A hash with such a field is a table, in which these fields carry their expiry, with an order over them
//! (`due`): the next to expire is found without a walk. A hash without pays for none of this. The structure has no clock: fields
//! that have expired stay until their owner has them removed ([`Hash::remove_due`]), and readers who must not see them pass the
//! time ([`Hash::alive`]). What is said of fields below includes those.
//!
//! **Invariants:** field names are unique, in a listpack too; the order has the keys of exactly the fields with an expiry.

mod alive;
mod due;
mod entry;

use crate::Limits;
pub use crate::dict::Place;
use crate::dict::{self, Dict, Entry};
use crate::listpack::{self, Item, Listpack, Pos};
pub use alive::Alive;
use due::{Due, HASH_BITS, Key};
use entry::FieldEntry;
use number::IntBuffer;
use std::fmt;

/// A hash: fields and their values.
#[derive(Debug, Clone)]
pub struct Hash {
    repr: Repr,
}

#[derive(Debug, Clone)]
enum Repr {
    Listpack(Listpack),
    Table(Box<Table>),
}

#[derive(Debug, Clone)]
struct Table {
    dict: Dict<FieldEntry>,
    /// Bytes of all field entries.
    heap: usize,
    /// Which fields expire next, if any does.
    due: Option<Box<Due>>,
}

const _: () =
    assert!(size_of::<Table>() == memory::size_class(80), "a table's head is one block without a gap");

/// What becomes of a field's expiry when its value is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldTtl {
    /// It is removed.
    Clear,
    /// It stays, unless it has passed.
    Keep,
    /// It becomes this Unix time in ms.
    At(u64),
}

/// Why a listpack is not a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAHash {
    /// A field without a value.
    OddCount,
    /// A field that stands there twice.
    DuplicateField,
}

impl fmt::Display for NotAHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotAHash::OddCount => "a field without a value",
            NotAHash::DuplicateField => "a field that stands there twice",
        })
    }
}

impl std::error::Error for NotAHash {}

impl Hash {
    /// An empty hash.
    pub fn new() -> Self {
        Hash { repr: Repr::Listpack(Listpack::new()) }
    }

    /// A hash of the fields and values of a listpack, converted if there are too many. Longer texts than the limit
    /// stay, as in Redis: the loader of a zipmap calls [`Hash::convert_for`] with their lengths.
    ///
    /// # Errors
    /// [`NotAHash`] if the count is odd or a field occurs twice.
    pub fn from_listpack(listpack: Listpack, limits: &Limits) -> Result<Self, NotAHash> {
        let len = listpack.len();
        if !len.is_multiple_of(2) {
            return Err(NotAHash::OddCount);
        }
        // Whichever form a text has, it sorts as the integer it stands for.
        let mut fields: Vec<Result<i64, &[u8]>> = Vec::with_capacity(len / 2);
        fields.extend(listpack.iter().step_by(2).map(|field| match field {
            Item::Int(value) => Ok(value),
            Item::Bytes(text) => number::parse_i64(text).ok_or(text),
        }));
        fields.sort_unstable();
        if fields.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(NotAHash::DuplicateField);
        }
        let mut hash = Hash { repr: Repr::Listpack(listpack) };
        if len / 2 > limits.hash_max_listpack_entries {
            hash.convert();
        }
        Ok(hash)
    }

    /// The listpack for an RDB file, unless the hash is a table.
    pub fn as_listpack(&self) -> Option<&Listpack> {
        match &self.repr {
            Repr::Listpack(listpack) => Some(listpack),
            Repr::Table(_) => None,
        }
    }

    /// The name that `OBJECT ENCODING` reports.
    pub fn encoding(&self) -> &'static str {
        match &self.repr {
            Repr::Listpack(_) => "listpack",
            Repr::Table(_) => "hashtable",
        }
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        match &self.repr {
            Repr::Listpack(listpack) => listpack.len() / 2,
            Repr::Table(table) => table.dict.len(),
        }
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes this hash takes from the allocator, itself included. Constant time.
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + match &self.repr {
                Repr::Listpack(listpack) => listpack.heap_bytes(),
                Repr::Table(table) => {
                    let due = table.due.as_ref().map_or(0, |due| size_of::<Due>() + due.memory());
                    size_of::<Table>() + table.heap + table.dict.table_bytes() + due
                }
            }
    }

    /// Becomes a table if one of the arguments that are about to be set is too long for a listpack, or all of them
    /// together are.
    pub fn convert_for(&mut self, lengths: impl IntoIterator<Item = usize>, limits: &Limits) {
        if let Repr::Listpack(listpack) = &self.repr {
            let mut sum = 0usize;
            let too_long = lengths.into_iter().any(|len| {
                sum = sum.saturating_add(len);
                len > limits.hash_max_listpack_value
            });
            if too_long || !listpack.has_room_for(sum) {
                self.convert();
            }
        }
    }

    /// The value of a field.
    pub fn get(&self, field: &[u8]) -> Option<Item<'_>> {
        match &self.repr {
            Repr::Listpack(listpack) => value_pos(listpack, field).map(|pos| listpack.get(pos)),
            Repr::Table(table) => table.dict.get(field).map(|entry| Item::Bytes(entry.value())),
        }
    }

    /// Whether there is such a field.
    pub fn contains(&self, field: &[u8]) -> bool {
        match &self.repr {
            Repr::Listpack(listpack) => listpack.find(field, 1).is_some(),
            Repr::Table(table) => table.dict.get(field).is_some(),
        }
    }

    /// The length of a field's value, zero if there is none.
    pub fn value_len(&self, field: &[u8]) -> usize {
        self.get(field).map_or(0, |value| value.text_len())
    }

    /// Sets a field, which does not expire from then on; true if it is new.
    pub fn set(&mut self, field: &[u8], value: &[u8], limits: &Limits) -> bool {
        self.convert_for([field.len(), value.len()], limits);
        match &mut self.repr {
            Repr::Listpack(listpack) => {
                if let Some(pos) = value_pos(listpack, field) {
                    listpack.replace(pos, value);
                    return false;
                }
                listpack.push_pair(field, value);
                if listpack.len() / 2 > limits.hash_max_listpack_entries {
                    self.convert();
                }
                true
            }
            Repr::Table(table) => table.set(field, value),
        }
    }

    /// Sets a field unless it is there; true if it was not.
    pub fn set_if_absent(&mut self, field: &[u8], value: &[u8], limits: &Limits) -> bool {
        !self.contains(field) && self.set(field, value, limits)
    }

    /// Removes a field; false if there is none.
    pub fn remove(&mut self, field: &[u8]) -> bool {
        match &mut self.repr {
            Repr::Listpack(listpack) => match listpack.find(field, 1) {
                Some(pos) => {
                    listpack.remove(pos, 2);
                    true
                }
                None => false,
            },
            Repr::Table(table) => table.remove(field),
        }
    }

    /// Whether a field has an expiry.
    #[inline]
    pub fn is_volatile(&self) -> bool {
        match &self.repr {
            Repr::Listpack(_) => false,
            Repr::Table(table) => table.due.is_some(),
        }
    }

    /// When [`Hash::remove_due`] next has something to remove, at the earliest; `None` if no field has an expiry.
    pub fn next_due_ms(&self) -> Option<u64> {
        match &self.repr {
            Repr::Listpack(_) => None,
            Repr::Table(table) => table.next().map(Key::due_at),
        }
    }

    /// The hash as readers see it at a time.
    #[inline]
    pub fn alive(&self, now_ms: u64) -> Alive<'_> {
        Alive::new(self, now_ms)
    }

    /// Sets a field and its expiry; true if it is new, as one that has expired is.
    pub fn set_with_ttl(
        &mut self,
        field: &[u8],
        value: &[u8],
        ttl: FieldTtl,
        now_ms: u64,
        limits: &Limits,
    ) -> bool {
        if matches!(ttl, FieldTtl::At(_)) {
            self.convert();
        }
        match &mut self.repr {
            Repr::Listpack(_) => self.set(field, value, limits),
            Repr::Table(table) => {
                let old = table.dict.get(field).map(|entry| (entry.is_alive(now_ms), entry.expire_at()));
                let at_ms = match (ttl, old) {
                    (FieldTtl::At(at_ms), _) => Some(at_ms),
                    (FieldTtl::Keep, Some((true, at_ms))) => at_ms,
                    _ => None,
                };
                table.set(field, value);
                if at_ms.is_some() {
                    table.set_expiry(field, at_ms);
                }
                old.is_none_or(|(is_alive, _)| !is_alive)
            }
        }
    }

    /// Sets or removes the expiry of a field; whether there is such a field.
    pub fn set_expiry(&mut self, field: &[u8], at_ms: Option<u64>) -> bool {
        if at_ms.is_some() && self.contains(field) {
            self.convert();
        }
        match &mut self.repr {
            Repr::Listpack(listpack) => listpack.find(field, 1).is_some(),
            Repr::Table(table) => table.set_expiry(field, at_ms),
        }
    }

    /// Removes fields that have expired, the earliest first, `most` of them. Returns them; others may be left.
    pub fn remove_due(&mut self, now_ms: u64, most: usize) -> Vec<Box<[u8]>> {
        let Repr::Table(table) = &mut self.repr else { return Vec::new() };
        let mut removed = Vec::new();
        while removed.len() < most
            && let Some(key) = table.next().filter(|key| key.due_at() <= now_ms)
        {
            let field = table.of_key(key).next().map(|entry| Box::from(entry.key()));
            let Some(field) = field else { unreachable!("a key of the order stands for a field") };
            table.remove(&field);
            removed.push(field);
        }
        removed
    }

    /// All fields with their values, in the order in which they are stored.
    pub fn iter(&self) -> Iter<'_> {
        Iter(match &self.repr {
            Repr::Listpack(listpack) => IterRepr::Listpack(listpack.iter()),
            Repr::Table(table) => IterRepr::Table(table.dict.iter()),
        })
    }

    /// The fields that have not expired.
    fn iter_at(&self, now_ms: u64) -> Iter<'_> {
        match &self.repr {
            Repr::Table(table) if self.alive(now_ms).may_hide() => {
                Iter(IterRepr::Alive(table.dict.iter(), now_ms))
            }
            Repr::Listpack(_) | Repr::Table(_) => self.iter(),
        }
    }

    /// All fields with their values and expiries, in the order of [`Hash::iter`].
    pub fn iter_with_expiry(&self) -> impl Iterator<Item = (Item<'_>, Item<'_>, Option<u64>)> {
        let (pairs, entries) = match &self.repr {
            Repr::Listpack(_) => (Some(self.iter()), None),
            Repr::Table(table) => (None, Some(table.dict.iter())),
        };
        let entries = entries.into_iter().flatten();
        let pairs = pairs.into_iter().flatten();
        pairs.map(|(field, value)| (field, value, None)).chain(
            entries.map(|entry| (Item::Bytes(entry.key()), Item::Bytes(entry.value()), entry.expire_at())),
        )
    }

    /// Visits fields, with their expiries, in the order of [`Hash::iter`] from a place on, until `visit` refuses one; the place of that one, to
    /// go on from as long as the hash does not change, and `None` at the end.
    pub fn visit_from(
        &self,
        from: Place,
        mut visit: impl FnMut(Item<'_>, Item<'_>, Option<u64>) -> bool,
    ) -> Option<Place> {
        match &self.repr {
            Repr::Listpack(_) => {
                let mut fields = self.iter().enumerate().skip(from.number());
                fields
                    .find(|(_, (field, value))| !visit(*field, *value, None))
                    .map(|(number, _)| Place::nth(number))
            }
            Repr::Table(table) => table.dict.visit_from(from, |entry| {
                visit(Item::Bytes(entry.key()), Item::Bytes(entry.value()), entry.expire_at())
            }),
        }
    }

    /// Visits about `count` fields from `cursor` on and returns the next cursor, 0 at the end. A field that is there
    /// from start to end of a scan is visited, whatever else changes. A listpack is visited at once.
    pub fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(Item<'_>, Item<'_>)) -> u64 {
        match &self.repr {
            Repr::Listpack(_) => {
                self.iter().for_each(|(field, value)| visit(field, value));
                0
            }
            Repr::Table(table) => table
                .dict
                .scan(cursor, count, |entry| visit(Item::Bytes(entry.key()), Item::Bytes(entry.value()))),
        }
    }

    /// A field chosen by `random`, all with the same probability.
    pub fn random(&self, random: u64) -> Option<(Item<'_>, Item<'_>)> {
        match &self.repr {
            Repr::Listpack(listpack) => {
                let index = ((u128::from(random) * (listpack.len() / 2) as u128) >> 64) as i64;
                let field = listpack.seek(index * 2)?;
                let value = listpack.next(field)?;
                Some((listpack.get(field), listpack.get(value)))
            }
            Repr::Table(table) => {
                table.dict.random(random).map(|entry| (Item::Bytes(entry.key()), Item::Bytes(entry.value())))
            }
        }
    }

    fn convert(&mut self) {
        if let Repr::Listpack(listpack) = &self.repr {
            let mut table = Box::new(Table { dict: Dict::new(), heap: 0, due: None });
            let mut items = listpack.iter();
            let (mut field_text, mut value_text) = (IntBuffer::new(), IntBuffer::new());
            while let (Some(field), Some(value)) = (items.next(), items.next()) {
                table.insert_new(field.text(&mut field_text), value.text(&mut value_text));
            }
            self.repr = Repr::Table(table);
        }
    }
}

impl Default for Hash {
    fn default() -> Self {
        Self::new()
    }
}

/// Equal if fields, values and expiries are, whatever the encodings and the order.
impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        let mut text = IntBuffer::new();
        self.len() == other.len()
            && self.iter_with_expiry().all(|(field, value, at_ms)| {
                let field = field.text(&mut text);
                other.get(field) == Some(value) && other.alive(0).expire_at(field) == Some(at_ms)
            })
    }
}

impl Eq for Hash {}

impl<'a> IntoIterator for &'a Hash {
    type Item = (Item<'a>, Item<'a>);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The fields and values of a hash.
#[derive(Debug, Clone)]
pub struct Iter<'a>(IterRepr<'a>);

#[derive(Debug, Clone)]
enum IterRepr<'a> {
    Listpack(listpack::Iter<'a>),
    Table(dict::Iter<'a, FieldEntry>),
    /// Without the fields that have expired at this time.
    Alive(dict::Iter<'a, FieldEntry>, u64),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Item<'a>, Item<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            IterRepr::Listpack(items) => Some((items.next()?, items.next()?)),
            IterRepr::Table(entries) => {
                entries.next().map(|entry| (Item::Bytes(entry.key()), Item::Bytes(entry.value())))
            }
            IterRepr::Alive(entries, now_ms) => entries
                .find(|entry| entry.is_alive(*now_ms))
                .map(|entry| (Item::Bytes(entry.key()), Item::Bytes(entry.value()))),
        }
    }
}

fn value_pos(listpack: &Listpack, field: &[u8]) -> Option<Pos> {
    listpack.find(field, 1).and_then(|pos| listpack.next(pos))
}

impl Table {
    /// The first key of the order.
    fn next(&self) -> Option<Key> {
        self.due.as_ref().and_then(|due| due.first())
    }

    fn set(&mut self, field: &[u8], value: &[u8]) -> bool {
        match self.dict.get_mut(field) {
            Some(entry) => {
                let at_ms = entry.expire_at();
                self.heap -= entry.heap();
                entry.set_value(value);
                self.heap += entry.heap();
                if at_ms.is_some() {
                    self.set_expiry(field, None);
                }
                false
            }
            None => {
                self.insert_new(field, value);
                true
            }
        }
    }

    fn insert_new(&mut self, field: &[u8], value: &[u8]) {
        let entry = FieldEntry::new(field, value, None);
        self.heap += entry.heap();
        self.dict.insert_new(entry);
    }

    fn remove(&mut self, field: &[u8]) -> bool {
        let Some(entry) = self.dict.remove(field) else { return false };
        self.heap -= entry.heap();
        if let Some(at_ms) = entry.expire_at() {
            self.leave_order(at_ms, field);
        }
        true
    }

    #[cold]
    fn set_expiry(&mut self, field: &[u8], at_ms: Option<u64>) -> bool {
        let Some(entry) = self.dict.get_mut(field) else { return false };
        let old_ms = entry.expire_at();
        self.heap -= entry.heap();
        entry.set_expiry(at_ms);
        self.heap += entry.heap();
        if old_ms == at_ms {
            return true;
        }
        if let Some(at_ms) = at_ms {
            let key = Key::new(at_ms, self.dict.hash(field));
            self.due.get_or_insert_default().insert(key);
        }
        if let Some(old_ms) = old_ms {
            self.leave_order(old_ms, field);
        }
        true
    }

    /// Takes the key of a field that no longer expires then out of the order, unless another field has the same one.
    #[cold]
    fn leave_order(&mut self, at_ms: u64, field: &[u8]) {
        let key = Key::new(at_ms, self.dict.hash(field));
        if self.of_key(key).next().is_some() {
            return;
        }
        if let Some(due) = &mut self.due {
            due.remove(key);
            if due.is_empty() {
                self.due = None;
            }
        }
    }

    /// The fields that a key of the order stands for.
    fn of_key(&self, key: Key) -> impl Iterator<Item = &FieldEntry> {
        let entries = self.dict.of_low_bits(key.low_hash(), HASH_BITS);
        entries.filter(move |entry| {
            entry.expire_at().is_some_and(|at_ms| {
                key.has_expiry(at_ms) && key == Key::new(at_ms, self.dict.hash(entry.key()))
            })
        })
    }
}

/// The field of an entry.
fn key_of(entry: &FieldEntry) -> &[u8] {
    entry.key()
}

#[cfg(test)]
#[path = "hash_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "hash/volatile_tests.rs"]
mod volatile_tests;
