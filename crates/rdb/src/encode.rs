//! The primitives that everything written consists of: lengths and strings.
//!
//! A length takes 1, 2, 5 or 9 bytes; the first byte says which:
//!
//! ```text
//! 00LLLLLL                         0 to 63
//! 01LLLLLL LLLLLLLL                14 bits, high part first
//! 10000000 <4 bytes big-endian>    32 bits
//! 10000001 <8 bytes big-endian>    64 bits
//! 11EEEEEE                         not a length: a string in the special form E
//! ```
//!
//! A string is a length and that many bytes, or one of the special forms: 0, 1, 2 an integer of 1, 2, 4 bytes
//! little-endian, standing for its decimal text; 3 an LZF block (length of the block, length of the content, block).

use number::parse_i64;

use crate::lzf;

pub(crate) const LEN_32_BIT: u8 = 0x80;
pub(crate) const LEN_64_BIT: u8 = 0x81;
pub(crate) const SPECIAL: u8 = 0xc0;
pub(crate) const SPECIAL_INT8: u8 = 0;
pub(crate) const SPECIAL_INT16: u8 = 1;
pub(crate) const SPECIAL_INT32: u8 = 2;
pub(crate) const SPECIAL_LZF: u8 = 3;

/// The longest text that can be the decimal form of a 32-bit integer.
const MAX_INT32_TEXT: usize = 11;
/// Strings of up to this many bytes are never compressed.
const UNCOMPRESSED_MAX: usize = 20;
/// An LZF block must be at least this much shorter than its content to be used.
const MIN_SAVING: usize = 4;

/// Where encoded bytes go.
///
/// A `Vec<u8>` takes them all; a sink of the caller's own may send what it has between two puts, so that a huge value
/// is never in memory twice. A sink that fails remembers the failure and discards the rest.
pub trait Sink {
    /// Takes the next bytes.
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

pub(crate) fn put_len(out: &mut impl Sink, len: u64) {
    if len < 1 << 6 {
        out.put(&[len as u8]);
    } else if len < 1 << 14 {
        out.put(&[0x40 | (len >> 8) as u8, len as u8]);
    } else if let Ok(len) = u32::try_from(len) {
        let [a, b, c, d] = len.to_be_bytes();
        out.put(&[LEN_32_BIT, a, b, c, d]);
    } else {
        out.put(&[LEN_64_BIT]);
        out.put(&len.to_be_bytes());
    }
}

/// Writes a string in its shortest form: as an integer, compressed if `compress` and worth it, or as it is.
pub(crate) fn put_string(out: &mut impl Sink, bytes: &[u8], compress: bool) {
    if bytes.len() <= MAX_INT32_TEXT {
        if let Some(value) = parse_i64(bytes)
            && put_small_int(out, value)
        {
            return;
        }
    } else if compress && bytes.len() > UNCOMPRESSED_MAX && put_compressed(out, bytes) {
        return;
    }
    put_len(out, bytes.len() as u64);
    out.put(bytes);
}

/// Writes the decimal text of `value`.
pub(crate) fn put_int_string(out: &mut impl Sink, value: i64) {
    if !put_small_int(out, value) {
        let mut text = itoa::Buffer::new();
        let text = text.format(value).as_bytes();
        put_len(out, text.len() as u64);
        out.put(text);
    }
}

fn put_small_int(out: &mut impl Sink, value: i64) -> bool {
    if let Ok(value) = i8::try_from(value) {
        out.put(&[SPECIAL | SPECIAL_INT8, value as u8]);
    } else if let Ok(value) = i16::try_from(value) {
        let [a, b] = value.to_le_bytes();
        out.put(&[SPECIAL | SPECIAL_INT16, a, b]);
    } else if let Ok(value) = i32::try_from(value) {
        let [a, b, c, d] = value.to_le_bytes();
        out.put(&[SPECIAL | SPECIAL_INT32, a, b, c, d]);
    } else {
        return false;
    }
    true
}

fn put_compressed(out: &mut impl Sink, bytes: &[u8]) -> bool {
    let mut block = Vec::with_capacity(bytes.len());
    if !lzf::compress(bytes, bytes.len() - MIN_SAVING, &mut block) {
        return false;
    }
    out.put(&[SPECIAL | SPECIAL_LZF]);
    put_len(out, block.len() as u64);
    put_len(out, bytes.len() as u64);
    out.put(&block);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(bytes: &[u8], compress: bool) -> Vec<u8> {
        let mut out = Vec::new();
        put_string(&mut out, bytes, compress);
        out
    }

    #[test]
    fn lengths() {
        let len = |len| {
            let mut out = Vec::new();
            put_len(&mut out, len);
            out
        };
        assert_eq!(len(0), [0]);
        assert_eq!(len(63), [63]);
        assert_eq!(len(64), [0x40, 64]);
        assert_eq!(len(16_383), [0x7f, 0xff]);
        assert_eq!(len(16_384), [0x80, 0, 0, 0x40, 0]);
        assert_eq!(len(u64::from(u32::MAX)), [0x80, 0xff, 0xff, 0xff, 0xff]);
        assert_eq!(len(1 << 32), [0x81, 0, 0, 0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn integers_as_strings() {
        assert_eq!(string(b"-128", true), [0xc0, 0x80]);
        assert_eq!(string(b"128", true), [0xc1, 0x80, 0]);
        assert_eq!(string(b"-32769", true), [0xc2, 0xff, 0x7f, 0xff, 0xff]);
        assert_eq!(string(b"2147483648", true), b"\x0a2147483648");
        assert_eq!(string(b"007", true), b"\x03007");
        assert_eq!(string(b"-0", true), b"\x02-0");
        let mut out = Vec::new();
        put_int_string(&mut out, i64::MIN);
        assert_eq!(out, b"\x14-9223372036854775808");
    }

    #[test]
    fn only_longer_than_20_bytes_is_compressed() {
        assert_eq!(string(&[b'a'; 20], true).len(), 21);
        assert_eq!(string(&[b'a'; 21], true)[0], 0xc3);
        assert_eq!(string(&[b'a'; 21], false).len(), 22);
        assert_eq!(string(b"abcdefghijklmnopqrstuvwxyz", true)[0], 26);
    }
}
