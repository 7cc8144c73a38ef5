//! A table: an array part for the keys 1 to n, and entries in the order of their insertion.
//!
//! ```text
//!   array    [ v1 | v2 | v3 | nil ]             its length is a power of two or what a constructor asked for
//!   entries  [ k,v | k,v | k,nil | k,v ]        at most `capacity`, a power of two
//!   index    [ 2 | - | 0 | - | 1 | 3 | - | - ]  twice as long: open addressing, only above SMALL entries
//! ```
//! `pairs` goes through the array and then through the entries, so its order does not depend on hashes. An entry whose
//! value is nil stays until the next rehash, so that a loop may clear what it visits. When the entries are full, the
//! table counts its keys and divides them anew: the array becomes the longest that is more than half used. The sizes
//! are those of Lua 5.1, because they decide what `#` gives for a table with holes.

use super::strings::Strings;
use crate::value::{StrId, TableId, Value};

/// Up to this many entries are searched one after the other.
const SMALL: usize = 4;
const EMPTY: u32 = u32::MAX;
/// The longest array part is 2 to this.
const MOST_BITS: usize = 26;

#[derive(Debug, Clone, Copy)]
struct Entry {
    key: Value,
    value: Value,
}

/// A table.
#[derive(Debug, Default)]
pub(crate) struct Table {
    array: Vec<Value>,
    entries: Vec<Entry>,
    index: Box<[u32]>,
    capacity: usize,
    pub(crate) meta: Option<TableId>,
    /// The events that this table, as a metatable, is known not to have: a bit for each of the first eight.
    pub(crate) absent: u8,
    /// Whether scripts may not change it.
    pub(crate) readonly: bool,
}

/// Where a key stands.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Array(usize),
    Entry(usize),
}

/// The sizes that a table is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) array: usize,
    pub(crate) entries: usize,
}

impl Sizes {
    /// The bytes that the parts take.
    pub(crate) fn bytes(self) -> usize {
        let index = if self.entries > SMALL { self.entries * 2 * size_of::<u32>() } else { 0 };
        self.array * size_of::<Value>() + self.entries * size_of::<Entry>() + index
    }
}

/// The array position of a number, if it is a positive integer.
#[inline]
pub(crate) fn array_position(number: f64) -> Option<usize> {
    let position = number as u32;
    (f64::from(position) == number && position > 0).then(|| position as usize - 1)
}

fn hash_of(strings: &Strings, key: Value) -> u32 {
    let mix = |bits: u64| {
        let mixed = bits.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 32) as u32
    };
    match key {
        Value::Nil => 0,
        Value::Bool(value) => u32::from(value) << 31,
        // 0 and -0 are one key.
        Value::Number(number) => mix((number + 0.0).to_bits()),
        Value::Str(id) => strings.key_hash(id),
        Value::Table(id) => mix(u64::from(id.0) + 1),
        Value::Function(id) => mix(u64::from(id.0) + (1 << 33)),
        Value::Native(id) => mix(u64::from(id.0) + (1 << 34)),
        Value::Thread(id) => mix(u64::from(id.0) + (1 << 35)),
        Value::Pointer(address) => mix(address + 7),
    }
}

#[inline]
pub(super) fn same(strings: &Strings, a: Value, b: Value) -> bool {
    match (a, b) {
        (Value::Str(a), Value::Str(b)) => strings.equal(a, b),
        (Value::Number(a), Value::Number(b)) => a == b,
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Table(a), Value::Table(b)) => a == b,
        (Value::Function(a), Value::Function(b)) => a == b,
        (Value::Native(a), Value::Native(b)) => a == b,
        (Value::Thread(a), Value::Thread(b)) => a == b,
        (Value::Pointer(a), Value::Pointer(b)) => a == b,
        _ => false,
    }
}

impl Table {
    pub(crate) fn sizes(&self) -> Sizes {
        Sizes { array: self.array.len(), entries: self.capacity }
    }

    /// The bytes that it owns.
    pub(crate) fn bytes(&self) -> usize {
        self.sizes().bytes()
    }

    fn shift(&self) -> u32 {
        32 - self.index.len().trailing_zeros()
    }

    /// The entry whose key is an interned string.
    #[inline]
    fn find_short(&self, id: StrId, hash: u32) -> Option<usize> {
        let is_it = |entry: &Entry| matches!(entry.key, Value::Str(key) if key == id);
        if self.index.is_empty() {
            return self.entries.iter().position(is_it);
        }
        let mask = self.index.len() - 1;
        let mut at = (hash >> self.shift()) as usize;
        loop {
            let place = *self.index.get(at & mask)?;
            if place == EMPTY {
                return None;
            }
            if self.entries.get(place as usize).is_some_and(is_it) {
                return Some(place as usize);
            }
            at += 1;
        }
    }

