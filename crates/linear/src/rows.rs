//! Texts packed into one allocation: a bucket of a set's table, the members of a leaf.
//!
//! ```text
//! bytes: │ 3 │ abc │ 255 │ 1 │ d │         a length and a text; 255 stands for the next long text
//! long:  [ text of at least 255 bytes, … ]            in the same order; moved by its pointer alone
//! ```
//!
//! A row costs one byte more than its text, and no pointer. Long texts stand apart, so a change copies at most a few
//! kilobytes, whatever clients store.
//!
//! **Invariant:** there are as many long texts as bytes [`LONG`] in the place of a length.

use crate::Bucket;
use hashing::Hasher;
use memory::size_class;

/// In the place of a length: the text stands apart.
const LONG: u8 = u8::MAX;

type Text = Box<[u8]>;

/// A row of texts; see the module.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    bytes: Box<[u8]>,
    #[allow(clippy::box_collection)] // few rows have any, and all have this field: it is one pointer
    long: Option<Box<Vec<Text>>>,
}

// A leaf has its rows beside its scores and links in one cache line.
const _: () = assert!(size_of::<Rows>() == 24);

/// Where a row begins; valid as long as the rows before it do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct At {
    offset: usize,
    /// How many long texts stand before it.
    long: usize,
}

impl Rows {
    /// The number of rows, counted.
    pub fn count(&self) -> usize {
        self.iter().count()
    }

    /// Bytes without those of long texts.
    pub fn packed_len(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes taken from the allocator.
    pub fn heap(&self) -> usize {
        let long = self.long.as_ref().map_or(0, |long| {
            let texts: usize = long.iter().map(|text| size_class(text.len())).sum();
            size_of::<Vec<Text>>() + long.capacity() * size_of::<Text>() + texts
        });
        size_class(self.bytes.len()) + long
    }

    /// The texts in order.
    #[inline]
    pub fn iter(&self) -> Iter<'_> {
        self.iter_from(At::default())
    }

