//! The bytes of an entry, and how whole listpacks from outside are checked.

use super::{COUNT_UNKNOWN, Corrupt, END, HEADER, Item, Pos};

/// Bytes of "encoding and data".
pub(super) fn encoded_size(item: &Item<'_>) -> usize {
    match item {
        Item::Int(value) => match *value {
            0..=127 => 1,
            -4096..=4095 => 2,
            -0x8000..=0x7FFF => 3,
            -0x80_0000..=0x7F_FFFF => 4,
            -0x8000_0000..=0x7FFF_FFFF => 5,
            _ => 9,
        },
        Item::Bytes(bytes) => match bytes.len() {
            len @ 0..=63 => 1 + len,
            len @ 64..=4095 => 2 + len,
            len => 5 + len,
        },
    }
}

/// Bytes of a whole entry.
#[inline]
pub fn whole_size(item: &Item<'_>) -> usize {
    let size = encoded_size(item);
    size + backlen_size(size)
}

/// Writes the whole entry to the start of `out`; returns its size.
pub(super) fn encode(item: &Item<'_>, out: &mut [u8]) -> usize {
    let size = encoded_size(item);
    match item {
        Item::Int(value) => {
            let little = value.to_le_bytes();
            match size {
                1 => out[0] = little[0],
                2 => {
                    out[0] = 0xC0 | (little[1] & 0x1F);
                    out[1] = little[0];
                }
                _ => {
                    out[0] = match size {
                        3 => 0xF1,
                        4 => 0xF2,
                        5 => 0xF3,
                        _ => 0xF4,
                    };
                    out[1..size].copy_from_slice(&little[..size - 1]);
                }
            }
        }
        Item::Bytes(bytes) => {
            let len = bytes.len();
            match size - len {
                1 => out[0] = 0x80 | len as u8,
                2 => {
                    out[0] = 0xE0 | (len >> 8) as u8;
                    out[1] = len as u8;
                }
                _ => {
                    out[0] = 0xF0;
                    out[1..5].copy_from_slice(&(len as u32).to_le_bytes());
                }
            }
            out[size - len..size].copy_from_slice(bytes);
        }
    }
    let width = backlen_size(size);
    let mut rest = size;
    for index in (0..width).rev() {
        let more_to_the_left = if index > 0 { 0x80 } else { 0 };
        out[size + index] = more_to_the_left | (rest & 0x7F) as u8;
        rest >>= 7;
    }
    size + width
}

/// The item at `offset` and the size of its "encoding and data".
#[inline]
pub(super) fn decode(bytes: &[u8], offset: usize) -> (Item<'_>, usize) {
    let entry = &bytes[offset..];
    let first = entry[0];
    // Short strings and small numbers are nearly all there is.
    match first {
        0..=0x7F => (Item::Int(i64::from(first)), 1),
        0x80..=0xBF => {
            let size = 1 + usize::from(first & 0x3F);
            (Item::Bytes(&entry[1..size]), size)
        }
        0xE0..=0xEF => {
            let size = 2 + (usize::from(first & 0x0F) << 8 | usize::from(entry[1]));
            (Item::Bytes(&entry[2..size]), size)
        }
        _ => decode_long(entry),
    }
}

pub(super) fn decode_long(entry: &[u8]) -> (Item<'_>, usize) {
    let size = checked_encoded_size(entry).expect("validated entry");
    let item = match entry[0] {
        first @ 0..=0x7F => Item::Int(i64::from(first)),
        0x80..=0xBF => Item::Bytes(&entry[1..size]),
        first @ 0xC0..=0xDF => {
            let raw = i16::from_be_bytes([first & 0x1F, entry[1]]);
            Item::Int(i64::from(raw << 3 >> 3))
        }
        0xE0..=0xEF => Item::Bytes(&entry[2..size]),
        0xF0 => Item::Bytes(&entry[5..size]),
        _ => {
            let mut little = [if entry[size - 1] & 0x80 != 0 { 0xFF } else { 0 }; 8];
            little[..size - 1].copy_from_slice(&entry[1..size]);
            Item::Int(i64::from_le_bytes(little))
        }
    };
    (item, size)
}

/// The entry that ends where another begins, or the last one.
pub(super) fn entry_before(bytes: &[u8], offset: usize) -> Option<Pos> {
    if offset == HEADER {
        return None;
    }
    let (size, width) = decode_backlen(&bytes[..offset]).expect("validated backlen");
    Some(Pos(offset - width - size))
}

pub(super) fn encoded_size_at(bytes: &[u8], offset: usize) -> usize {
    checked_encoded_size(&bytes[offset..]).expect("validated entry")
}

/// The size that the first bytes of an entry announce; `None` if they are cut off or no encoding.
pub(super) fn checked_encoded_size(entry: &[u8]) -> Option<usize> {
    Some(match *entry.first()? {
        0..=0x7F => 1,
        first @ 0x80..=0xBF => 1 + usize::from(first & 0x3F),
        0xC0..=0xDF => 2,
        first @ 0xE0..=0xEF => 2 + (usize::from(first & 0x0F) << 8 | usize::from(*entry.get(1)?)),
        0xF0 => 5 + u32::from_le_bytes(entry.get(1..5)?.try_into().ok()?) as usize,
        0xF1 => 3,
        0xF2 => 4,
        0xF3 => 5,
        0xF4 => 9,
        _ => return None,
    })
}

/// Bytes that the backlen of an entry takes. The limits are one lower than seven bits a byte would allow, as in Redis.
#[inline]
pub(super) fn backlen_size(size: usize) -> usize {
    match size {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}

/// The backlen that ends `bytes`, and its width.
pub(super) fn decode_backlen(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut size = 0usize;
    for (index, byte) in bytes.iter().rev().take(5).enumerate() {
        size |= usize::from(byte & 0x7F) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((size, index + 1));
        }
    }
    None
}

pub(super) fn validate(bytes: &[u8]) -> Result<(), Corrupt> {
    let total = bytes.first_chunk::<4>().map(|total| u32::from_le_bytes(*total) as usize);
    if bytes.len() < HEADER + 1 || total != Some(bytes.len()) || bytes[bytes.len() - 1] != END {
        return Err(Corrupt);
    }
    let end = bytes.len() - 1;
    let mut offset = HEADER;
    let mut count = 0usize;
    while offset < end {
        let size = checked_encoded_size(&bytes[offset..end]).ok_or(Corrupt)?;
        let after = offset + size + backlen_size(size);
        if after > end || decode_backlen(&bytes[offset + size..after]) != Some((size, backlen_size(size))) {
            return Err(Corrupt);
        }
        offset = after;
        count += 1;
    }
    match u16::from_le_bytes([bytes[4], bytes[5]]) {
        COUNT_UNKNOWN => Ok(()),
        header if usize::from(header) == count => Ok(()),
        _ => Err(Corrupt),
    }
}
