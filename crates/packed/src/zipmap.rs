//! Zipmaps, read only: the encoding of small hashes in RDB files before Redis 2.6.
//!
//! ```text
//! │ count: u8 │ length │ field │ length │ free: u8 │ value │ free bytes │ … │ 0xFF │
//!
//! count 254 and more means: walk to know
//! length = one byte below 254, or FE and u32 little-endian
//! ```

use crate::listpack::{Corrupt, Listpack};

const COUNT_UNKNOWN: u8 = 254;
const LONG: u8 = 0xFE;
const END: u8 = 0xFF;

/// The listpack of alternating fields and values.
///
/// # Errors
/// [`Corrupt`] when a length leads out of the bytes, the end is missing or the count is wrong.
/// [`crate::Hash::from_listpack`] finds duplicate fields.
pub fn to_listpack(bytes: &[u8]) -> Result<Listpack, Corrupt> {
    read(bytes).ok_or(Corrupt)
}

fn read(bytes: &[u8]) -> Option<Listpack> {
    let (&count, rest) = bytes.split_first()?;
    let (&end, mut rest) = rest.split_last()?;
    if end != END {
        return None;
    }
    let mut listpack = Listpack::new();
    let mut fields = 0usize;
    while !rest.is_empty() {
        let len = read_length(&mut rest)?;
        let field = take(&mut rest, len)?;
        let len = read_length(&mut rest)?;
        let free = usize::from(take(&mut rest, 1)?[0]);
        let value = take(&mut rest, len)?;
        take(&mut rest, free)?;
        listpack.push_pair(field, value);
        fields += 1;
    }
    (count >= COUNT_UNKNOWN || usize::from(count) == fields).then_some(listpack)
}

fn read_length(rest: &mut &[u8]) -> Option<usize> {
    match take(rest, 1)?[0] {
        END => None,
        LONG => Some(u32::from_le_bytes(take(rest, 4)?.try_into().ok()?) as usize),
        len => Some(usize::from(len)),
    }
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (bytes, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Loaded by redis-server 7.0.15 with RESTORE as the hash foo → bar, number → 12, long → 260 times `v`.
    fn sample() -> Vec<u8> {
        let mut bytes =
            b"\x03\x03foo\x03\x00bar\x06number\x02\x0312xyz\x04long\xFE\x04\x01\x00\x00\x00".to_vec();
        bytes.extend([b'v'; 260]);
        bytes.push(END);
        bytes
    }

    #[test]
    fn fields_and_values_are_read() {
        let long = "v".repeat(260);
        let expected: Listpack = ["foo", "bar", "number", "12", "long", &long].iter().collect();
        assert_eq!(to_listpack(&sample()), Ok(expected));
        assert!(to_listpack(b"\x00\xFF").unwrap().is_empty());
    }

    #[test]
    fn count_and_end_are_checked() {
        for at in [0, sample().len() - 1] {
            let mut bytes = sample();
            bytes[at] = 4;
            assert_eq!(to_listpack(&bytes), Err(Corrupt), "byte {at}");
        }
        let mut uncounted = sample();
        uncounted[0] = COUNT_UNKNOWN;
        assert_eq!(to_listpack(&uncounted), to_listpack(&sample()));
        assert_eq!(to_listpack(b""), Err(Corrupt));
    }

    proptest! {
        #[test]
        fn hostile_bytes_are_refused_or_safe(
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut bytes = sample();
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
