//! The hash type: a listpack of fields and values while it is small, a table beyond.
//!
//! The listpack alternates field, value, field, value, in order of first insertion, as it stands in RDB files. A hash
//! becomes a table when it would exceed `hash-max-listpack-entries` fields, or gets a field or value of more than
//! `hash-max-listpack-value` bytes, and never changes back. Commands that set several fields check the lengths of all
//! their arguments first ([`Hash::convert_for`]), before the first field is set.
//!
//! In the table a field and its value share one allocation:
//!
//! ```text
//! │ length of the field: 1 or 5 bytes │ field │ value │       length < 255 in one byte, else 255 and u32 little-endian
//! ```
//!
//! **Invariant:** field names are unique, in a listpack too.

use crate::Limits;
pub use crate::dict::Place;
use crate::dict::{self, Dict, Entry};
use crate::listpack::{self, Item, Listpack, Pos};
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
                Repr::Table(table) => size_of::<Table>() + table.heap + table.dict.table_bytes(),
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

    /// Sets a field; true if it is new.
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
            Repr::Table(table) => match table.dict.remove(field) {
                Some(entry) => {
                    table.heap -= entry.0.len();
                    true
                }
                None => false,
            },
        }
    }

    /// All fields with their values, in the order in which they are stored.
    pub fn iter(&self) -> Iter<'_> {
        Iter(match &self.repr {
            Repr::Listpack(listpack) => IterRepr::Listpack(listpack.iter()),
            Repr::Table(table) => IterRepr::Table(table.dict.iter()),
        })
    }

    /// Visits fields in the order of [`Hash::iter`] from a place on, until `visit` refuses one; the place of that one, to
    /// go on from as long as the hash does not change, and `None` at the end.
    pub fn visit_from(
        &self,
        from: Place,
        mut visit: impl FnMut(Item<'_>, Item<'_>) -> bool,
    ) -> Option<Place> {
        match &self.repr {
            Repr::Listpack(_) => {
                let mut fields = self.iter().enumerate().skip(from.number());
                fields
                    .find(|(_, (field, value))| !visit(*field, *value))
                    .map(|(number, _)| Place::nth(number))
            }
            Repr::Table(table) => table
                .dict
                .visit_from(from, |entry| visit(Item::Bytes(entry.key()), Item::Bytes(entry.value()))),
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
            let mut table = Box::new(Table { dict: Dict::new(), heap: 0 });
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

/// Equal if fields and values are, whatever the encodings and the order.
impl PartialEq for Hash {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().all(|(field, value)| other.get(field.text(&mut IntBuffer::new())) == Some(value))
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
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Item<'a>, Item<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            IterRepr::Listpack(items) => Some((items.next()?, items.next()?)),
            IterRepr::Table(entries) => {
                entries.next().map(|entry| (Item::Bytes(entry.key()), Item::Bytes(entry.value())))
            }
        }
    }
}

fn value_pos(listpack: &Listpack, field: &[u8]) -> Option<Pos> {
    listpack.find(field, 1).and_then(|pos| listpack.next(pos))
}

impl Table {
    fn set(&mut self, field: &[u8], value: &[u8]) -> bool {
        match self.dict.get_mut(field) {
            Some(entry) => {
                self.heap -= entry.0.len();
                entry.set_value(value);
                self.heap += entry.0.len();
                false
            }
            None => {
                self.insert_new(field, value);
                true
            }
        }
    }

    fn insert_new(&mut self, field: &[u8], value: &[u8]) {
        let entry = FieldEntry::new(field, value);
        self.heap += entry.0.len();
        self.dict.insert_new(entry);
    }
}

/// A field and its value in one allocation.
#[derive(Debug, Clone)]
struct FieldEntry(Box<[u8]>);

/// In the first byte: the length stands in the next four.
const LONG_FIELD: u8 = u8::MAX;

impl FieldEntry {
    fn new(field: &[u8], value: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(5 + field.len() + value.len());
        match u8::try_from(field.len()) {
            Ok(len) if len < LONG_FIELD => bytes.push(len),
            _ => {
                bytes.push(LONG_FIELD);
                let len = u32::try_from(field.len()).expect("strings are bounded below 4 GB");
                bytes.extend_from_slice(&len.to_le_bytes());
            }
        }
        bytes.extend_from_slice(field);
        bytes.extend_from_slice(value);
        FieldEntry(bytes.into_boxed_slice())
    }

    /// Where the field starts and ends.
    fn field_bounds(&self) -> (usize, usize) {
        match self.0[0] {
            LONG_FIELD => {
                let len = u32::from_le_bytes([self.0[1], self.0[2], self.0[3], self.0[4]]);
                (5, 5 + len as usize)
            }
            len => (1, 1 + usize::from(len)),
        }
    }

    fn value(&self) -> &[u8] {
        &self.0[self.field_bounds().1..]
    }

    fn set_value(&mut self, value: &[u8]) {
        let end = self.field_bounds().1;
        if self.0.len() == end + value.len() {
            self.0[end..].copy_from_slice(value);
        } else {
            *self = FieldEntry::new(self.key(), value);
        }
    }
}

impl Entry for FieldEntry {
    fn key(&self) -> &[u8] {
        let (start, end) = self.field_bounds();
        &self.0[start..end]
    }
}

#[cfg(test)]
#[path = "hash_tests.rs"]
mod tests;
