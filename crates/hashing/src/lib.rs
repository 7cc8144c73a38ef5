//! The one hash function for bytes that clients choose: keys, fields, channels.
//!
//! An attacker who can predict hashes can make all keys collide, and one command then holds a worker for minutes. A
//! secret seed alone does not prevent that: where the function's other constants are public, bytes can be chosen that
//! collide under every seed. The function must be a *pseudorandom function*: without the key, the hashes of other texts
//! tell nothing about the hash of a text. SCAN and HSCAN make this a requirement twice over: their cursors show bits of
//! hashes to every client, and the key must not follow from them.
//!
//! The function is SipHash-1-3 with a 128-bit key, one for the process. The key is drawn from the system's random
//! numbers at first use, so nobody can forget to set it. This is why randomness is not an argument here, as it is in
//! the other pure crates. Tests that need the same order each time make a [`Hasher`] of their own.
//!
//! `docs/decisions/hashing.md` explains the choice and its cost.

#![forbid(unsafe_code)]

use std::fmt;
use std::hash::BuildHasher;
use std::sync::OnceLock;

use siphasher::sip::SipHasher13;

/// A keyed hash function; see the crate.
///
/// ```
/// use hashing::Hasher;
/// let hasher = Hasher::of_process();
/// assert_eq!(hasher.hash(b"key"), Hasher::of_process().hash(b"key"));
/// ```
#[derive(Clone, Copy)]
pub struct Hasher {
    key: (u64, u64),
    /// Bits that are set in every hash: none, except in tests of colliding hashes.
    common: u64,
}

impl Hasher {
    /// The hash function of this process: its key is secret and random.
    ///
    /// # Panics
    /// At the first call, if the system gives no random numbers: a key that can be guessed protects nothing.
    pub fn of_process() -> Hasher {
        static KEY: OnceLock<(u64, u64)> = OnceLock::new();
        let key = KEY.get_or_init(|| {
            let half = || getrandom::u64().expect("the system gives random numbers");
            (half(), half())
        });
        Hasher { key: *key, common: 0 }
    }

    /// A hash function that is the same in every process, for tests.
    pub const fn fixed(seed: u64) -> Hasher {
        Hasher { key: (seed, !seed), common: 0 }
    }

    /// As [`Hasher::fixed`], with these bits set in every hash: with all of them, everything collides.
    pub fn colliding(seed: u64, common: u64) -> Hasher {
        Hasher { common, ..Hasher::fixed(seed) }
    }

    /// The 64-bit hash of a text. All of its bits are equally random.
    #[inline]
    pub fn hash(&self, text: &[u8]) -> u64 {
        SipHasher13::new_with_keys(self.key.0, self.key.1).hash(text) | self.common
    }
}

/// A digest that is the same in every process and version of the program, of what no client chooses.
///
/// ```
/// assert_eq!(hashing::digest(b"timeout 20"), 1_517_716_006_597_825_379);
/// ```
pub fn digest(bytes: &[u8]) -> u64 {
    Hasher::fixed(0).hash(bytes)
}

/// For the standard library's maps. A key that is hashed as a slice of bytes has its length hashed as well: its hash
/// differs from [`Hasher::hash`].
impl BuildHasher for Hasher {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.key.0, self.key.1)
    }
}

impl fmt::Debug for Hasher {
    /// Does not print the key, which is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::Hasher as _;

    /// The standard library's hasher is SipHash-1-3 as well, with the key 0.
    #[test]
    fn it_is_siphash_1_3() {
        #[allow(deprecated)]
        let reference = |text: &[u8]| {
            let mut hasher = std::hash::DefaultHasher::new();
            hasher.write(text);
            hasher.finish()
        };
        let zero = Hasher { key: (0, 0), common: 0 };
        for len in 0..100 {
            let text: Vec<u8> = (0..len).collect();
            assert_eq!(zero.hash(&text), reference(&text), "{len} bytes");
        }
    }

    #[test]
    fn a_process_has_one_key() {
        assert_eq!(Hasher::of_process().hash(b"k"), Hasher::of_process().hash(b"k"));
        let fixed: HashSet<u64> = (0..1_000).map(|seed| Hasher::fixed(seed).hash(b"k")).collect();
        assert_eq!(fixed.len(), 1_000, "the hash depends on the key");
        assert!(!fixed.contains(&Hasher::of_process().hash(b"k")));
    }

    /// Texts of 16 bytes that collide under a multiply-and-fold function whatever its seed, because a public constant
    /// of it makes their second half cancel the first.
    #[test]
    fn texts_that_defeat_a_folded_multiply_do_not_collide() {
        let hasher = Hasher::of_process();
        let hashes: HashSet<u64> = (0..10_000_u64)
            .map(|i| {
                let mut text = i.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes().to_vec();
                text.extend(0x3f84_d5b5_b547_0917_u64.to_le_bytes());
                hasher.hash(&text)
            })
            .collect();
        assert_eq!(hashes.len(), 10_000);
    }

    #[test]
    fn a_colliding_hasher_collides_as_far_as_told() {
        let all = Hasher::colliding(1, u64::MAX);
        assert_eq!((all.hash(b"a"), all.hash(b"b")), (u64::MAX, u64::MAX));
        let top = Hasher::colliding(1, 0xFFFF << 48);
        assert_eq!(top.hash(b"a") >> 48, 0xFFFF);
        assert_ne!(top.hash(b"a"), top.hash(b"b"));
    }

    #[test]
    fn the_key_is_not_printed() {
        assert_eq!(format!("{:?}", Hasher::fixed(1)), "Hasher");
    }
}
