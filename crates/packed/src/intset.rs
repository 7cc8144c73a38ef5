//! Sorted integers of one width: the encoding of small sets of integers.
//!
//! The bytes are those of Redis, since they stand unchanged in RDB files and DUMP payloads:
//!
//! ```text
//! ┌────────────┬────────────┬─────────┬─────────┬─ ─ ─
//! │ width: u32 │ count: u32 │ integer │ integer │            all little-endian; a width of 2, 4 or 8 bytes
//! └────────────┴────────────┴─────────┴─────────┴─ ─ ─
//! ```
//!
//! The width grows when an integer comes that needs it, and never shrinks.
//!
//! **Invariant:** the integers ascend, and there are exactly as many as the header says.

use memory::size_class;
use std::fmt;

const HEADER: usize = 8;
/// More integers than this make no intset, whatever the configuration says: readers compute sizes in 32 bits.
pub const MOST: usize = 1 << 30;

/// The bytes are not an intset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupt;

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a valid intset")
    }
}

impl std::error::Error for Corrupt {}

/// A set of integers; see the module for its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct IntSet {
    bytes: Vec<u8>,
}

impl IntSet {
    const EMPTY: [u8; HEADER] = [2, 0, 0, 0, 0, 0, 0, 0];

    /// An empty set.
    pub fn new() -> Self {
        IntSet { bytes: Self::EMPTY.to_vec() }
    }

    /// Takes bytes from outside after checking them.
    ///
    /// # Errors
    /// [`Corrupt`] if the width or the count is wrong, or the integers do not ascend.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Corrupt> {
        if bytes.len() < HEADER {
            return Err(Corrupt);
        }
        let intset = IntSet { bytes };
        let integers = intset.bytes.len() - HEADER;
        if !matches!(intset.word(0), 2 | 4 | 8)
            || intset.len().checked_mul(intset.width()) != Some(integers)
            || !intset.iter().is_sorted_by(|a, b| a < b)
        {
            return Err(Corrupt);
        }
        Ok(intset)
    }

    /// The bytes as they stand in an RDB file.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes taken from the allocator.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// The number of integers.
    #[inline]
    pub fn len(&self) -> usize {
        self.word(4) as usize
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.bytes.len() == HEADER
    }

    /// The integer at `index` in ascending order.
    #[inline]
    pub fn get(&self, index: usize) -> Option<i64> {
        let width = self.width();
        let start = index.checked_mul(width)?.checked_add(HEADER)?;
        self.bytes.get(start..start + width).map(integer)
    }

    /// The smallest integer.
    pub fn min(&self) -> Option<i64> {
        self.get(0)
    }

    /// The largest integer.
    pub fn max(&self) -> Option<i64> {
        self.get(self.len().checked_sub(1)?)
    }

    /// Whether it is there.
    #[inline]
    pub fn contains(&self, value: i64) -> bool {
        self.search(value).is_ok()
    }

    /// Adds an integer; false if it was there.
    pub fn add(&mut self, value: i64) -> bool {
        let Err(index) = self.search(value) else { return false };
        let needed = width_of(value);
        if needed > self.width() {
            self.widen(needed);
        }
        let width = self.width();
        let start = HEADER + index * width;
        let len = self.bytes.len();
        self.reserve(width);
        self.bytes.resize(len + width, 0);
        self.bytes.copy_within(start..len, start + width);
        self.bytes[start..start + width].copy_from_slice(&value.to_le_bytes()[..width]);
        self.set_len();
        true
    }

    /// Removes an integer; false if it was not there.
    pub fn remove(&mut self, value: i64) -> bool {
        match self.search(value) {
            Ok(index) => {
                self.remove_at(index);
                true
            }
            Err(_) => false,
        }
    }

    /// Removes the integer at `index` in ascending order.
    pub fn remove_at(&mut self, index: usize) -> Option<i64> {
        let value = self.get(index)?;
        let width = self.width();
        let start = HEADER + index * width;
        self.bytes.drain(start..start + width);
        self.set_len();
        let wanted = size_class(self.bytes.len());
        if wanted < self.bytes.capacity() / 2 {
            self.bytes.shrink_to(wanted);
        }
        Some(value)
    }

    /// The integers in ascending order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { integers: self.bytes[HEADER..].chunks_exact(self.width()) }
    }

    fn word(&self, at: usize) -> u32 {
        self.bytes[at..].first_chunk::<4>().map_or(0, |word| u32::from_le_bytes(*word))
    }

    fn width(&self) -> usize {
        self.word(0) as usize
    }

    fn set_len(&mut self) {
        let count = (self.bytes.len() - HEADER) / self.width();
        let count = u32::try_from(count).expect("owners convert larger sets");
        self.bytes[4..HEADER].copy_from_slice(&count.to_le_bytes());
    }

    /// Where the integer is, or where it would be.
    fn search(&self, value: i64) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.get(middle) {
                Some(found) if found == value => return Ok(middle),
                Some(found) if found < value => low = middle + 1,
                _ => high = middle,
            }
        }
        Err(low)
    }

    fn widen(&mut self, width: usize) {
        let mut wide = IntSet { bytes: Vec::new() };
        wide.reserve(HEADER + (self.len() + 1) * width);
        wide.bytes.extend_from_slice(&self.bytes[..HEADER]);
        wide.bytes[0] = width as u8;
        for value in self.iter() {
            wide.bytes.extend_from_slice(&value.to_le_bytes()[..width]);
        }
        *self = wide;
    }

    /// Grows by an eighth, in whole size classes of the allocator.
    fn reserve(&mut self, more: usize) {
        let len = self.bytes.len();
        if self.bytes.capacity() - len < more {
            self.bytes.reserve_exact(size_class(len + more.max(len / 8)) - len);
        }
    }
}

impl Default for IntSet {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for IntSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl<'a> IntoIterator for &'a IntSet {
    type Item = i64;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl FromIterator<i64> for IntSet {
    fn from_iter<I: IntoIterator<Item = i64>>(values: I) -> Self {
        let mut intset = IntSet::new();
        for value in values {
            intset.add(value);
        }
        intset
    }
}

/// The integers of an [`IntSet`] in ascending order.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    integers: std::slice::ChunksExact<'a, u8>,
}

impl Iterator for Iter<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        self.integers.next().map(integer)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.integers.size_hint()
    }
}

fn width_of(value: i64) -> usize {
    if i16::try_from(value).is_ok() {
        2
    } else if i32::try_from(value).is_ok() {
        4
    } else {
        8
    }
}

/// The integer that these little-endian bytes stand for.
fn integer(bytes: &[u8]) -> i64 {
    let is_negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
    let mut wide = [if is_negative { 0xFF } else { 0 }; 8];
    wide[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(wide)
}

#[cfg(test)]
#[path = "intset_tests.rs"]
mod tests;
