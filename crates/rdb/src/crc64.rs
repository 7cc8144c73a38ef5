//! CRC-64 as RDB files and DUMP payloads carry it.
//!
//! Parameters ("Jones"): polynomial `0xad93d23594c935a9`, reflected in and out, initial value 0, no final
//! exclusive-or. The sum of `123456789` is `0xe9c6d914c4b8d9ca`.
//!
//! Bytes are taken eight at a time ("slicing by 8"): `TABLES[k][b]` is the effect of byte `b` followed by `k`
//! zero bytes, so eight independent look-ups replace eight dependent ones. The tables are 16 KB, computed at
//! compile time.

/// The polynomial with its bits reversed.
const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;

static TABLES: [[u64; 256]; 8] = tables();

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0u64; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut zeros = 1;
    while zeros < 8 {
        let mut byte = 0;
        while byte < 256 {
            let crc = tables[zeros - 1][byte];
            tables[zeros][byte] = (crc >> 8) ^ tables[0][(crc & 0xff) as usize];
            byte += 1;
        }
        zeros += 1;
    }
    tables
}

/// A running sum: start with [`Crc64::default`], [`update`](Crc64::update) in any split, read [`value`](Crc64::value).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Crc64(u64);

impl Crc64 {
    /// Adds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut crc = self.0;
        let (words, tail) = bytes.as_chunks::<8>();
        for &word in words {
            let x = crc ^ u64::from_le_bytes(word);
            crc = TABLES[7][(x & 0xff) as usize]
                ^ TABLES[6][(x >> 8 & 0xff) as usize]
                ^ TABLES[5][(x >> 16 & 0xff) as usize]
                ^ TABLES[4][(x >> 24 & 0xff) as usize]
                ^ TABLES[3][(x >> 32 & 0xff) as usize]
                ^ TABLES[2][(x >> 40 & 0xff) as usize]
                ^ TABLES[1][(x >> 48 & 0xff) as usize]
                ^ TABLES[0][(x >> 56) as usize];
        }
        for &byte in tail {
            crc = TABLES[0][((crc ^ u64::from(byte)) & 0xff) as usize] ^ (crc >> 8);
        }
        self.0 = crc;
    }

    /// The sum of everything so far.
    pub fn value(self) -> u64 {
        self.0
    }
}

/// The sum of one piece of bytes.
pub fn crc64(bytes: &[u8]) -> u64 {
    let mut crc = Crc64::default();
    crc.update(bytes);
    crc.value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_sum() {
        assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(crc64(b""), 0);
    }

    #[test]
    fn any_split_gives_the_same_sum() {
        let bytes: Vec<u8> = (0..100u32).map(|i| (i * 37 + 11) as u8).collect();
        let bytewise = bytes.chunks(1).fold(Crc64::default(), |mut crc, byte| {
            crc.update(byte);
            crc
        });
        for split in 0..bytes.len() {
            let mut crc = Crc64::default();
            crc.update(&bytes[..split]);
            crc.update(&bytes[split..]);
            assert_eq!(crc, bytewise, "split at {split}");
        }
    }
}
