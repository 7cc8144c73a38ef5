//! Hash slots: which of the 16,384 parts of the keyspace a key belongs to.
//!
//! The rule is the one of the cluster specification: CRC16 (XMODEM: polynomial 0x1021, initial value 0) of the key,
//! modulo 16,384; when the key holds a non-empty `{…}`, only what stands between the first `{` and the next `}` is
//! hashed, so that related keys can share a slot.

/// How many slots a keyspace has.
pub const SLOTS: usize = 16_384;

/// A hash slot, 0 to 16,383.
///
/// ```
/// use topology::Slot;
/// assert_eq!(Slot::of(b"foo").number(), 12182);
/// // What stands in braces decides alone, so related keys share a slot.
/// assert_eq!(Slot::of(b"{user:1}:name"), Slot::of(b"{user:1}:mail"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u16);

impl Slot {
    /// The slot with this number, if there is one.
    pub const fn new(number: u16) -> Option<Slot> {
        if (number as usize) < SLOTS { Some(Slot(number)) } else { None }
    }

    /// The slot of a key.
    #[inline]
    pub fn of(key: &[u8]) -> Slot {
        Slot(crc16(hash_tag(key)) & (SLOTS as u16 - 1))
    }

    /// Its number.
    #[inline]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Its number as an index.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Every slot, ascending.
    pub fn all() -> impl DoubleEndedIterator<Item = Slot> {
        (0..SLOTS as u16).map(Slot)
    }
}

/// The part of a key that decides its slot.
#[inline]
pub fn hash_tag(key: &[u8]) -> &[u8] {
    // Few keys carry a tag, and most are short: looked for eight bytes at a time, without a call. The last word overlaps
    // the one before it.
    let (words, rest) = key.as_chunks::<8>();
    let is_plain = match key.last_chunk::<8>() {
        Some(last) => words.iter().all(|word| !holds_brace(*word)) && !holds_brace(*last),
        None => !rest.contains(&b'{'),
    };
    if is_plain { key } else { tagged(key) }
}

/// Whether one of the bytes is a `{`: the one that is zero once all are compared with it borrows from its highest bit.
#[inline]
fn holds_brace(word: [u8; 8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let differences = u64::from_ne_bytes(word) ^ (ONES * b'{' as u64);
    differences.wrapping_sub(ONES) & !differences & (ONES << 7) != 0
}

fn tagged(key: &[u8]) -> &[u8] {
    let Some(open) = key.iter().position(|&b| b == b'{') else { return key };
    let tail = &key[open + 1..];
    match tail.iter().position(|&b| b == b'}') {
        Some(len) if len > 0 => &tail[..len],
        _ => key,
    }
}

/// Eight tables, so that eight bytes are folded in with one step and no dependency between the look-ups.
static TABLES: [[u16; 256]; 8] = tables();

const fn tables() -> [[u16; 256]; 8] {
    let mut tables = [[0u16; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 != 0 { (crc << 1) ^ 0x1021 } else { crc << 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut t = 1;
    while t < 8 {
        let mut byte = 0;
        while byte < 256 {
            let crc = tables[t - 1][byte];
            tables[t][byte] = (crc << 8) ^ tables[0][(crc >> 8) as usize];
            byte += 1;
        }
        t += 1;
    }
    tables
}

/// CRC16/XMODEM of the bytes.
#[inline]
pub fn crc16(bytes: &[u8]) -> u16 {
    let mut crc = 0u16;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for c in chunks {
        crc = TABLES[7][(c[0] ^ (crc >> 8) as u8) as usize]
            ^ TABLES[6][(c[1] ^ crc as u8) as usize]
            ^ TABLES[5][c[2] as usize]
            ^ TABLES[4][c[3] as usize]
            ^ TABLES[3][c[4] as usize]
            ^ TABLES[2][c[5] as usize]
            ^ TABLES[1][c[6] as usize]
            ^ TABLES[0][c[7] as usize];
    }
    for &b in rest {
        crc = (crc << 8) ^ TABLES[0][((crc >> 8) as u8 ^ b) as usize];
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brace_is_found_wherever_it_stands() {
        for len in 0..40 {
            for fill in [b'a', b'z', b'|', 0, 0xfb, 0x7a, 0xff] {
                let mut key = vec![fill; len];
                assert_eq!(hash_tag(&key), &key[..], "no brace among {len} of {fill}");
                for at in 0..len.saturating_sub(2) {
                    key.fill(fill);
                    (key[at], key[at + 2]) = (b'{', b'}');
                    assert_eq!(hash_tag(&key), &key[at + 1..at + 2], "{}", key.escape_ascii());
                }
            }
        }
    }

    #[test]
    fn crc_of_the_check_string_is_that_of_xmodem() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        assert_eq!(crc16(b""), 0);
    }

    #[test]
    fn eight_at_a_time_equals_one_at_a_time() {
        let bytes: Vec<u8> = (0..100u32).map(|i| (i * 37 + 11) as u8).collect();
        for len in 0..bytes.len() {
            let slow = bytes[..len]
                .iter()
                .fold(0u16, |crc, &b| (crc << 8) ^ TABLES[0][((crc >> 8) as u8 ^ b) as usize]);
            assert_eq!(crc16(&bytes[..len]), slow, "{len} bytes");
        }
    }

    #[test]
    fn slots_are_those_of_the_cluster_specification() {
        assert_eq!(Slot::of(b"foo").number(), 12182);
        assert_eq!(Slot::of(b"{user1000}.following"), Slot::of(b"{user1000}.followers"));
        assert_eq!(
            Slot::of(b"foo{}{bar}"),
            Slot(crc16(b"foo{}{bar}") & 0x3fff),
            "an empty tag does not count"
        );
        assert_eq!(hash_tag(b"foo{{bar}}zap"), b"{bar");
        assert_eq!(hash_tag(b"foo{bar}{zap}"), b"bar");
        assert_eq!(hash_tag(b"foo{bar"), b"foo{bar");
    }
}