    fn find(&self, strings: &Strings, key: Value) -> Option<usize> {
        if self.index.is_empty() {
            return self.entries.iter().position(|entry| same(strings, entry.key, key));
        }
        let mask = self.index.len() - 1;
        let mut at = (hash_of(strings, key) >> self.shift()) as usize;
        loop {
            let place = *self.index.get(at & mask)?;
            if place == EMPTY {
                return None;
            }
            if same(strings, self.entries[place as usize].key, key) {
                return Some(place as usize);
            }
            at += 1;
        }
    }

    /// The value of an interned string.
    #[inline]
    pub(crate) fn get_short(&self, id: StrId) -> Value {
        match self.find_short(id, id.0.wrapping_mul(0x9E37_79B1)) {
            Some(place) => self.entries[place].value,
            None => Value::Nil,
        }
    }

    /// The value of a string that is a constant: a long one was prepared when it was compiled.
    #[inline]
    pub(crate) fn get_short_or_long(&self, strings: &Strings, id: StrId) -> Value {
        if id.is_long() { self.get_entry(strings, Value::Str(id)) } else { self.get_short(id) }
    }

    /// The value at a position, counted from 0.
    #[inline]
    pub(crate) fn get_position(&self, strings: &Strings, position: usize) -> Value {
        match self.array.get(position) {
            Some(value) => *value,
            None if self.entries.is_empty() => Value::Nil,
            None => self.get_entry(strings, Value::Number((position + 1) as f64)),
        }
    }

    fn get_entry(&self, strings: &Strings, key: Value) -> Value {
        self.find(strings, key).map_or(Value::Nil, |place| self.entries[place].value)
    }

    /// The value of a key. A long string must have been prepared.
    #[inline]
    pub(crate) fn get(&self, strings: &Strings, key: Value) -> Value {
        match key {
            Value::Number(number) => match array_position(number) {
                Some(position) => self.get_position(strings, position),
                None => self.get_entry(strings, key),
            },
            Value::Str(id) if !id.is_long() => self.get_short(id),
            Value::Nil => Value::Nil,
            _ => self.get_entry(strings, key),
        }
    }

    /// Where a key stands, if it has a place.
    #[inline]
    pub(crate) fn place_of(&self, strings: &Strings, key: Value) -> Option<Place> {
        if let Value::Number(number) = key
            && let Some(position) = array_position(number)
            && position < self.array.len()
        {
            return Some(Place::Array(position));
        }
        if let Value::Str(id) = key
            && !id.is_long()
        {
            return self.find_short(id, id.0.wrapping_mul(0x9E37_79B1)).map(Place::Entry);
        }
        self.find(strings, key).map(Place::Entry)
    }

    /// The value at a place.
    #[inline]
    pub(crate) fn at(&self, place: Place) -> Value {
        match place {
            Place::Array(position) => self.array[position],
            Place::Entry(place) => self.entries[place].value,
        }
    }

    /// Replaces the value at a place.
    #[inline]
    pub(crate) fn put(&mut self, place: Place, value: Value) {
        match place {
            Place::Array(position) => self.array[position] = value,
            Place::Entry(place) => self.entries[place].value = value,
        }
    }

    /// The slot of an array position, if it lies in the array part.
    #[inline]
    pub(crate) fn array_slot(&mut self, position: usize) -> Option<&mut Value> {
        self.array.get_mut(position)
    }

