//! Ziplists: how lists, hashes and sorted sets were packed before Redis 7.0.
//!
//! ```text
//! bytes: u32 │ offset of the last entry: u32 │ count: u16 │ entry │ … │ 0xFF       count 65535: unknown
//!
//! entry = bytes of the entry before it: one byte up to 253, or 0xFE and u32
//!         00LLLLLL                          string of up to 63 bytes
//!         01LLLLLL LLLLLLLL                 string of up to 16,383 bytes, high part first
//!         10______ <4 bytes big-endian>     string
//!         C0 D0 E0 F0 FE                    integer of 16, 32, 64, 24, 8 bits, little-endian
//!         F1 … FD                           integer 0 to 12
//! ```
//!
//! Unless stated, numbers are little-endian. Nothing is kept in this form: it is turned into a listpack on the way.

use structures::Listpack;

const HEADER: usize = 10;
const END: u8 = 0xff;
const COUNT_UNKNOWN: u16 = u16::MAX;

/// The entries as a listpack; `None` when the bytes are not exactly one valid ziplist.
pub(super) fn to_listpack(bytes: &[u8]) -> Option<Listpack> {
    let (total, rest) = bytes.split_first_chunk()?;
    let (last, rest) = rest.split_first_chunk()?;
    let (count, mut rest) = rest.split_first_chunk()?;
    if u32::from_le_bytes(*total) as usize != bytes.len() {
        return None;
    }
    let mut listpack = Listpack::new();
    let mut entries = 0;
    let (mut start, mut previous_len) = (HEADER, 0);
    while rest != [END] {
        let (entry, after) = Entry::parse(rest)?;
        if entry.previous_len != previous_len {
            return None;
        }
        match entry.content {
            Content::Int(value) => listpack.push_back(itoa::Buffer::new().format(value).as_bytes()),
            Content::Bytes(text) => listpack.push_back(text),
        }
        entries += 1;
        start = bytes.len() - rest.len();
        previous_len = rest.len() - after.len();
        rest = after;
    }
    let count = u16::from_le_bytes(*count);
    let counted = count == COUNT_UNKNOWN || usize::from(count) == entries;
    let last = u32::from_le_bytes(*last) as usize;
    let last_is_right = if entries == 0 { last < bytes.len() } else { last == start };
    (counted && last_is_right).then_some(listpack)
}

struct Entry<'a> {
    previous_len: usize,
    content: Content<'a>,
}

enum Content<'a> {
    Int(i64),
    Bytes(&'a [u8]),
}

impl<'a> Entry<'a> {
    fn parse(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (previous_len, rest) = match bytes.split_first()? {
            (&0xfe, rest) => {
                let (len, rest) = rest.split_first_chunk()?;
                (u32::from_le_bytes(*len) as usize, rest)
            }
            (&END, _) => return None,
            (&len, rest) => (len.into(), rest),
        };
        let (content, rest) = Content::parse(rest)?;
        Some((Entry { previous_len, content }, rest))
    }
}

impl<'a> Content<'a> {
    fn parse(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&encoding, rest) = bytes.split_first()?;
        match encoding {
            0..0x40 => Self::text(encoding.into(), rest),
            0x40..0x80 => {
                let (&low, rest) = rest.split_first()?;
                Self::text(usize::from(encoding & 0x3f) << 8 | usize::from(low), rest)
            }
            0x80..0xc0 => {
                let (len, rest) = rest.split_first_chunk()?;
                Self::text(u32::from_be_bytes(*len) as usize, rest)
            }
            0xc0 => Self::int::<2>(rest),
            0xd0 => Self::int::<4>(rest),
            0xe0 => Self::int::<8>(rest),
            0xf0 => Self::int::<3>(rest),
            0xfe => Self::int::<1>(rest),
            0xf1..=0xfd => Some((Content::Int(i64::from(encoding & 0x0f) - 1), rest)),
            _ => None,
        }
    }

    fn text(len: usize, rest: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (text, rest) = rest.split_at_checked(len)?;
        Some((Content::Bytes(text), rest))
    }

    fn int<const N: usize>(rest: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (bytes, rest) = rest.split_first_chunk::<N>()?;
        let mut word = [0; 8];
        word[8 - N..].copy_from_slice(bytes);
        Some((Content::Int(i64::from_le_bytes(word) >> (64 - 8 * N)), rest))
    }
}

#[cfg(test)]
mod tests {
    use super::to_listpack;

    fn elements(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
        to_listpack(bytes).map(|listpack| listpack.iter().map(|item| item.to_vec()).collect())
    }

    /// A ziplist of entries without their first field.
    fn ziplist(entries: &[&[u8]]) -> Vec<u8> {
        let mut body = Vec::new();
        let (mut last, mut previous) = (10, 0);
        for entry in entries {
            last = 10 + body.len();
            let start = body.len();
            if previous < 254 {
                body.push(previous as u8);
            } else {
                body.push(0xfe);
                body.extend((previous as u32).to_le_bytes());
            }
            body.extend_from_slice(entry);
            previous = body.len() - start;
        }
        let mut bytes = ((11 + body.len()) as u32).to_le_bytes().to_vec();
        bytes.extend((last as u32).to_le_bytes());
        bytes.extend((entries.len() as u16).to_le_bytes());
        bytes.extend(body);
        bytes.push(0xff);
        bytes
    }

    #[test]
    fn every_form_of_entry() {
        let long = [&[0x41, 0x2c][..], &[b'x'; 300]].concat();
        let bytes = ziplist(&[
            b"\x03abc",
            &long,
            b"\x80\x00\x00\x00\x01z",
            &[0xfe, 0xff],
            &[0xc0, 0x00, 0x80],
            &[0xf0, 0xff, 0xff, 0xff],
            &[0xf0, 0x00, 0x00, 0x80],
            &[0xd0, 1, 0, 0, 1],
            &[0xe0, 0, 0, 0, 0, 0, 0, 0, 0x80],
            &[0xf1],
            &[0xfd],
        ]);
        let text: Vec<String> =
            elements(&bytes).unwrap().into_iter().map(|text| String::from_utf8(text).unwrap()).collect();
        let x = "x".repeat(300);
        assert_eq!(
            text,
            ["abc", &x, "z", "-1", "-32768", "-1", "-8388608", "16777217", "-9223372036854775808", "0", "12"]
        );
    }

    #[test]
    fn any_wrong_byte_count_is_refused() {
        let bytes = ziplist(&[b"\x03abc", b"\x01d"]);
        assert_eq!(elements(&bytes), Some(vec![b"abc".to_vec(), b"d".to_vec()]));
        for cut in 0..bytes.len() {
            assert_eq!(elements(&bytes[..cut]), None);
        }
        // Total, offset of the last entry, count, the first entry's two lengths, the second's, the end.
        for (at, what) in
            [(0, "total"), (4, "last"), (8, "count"), (10, "previous"), (15, "previous"), (18, "end")]
        {
            let mut wrong = bytes.clone();
            wrong[at] ^= 1;
            assert_eq!(elements(&wrong), None, "{what}");
        }
        assert_eq!(elements(&ziplist(&[])), Some(vec![]));
    }
}
