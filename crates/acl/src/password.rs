//! Passwords: only their SHA-256 is kept, and it is compared in constant time.

use sha2::{Digest, Sha256};
use std::fmt;

/// Length of a hash as text.
const HEX: usize = 64;

/// The SHA-256 of a password. It is shown only where a user's rules are written out ([`PasswordHash::hex`]).
#[derive(Clone)]
pub struct PasswordHash([u8; 32]);

impl PasswordHash {
    /// The hash of a password.
    pub fn of(password: &[u8]) -> PasswordHash {
        PasswordHash(Sha256::digest(password).into())
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub(crate) fn parse(text: &[u8]) -> Option<PasswordHash> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut hash = [0; HEX / 2];
        if text.len() != HEX {
            return None;
        }
        for (byte, pair) in hash.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(PasswordHash(hash))
    }

    /// As lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        crate::genpass::hex(&self.0)
    }
}

/// All bytes are looked at, whichever differs.
impl PartialEq for PasswordHash {
    fn eq(&self, other: &PasswordHash) -> bool {
        let differences =
            self.0.iter().zip(&other.0).fold(0, |all, (a, b)| std::hint::black_box(all | (a ^ b)));
        differences == 0
    }
}

impl Eq for PasswordHash {}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

    #[test]
    fn a_hash_is_read_back() {
        let hash = PasswordHash::of(b"secret");
        assert_eq!(hash.hex(), SECRET);
        assert_eq!(PasswordHash::parse(SECRET.as_bytes()), Some(hash));
        for wrong in
            [&SECRET[1..], &SECRET.to_uppercase(), &format!("{SECRET}0"), &SECRET.replace('2', "g"), ""]
        {
            assert_eq!(PasswordHash::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn one_bit_makes_another_hash() {
        let hash = PasswordHash::of(b"secret");
        for bit in 0..256 {
            let mut other = hash.clone();
            other.0[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(hash, other);
        }
    }

    #[test]
    fn a_hash_does_not_show_itself() {
        assert_eq!(format!("{:?}", PasswordHash::of(b"secret")), "PasswordHash(…)");
    }
}
