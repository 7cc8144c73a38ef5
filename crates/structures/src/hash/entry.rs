//! A field of a table, its value and, if it has one, its expiry in one allocation.
//!
//! ```text
//! │ length below 254 │ field │ value │                       one byte of length
//! │ 255 │ length, u32 little-endian │ field │ value │         a longer field
//! │ 254 │ expiry, u64 little-endian │ one of the two above │  a field that expires, in Unix ms
//! ```
//!
//! Most fields are short and do not expire; one comparison of the first byte finds that out.

use crate::dict::Entry;

/// In the first byte: the length stands in the next four.
const LONG_FIELD: u8 = u8::MAX;
/// In the first byte: the expiry stands in the next eight, and the rest of the entry behind it.
const VOLATILE: u8 = LONG_FIELD - 1;
/// What an expiry takes, with its mark.
const EXPIRY_BYTES: usize = 1 + size_of::<u64>();

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct FieldEntry(Box<[u8]>);

// A bucket of a table is a row of these.
const _: () = assert!(size_of::<FieldEntry>() == 16);

impl FieldEntry {
    pub(super) fn new(field: &[u8], value: &[u8], expire_at_ms: Option<u64>) -> Self {
        let marks = if expire_at_ms.is_some() { EXPIRY_BYTES } else { 0 };
        let mut bytes = Vec::with_capacity(marks + 5 + field.len() + value.len());
        if let Some(at_ms) = expire_at_ms {
            bytes.push(VOLATILE);
            bytes.extend_from_slice(&at_ms.to_le_bytes());
        }
        match u8::try_from(field.len()) {
            Ok(len) if len < VOLATILE => bytes.push(len),
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

    /// Bytes of its allocation.
    pub(super) fn heap(&self) -> usize {
        self.0.len()
    }

    #[inline]
    pub(super) fn value(&self) -> &[u8] {
        &self.0[self.field_bounds().1..]
    }

    /// When the field expires.
    #[inline]
    pub(super) fn expire_at(&self) -> Option<u64> {
        match self.0[0] {
            VOLATILE => self.0[1..].first_chunk().map(|bytes| u64::from_le_bytes(*bytes)),
            _ => None,
        }
    }

    /// Whether the field has not expired.
    #[inline]
    pub(super) fn is_alive(&self, now_ms: u64) -> bool {
        self.expire_at().is_none_or(|at_ms| at_ms > now_ms)
    }

    /// Sets the value; the expiry stays.
    pub(super) fn set_value(&mut self, value: &[u8]) {
        let end = self.field_bounds().1;
        if self.0.len() == end + value.len() {
            self.0[end..].copy_from_slice(value);
        } else {
            *self = FieldEntry::new(self.key(), value, self.expire_at());
        }
    }

    /// Sets or removes the expiry; the value stays.
    pub(super) fn set_expiry(&mut self, expire_at_ms: Option<u64>) {
        match expire_at_ms {
            Some(at_ms) if self.0[0] == VOLATILE => {
                self.0[1..EXPIRY_BYTES].copy_from_slice(&at_ms.to_le_bytes());
            }
            None if self.0[0] != VOLATILE => {}
            _ => *self = FieldEntry::new(self.key(), self.value(), expire_at_ms),
        }
    }

    /// Where the field starts and ends.
    #[inline]
    fn field_bounds(&self) -> (usize, usize) {
        match self.0[0] {
            len @ ..VOLATILE => (1, 1 + usize::from(len)),
            _ => self.marked_bounds(),
        }
    }

    #[cold]
    fn marked_bounds(&self) -> (usize, usize) {
        let at = if self.0[0] == VOLATILE { EXPIRY_BYTES } else { 0 };
        let (start, len) = match &self.0[at..] {
            [LONG_FIELD, a, b, c, d, ..] => (at + 5, u32::from_le_bytes([*a, *b, *c, *d]) as usize),
            rest => (at + 1, usize::from(rest[0])),
        };
        (start, start + len)
    }
}

impl Entry for FieldEntry {
    #[inline]
    fn key(&self) -> &[u8] {
        let (start, end) = self.field_bounds();
        &self.0[start..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_what_it_was_given() {
        for len in [0, 1, 253, 254, 255, 256, 70_000] {
            let field = vec![b'f'; len];
            let mut entry = FieldEntry::new(&field, b"value", None);
            for expiry in [None, Some(7), Some(u64::MAX), None] {
                entry.set_expiry(expiry);
                for value in [&b"other"[..], b"longer than that", b""] {
                    entry.set_value(value);
                    assert_eq!((entry.key(), entry.value(), entry.expire_at()), (&field[..], value, expiry));
                }
            }
        }
    }

    #[test]
    fn a_field_that_does_not_expire_costs_its_length() {
        assert_eq!(FieldEntry::new(b"field", b"value", None).heap(), 1 + 5 + 5);
        assert_eq!(FieldEntry::new(b"field", b"value", Some(1)).heap(), 9 + 1 + 5 + 5);
        assert!(FieldEntry::new(b"f", b"v", Some(5)).is_alive(4));
        assert!(!FieldEntry::new(b"f", b"v", Some(5)).is_alive(5));
    }
}
