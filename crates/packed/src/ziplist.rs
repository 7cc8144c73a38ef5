//! Ziplists, read only: the compact encoding of RDB files before Redis 7.
//!
//! ```text
//! ┌────────────┬───────────┬───────────┬───────┬─ ─ ─┬──────┐
//! │ total: u32 │ tail: u32 │ count:u16 │ entry │     │ 0xFF │      little-endian; tail = offset of the last entry
//! └────────────┴───────────┴───────────┴───────┴─ ─ ─┴──────┘      count 65535 means: walk to know
//!
//! entry = size of the entry before │ encoding and data
//!   one byte below 254, or FE and u32 little-endian
//!                     00llllll data                string of l < 64 bytes
//!                     01llllll l data              string of l < 16384 bytes, high bits first
//!                     10...... llll data           string with a length of 32 bits, big-endian
//!                     C0 D0 E0 F0 FE               integer of 16, 32, 64, 24, 8 bits, little-endian
//!                     F1 … FD                      integer 0 … 12
//! ```

use crate::listpack::{Corrupt, Item, Listpack};

const HEADER: usize = 10;
const END: u8 = 0xFF;
const LONG_PREVIOUS: u8 = 0xFE;
const COUNT_UNKNOWN: u16 = u16::MAX;

/// The listpack with the same entries.
///
/// # Errors
/// [`Corrupt`] when anything is out of place: total, tail, count, an entry's length, the size of the entry before it.
pub fn to_listpack(bytes: &[u8]) -> Result<Listpack, Corrupt> {
    read(bytes).ok_or(Corrupt)
}

fn read(bytes: &[u8]) -> Option<Listpack> {
    let (body, header) = (bytes.get(HEADER..)?, bytes.get(..HEADER)?);
    let total = u32::from_le_bytes(header[..4].try_into().ok()?) as usize;
    let tail = u32::from_le_bytes(header[4..8].try_into().ok()?) as usize;
    let count = u16::from_le_bytes(header[8..].try_into().ok()?);
    let (&end, mut rest) = body.split_last()?;
    if end != END || total != bytes.len() {
        return None;
    }
    let mut listpack = Listpack::new();
    let mut previous_size = 0;
    let mut last = HEADER;
    let mut entries = 0usize;
    while !rest.is_empty() {
        last = bytes.len() - 1 - rest.len();
        let before = rest.len();
        if read_previous_size(&mut rest)? != previous_size {
            return None;
        }
        listpack.push_item(&read_item(&mut rest)?);
        previous_size = before - rest.len();
        entries += 1;
    }
    let counted = count == COUNT_UNKNOWN || usize::from(count) == entries;
    (counted && tail == last).then_some(listpack)
}

fn read_previous_size(rest: &mut &[u8]) -> Option<usize> {
    match take::<1>(rest)?[0] {
        LONG_PREVIOUS => Some(u32::from_le_bytes(take(rest)?) as usize),
        END => None,
        size => Some(usize::from(size)),
    }
}

fn read_item<'a>(rest: &mut &'a [u8]) -> Option<Item<'a>> {
    let [first] = take(rest)?;
    let len = match first {
        0x00..=0x3F => usize::from(first),
        0x40..=0x7F => usize::from(first & 0x3F) << 8 | usize::from(take::<1>(rest)?[0]),
        0x80..=0xBF => u32::from_be_bytes(take(rest)?) as usize,
        0xC0 => return Some(Item::Int(i64::from(i16::from_le_bytes(take(rest)?)))),
        0xD0 => return Some(Item::Int(i64::from(i32::from_le_bytes(take(rest)?)))),
        0xE0 => return Some(Item::Int(i64::from_le_bytes(take(rest)?))),
        0xF0 => {
            let [low, middle, high] = take(rest)?;
            return Some(Item::Int(i64::from(i32::from_le_bytes([0, low, middle, high]) >> 8)));
        }
        0xFE => return Some(Item::Int(i64::from(i8::from_le_bytes(take(rest)?)))),
        0xF1..=0xFD => return Some(Item::Int(i64::from(first & 0x0F) - 1)),
        _ => return None,
    };
    let (text, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(Item::of(text))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Loaded by redis-server 7.0.15 with RESTORE; it read the texts of `ENTRIES`.
    const SAMPLE: &str = concat!(
        "860100007a0100000f00000161030568656c6c6ffe070000000006f102fd02fef903fe6403c0d4fe04f07011",
        "0105f000ee8505d00094357706e000000000000000800a800000000362696709412c73737373737373737373",
        "7373737373737373737373737373737373737373737373737373737373737373737373737373737373737373",
        "7373737373737373737373737373737373737373737373737373737373737373737373737373737373737373",
        "7373737373737373737373737373737373737373737373737373737373737373737373737373737373737373",
        "7373737373737373737373737373737373737373737373737373737373737373737373737373737373737373",
        "7373737373737373737373737373737373737373737373737373737373737373737373737373737373737373",
        "7373737373737373737373737373737373737373737373737373737373737373737373737373737373737373",
        "7373737373737373737373737373737373737373737373737373fe2f010000056166746572ff",
    );
    const ENTRIES: [&str; 13] = [
        "a",
        "hello",
        "",
        "0",
        "12",
        "-7",
        "100",
        "-300",
        "70000",
        "-8000000",
        "2000000000",
        "-9223372036854775808",
        "big",
    ];

    fn sample() -> Vec<u8> {
        (0..SAMPLE.len()).step_by(2).map(|at| u8::from_str_radix(&SAMPLE[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn every_encoding_is_read() {
        let long = "s".repeat(300);
        let expected: Listpack = ENTRIES.iter().copied().chain([long.as_str(), "after"]).collect();
        let listpack = to_listpack(&sample()).unwrap();
        assert_eq!(listpack, expected);
        assert_eq!(listpack.as_bytes(), expected.as_bytes());
    }

    #[test]
    fn an_empty_one_is_read() {
        let empty = [11, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0xFF];
        assert!(to_listpack(&empty).unwrap().is_empty());
    }

    #[test]
    fn header_and_sizes_are_checked() {
        let good = sample();
        for at in 0..HEADER {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            assert_eq!(to_listpack(&bytes), Err(Corrupt), "header byte {at}");
        }
        let mut bytes = good.clone();
        bytes[HEADER] = 1;
        assert_eq!(to_listpack(&bytes), Err(Corrupt), "nothing stands before the first entry");
        assert_eq!(to_listpack(&good[..good.len() - 1]), Err(Corrupt));
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_refused_or_safe(
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = sample();
            bytes.remove(cut.index(bytes.len()));
            let total = (bytes.len() as u32).to_le_bytes();
            bytes[..4].copy_from_slice(&total);
            for (at, byte) in flips {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if let Ok(listpack) = to_listpack(&bytes) {
                prop_assert_eq!(Listpack::from_bytes(listpack.as_bytes().to_vec()), Ok(listpack));
            }
        }
    }
}