    /// The texts from one on.
    #[inline]
    pub fn iter_from(&self, at: At) -> Iter<'_> {
        Iter { rows: self, at }
    }

    /// Where the row with this number begins; the end for the number of rows.
    #[inline]
    pub fn seek(&self, number: usize) -> At {
        let mut at = At::default();
        for _ in 0..number {
            at = self.after(at);
        }
        at
    }

    /// The text with this number.
    pub fn get(&self, number: usize) -> Option<&[u8]> {
        self.iter_from(self.seek(number)).next()
    }

    /// The text that begins here.
    #[inline]
    pub fn text(&self, at: At) -> &[u8] {
        match self.bytes[at.offset] {
            LONG => &self.long_texts()[at.long],
            len => &self.bytes[at.offset + 1..at.offset + 1 + usize::from(len)],
        }
    }

    /// The number and the place of the row with this text.
    #[inline]
    pub fn find(&self, text: &[u8]) -> Option<(usize, At)> {
        let mut at = At::default();
        let mut number = 0;
        while at.offset < self.bytes.len() {
            if self.text(at) == text {
                return Some((number, at));
            }
            at = self.after(at);
            number += 1;
        }
        None
    }

    /// Adds a text behind all others.
    pub fn push(&mut self, text: &[u8]) {
        let end = At { offset: self.bytes.len(), long: self.long_texts().len() };
        self.insert(end, text);
    }

    /// Adds a text before the row that begins here.
    pub fn insert(&mut self, at: At, text: &[u8]) {
        match u8::try_from(text.len()) {
            Ok(len) if len < LONG => {
                self.splice(at.offset, 0, 1 + text.len());
                self.bytes[at.offset] = len;
                self.bytes[at.offset + 1..at.offset + 1 + text.len()].copy_from_slice(text);
            }
            _ => {
                self.splice(at.offset, 0, 1);
                self.bytes[at.offset] = LONG;
                self.long.get_or_insert_default().insert(at.long, text.into());
            }
        }
    }

    /// Removes the rows from one place up to another.
    pub fn remove(&mut self, from: At, until: At) {
        self.splice(from.offset, until.offset - from.offset, 0);
        if until.long > from.long
            && let Some(long) = &mut self.long
        {
            long.drain(from.long..until.long);
            if long.is_empty() {
                self.long = None;
            } else {
                long.shrink_to_fit();
            }
        }
    }

    /// Where the next row begins.
    #[inline]
    pub fn after(&self, at: At) -> At {
        match self.bytes[at.offset] {
            LONG => At { offset: at.offset + 1, long: at.long + 1 },
            len => At { offset: at.offset + 1 + usize::from(len), ..at },
        }
    }

    /// Takes out the rows from this place on.
    pub fn split_off(&mut self, at: At) -> Rows {
        let bytes = self.bytes[at.offset..].into();
        let mut long = Vec::new();
        if let Some(texts) = &mut self.long {
            long = texts.split_off(at.long);
            if texts.is_empty() {
                self.long = None;
            }
        }
        self.splice(at.offset, self.bytes.len() - at.offset, 0);
        Rows { bytes, long: (!long.is_empty()).then(|| Box::new(long)) }
    }

    /// Adds the rows of another behind its own.
    pub fn append(&mut self, other: Rows) {
        let mut bytes = std::mem::take(&mut self.bytes).into_vec();
        bytes.reserve_exact(other.bytes.len());
        bytes.extend_from_slice(&other.bytes);
        self.bytes = bytes.into_boxed_slice();
        if let Some(long) = other.long {
            self.long.get_or_insert_default().extend(*long);
        }
    }

    fn long_texts(&self) -> &[Text] {
        self.long.as_ref().map_or(&[], |long| long)
    }

    /// Replaces `old` bytes by `new` ones, whose contents are for the caller to write.
    fn splice(&mut self, offset: usize, old: usize, new: usize) {
        let mut bytes = std::mem::take(&mut self.bytes).into_vec();
        let len = bytes.len();
        if new > old {
            bytes.reserve_exact(new - old);
            bytes.resize(len + new - old, 0);
        }
        bytes.copy_within(offset + old..len, offset + new);
        bytes.truncate(len + new - old);
        self.bytes = bytes.into_boxed_slice();
    }
}

/// A bucket of a set's table: the order of its rows has no meaning.
impl Bucket for Rows {
    fn split(&mut self, bit: u64, hasher: Hasher) -> Self {
        let all = std::mem::take(self);
        let moves = |text: &[u8]| hasher.hash(text) & bit != 0;
        let mut long = all.long.map_or_else(Vec::new, |long| *long).into_iter();
        let (mut stay, mut go) = (Vec::with_capacity(all.bytes.len()), Vec::with_capacity(all.bytes.len()));
        let (mut long_stay, mut long_go) = (Vec::new(), Vec::new());
        let mut rest = &all.bytes[..];
        while let Some((&len, after)) = rest.split_first() {
            if len == LONG {
                let text = long.next().expect("as many long texts as marks");
                let (row, texts) =
                    if moves(&text) { (&mut go, &mut long_go) } else { (&mut stay, &mut long_stay) };
                row.push(LONG);
                texts.push(text);
                rest = after;
            } else {
                let (text, behind) = after.split_at(usize::from(len));
                let row = if moves(text) { &mut go } else { &mut stay };
                row.push(len);
                row.extend_from_slice(text);
                rest = behind;
            }
        }
        let rows = |bytes: Vec<u8>, long: Vec<Text>| Rows {
            bytes: bytes.into_boxed_slice(),
            long: (!long.is_empty()).then(|| Box::new(long)),
        };
        *self = rows(stay, long_stay);
        rows(go, long_go)
    }

    fn absorb(&mut self, other: Self) {
        self.append(other);
    }

    fn heap(&self) -> usize {
        Rows::heap(self)
    }
}

/// Texts in order.
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    rows: &'a Rows,
    at: At,
}

impl<'a> Iterator for Iter<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.at.offset >= self.rows.bytes.len() {
            return None;
        }
        let text = self.rows.text(self.at);
        self.at = self.rows.after(self.at);
        Some(text)
    }
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