    /// Whether there is no place for another key.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() == self.capacity
    }

    /// Adds a key that has no place. The table must not be full.
    pub(crate) fn add(&mut self, strings: &Strings, key: Value, value: Value) {
        let key = if let Value::Number(number) = key { Value::Number(number + 0.0) } else { key };
        let place = self.entries.len();
        self.entries.push(Entry { key, value });
        self.link(strings, key, place);
        self.absent = 0;
    }

    fn link(&mut self, strings: &Strings, key: Value, place: usize) {
        if self.index.is_empty() {
            return;
        }
        let mask = self.index.len() - 1;
        let mut at = (hash_of(strings, key) >> self.shift()) as usize & mask;
        while self.index[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.index[at] = place as u32;
    }

    /// The sizes that the table is to have when this key comes in and finds no place.
    pub(crate) fn sizes_with(&self, key: Value) -> Sizes {
        // How many positions lie in (2^(i-1), 2^i], counted from 1.
        let mut slices = [0_usize; MOST_BITS + 1];
        let mut total = 1;
        let mut count = |key: Value| {
            if let Value::Number(number) = key
                && let Some(position) = array_position(number)
                && position < 1 << MOST_BITS
            {
                slices[bits(position + 1)] += 1;
                return 1;
            }
            0
        };
        let mut positions = count(key);
        for entry in self.entries.iter().filter(|entry| !entry.value.is_nil()) {
            positions += count(entry.key);
            total += 1;
        }
        let mut start = 0;
        for (slice, slot) in slices.iter_mut().enumerate() {
            let end = (1 << slice).min(self.array.len());
            if start < end {
                let used = self.array[start..end].iter().filter(|value| !value.is_nil()).count();
                *slot += used;
                positions += used;
                total += used;
                start = end;
            }
        }
        let (mut sum, mut array, mut within) = (0, 0, 0);
        for (slice, used) in slices.iter().enumerate() {
            let size = 1 << slice;
            if size / 2 >= positions {
                break;
            }
            sum += used;
            if sum > size / 2 {
                (array, within) = (size, sum);
            }
        }
        let others = total - within;
        Sizes { array, entries: if others == 0 { 0 } else { others.next_power_of_two() } }
    }

    /// Gives the table other sizes, which hold all its keys. Keys whose value is nil go.
    pub(crate) fn resize(&mut self, strings: &Strings, sizes: Sizes) {
        let entries = std::mem::replace(&mut self.entries, Vec::with_capacity(sizes.entries));
        let beyond =
            if sizes.array < self.array.len() { self.array.split_off(sizes.array) } else { Vec::new() };
        if sizes.array == self.array.len() {
            self.array.shrink_to_fit();
        } else {
            self.array.reserve_exact(sizes.array - self.array.len());
            self.array.resize(sizes.array, Value::Nil);
        }
        self.capacity = sizes.entries;
        let slots = if sizes.entries > SMALL { sizes.entries * 2 } else { 0 };
        self.index = vec![EMPTY; slots].into();
        for (at, value) in beyond.into_iter().enumerate() {
            if !value.is_nil() {
                self.add(strings, Value::Number((sizes.array + at + 1) as f64), value);
            }
        }
        for entry in entries {
            if entry.value.is_nil() {
                continue;
            }
            if let Value::Number(number) = entry.key
                && let Some(position) = array_position(number)
                && let Some(slot) = self.array.get_mut(position)
            {
                *slot = entry.value;
            } else {
                self.add(strings, entry.key, entry.value);
            }
        }
    }

    /// A border: `#`.
    pub(crate) fn length(&self, strings: &Strings) -> usize {
        if self.array.last().is_some_and(|last| last.is_nil()) {
            return border(0, self.array.len(), |at| self.array[at - 1].is_nil());
        }
        if self.entries.is_empty() {
            return self.array.len();
        }
        let is_nil = |at: usize| self.get_position(strings, at - 1).is_nil();
        let (mut low, mut high) = (self.array.len(), self.array.len() + 1);
        while !is_nil(high) {
            low = high;
            high *= 2;
            if high > u32::MAX as usize {
                // Somebody made a table to mislead the search.
                return (1..).find(|at| is_nil(*at)).unwrap_or(1) - 1;
            }
        }
        border(low, high, is_nil)
    }

    /// The step of an iteration that stands at a key: the position after it. `None` for a key that is not there.
    pub(crate) fn position_after(&self, strings: &Strings, key: Value) -> Option<usize> {
        if key.is_nil() {
            return Some(0);
        }
        Some(match self.place_of(strings, key)? {
            Place::Array(position) => position + 1,
            Place::Entry(place) => self.array.len() + place + 1,
        })
    }

    /// The first pair at or after a position of the iteration, and the position after it.
    #[inline]
    pub(crate) fn pair_from(&self, position: usize) -> Option<(usize, Value, Value)> {
        let array = self.array.get(position..).unwrap_or_default();
        if let Some(skipped) = array.iter().position(|value| !value.is_nil()) {
            let at = position + skipped + 1;
            return Some((at, Value::Number(at as f64), self.array[at - 1]));
        }
        let from = position.max(self.array.len()) - self.array.len();
        let entries = self.entries.get(from..).unwrap_or_default();
        let skipped = entries.iter().position(|entry| !entry.value.is_nil())?;
        let entry = entries[skipped];
        Some((self.array.len() + from + skipped + 1, entry.key, entry.value))
    }

    /// How many steps a whole iteration has at most.
    pub(crate) fn span(&self) -> usize {
        self.array.len() + self.entries.len()
    }

    /// The key and value at a step of the iteration, for the collector.
    pub(crate) fn step(&self, position: usize) -> (Value, Value) {
        match position.checked_sub(self.array.len()) {
            None => (Value::Nil, self.array[position]),
            Some(place) => (self.entries[place].key, self.entries[place].value),
        }
    }

    /// Clears the values of pairs that are to go, for weak tables.
    pub(crate) fn clear_where(&mut self, mut goes: impl FnMut(Value, Value) -> bool) {
        for value in &mut self.array {
            if goes(Value::Nil, *value) {
                *value = Value::Nil;
            }
        }
        for entry in &mut self.entries {
            if !entry.value.is_nil() && goes(entry.key, entry.value) {
                entry.value = Value::Nil;
            }
        }
    }
}

/// The slice of a position, counted from 1: 0 for 1, 1 for 2, 2 for 3 and 4, and so on.
fn bits(position: usize) -> usize {
    (usize::BITS - (position - 1).leading_zeros()) as usize
}

/// A border between a position that is used (or 0) and one that is not.
fn border(mut low: usize, mut high: usize, is_nil: impl Fn(usize) -> bool) -> usize {
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if is_nil(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    low
}
