//! DEBUG DIGEST: a signature of contents that does not depend on the order in which a server keeps them.
//!
//! The same algorithm as in the real server, so that two servers with the same data have the same digest. It knows two
//! ways to take something in: *mixing*, where the order matters (the elements of a list), and *xoring*, where it does not
//! (the fields of a hash, the keys of a database):
//!
//! ```text
//!   xor(d, x) = d ⊕ SHA1(x)
//!   mix(d, x) = SHA1(d ⊕ SHA1(x))
//! ```

use number::{DoubleText, IntBuffer};
use sha1::{Digest as _, Sha1};
use structures::ValueRef;

/// Numbers of types as they stand in the digest.
const STRING: u32 = 0;
const LIST: u32 = 1;
const SET: u32 = 2;
const ZSET: u32 = 3;
const HASH: u32 = 4;
const STREAM: u32 = 6;

/// Taken in for a value that expires; when does not matter.
const EXPIRES: &[u8] = b"!!expire!!";

/// How values are seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// The text of scores, which is what the version prints.
    pub(crate) scores: DoubleText,
    /// Fields that have expired at this time are not there, whether or not they were deleted.
    pub(crate) now_ms: u64,
}

/// Twenty bytes, shown as hexadecimal digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Digest([u8; 20]);

impl Digest {
    fn sha1(bytes: &[u8]) -> [u8; 20] {
        Sha1::digest(bytes).into()
    }

    /// Takes something in whose order does not matter.
    pub(crate) fn xor(&mut self, bytes: &[u8]) {
        for (own, other) in self.0.iter_mut().zip(Digest::sha1(bytes)) {
            *own ^= other;
        }
    }

    /// Takes something in whose order matters.
    pub(crate) fn mix(&mut self, bytes: &[u8]) {
        self.xor(bytes);
        self.0 = Digest::sha1(&self.0);
    }

    /// Takes in the number of a database before its keys.
    pub(crate) fn database(&mut self, db: u32) {
        self.mix(&db.to_be_bytes());
    }

    /// Takes in a key with its value.
    pub(crate) fn entry(&mut self, key: &[u8], value: ValueRef<'_>, expires: bool, seen: Seen) {
        let mut own = Digest::default();
        own.mix(key);
        own.value(value, expires, seen);
        self.xor(&own.0);
    }

    /// Takes in a value.
    pub(crate) fn value(&mut self, value: ValueRef<'_>, expires: bool, seen: Seen) {
        let mut buffer = IntBuffer::new();
        match value {
            ValueRef::Int(int) => {
                self.mix(&STRING.to_be_bytes());
                self.mix(structures::Item::Int(int).text(&mut buffer));
            }
            ValueRef::Bytes(bytes) => {
                self.mix(&STRING.to_be_bytes());
                self.mix(bytes);
            }
            ValueRef::List(list) => {
                self.mix(&LIST.to_be_bytes());
                list.iter().for_each(|element| self.mix(element.text(&mut buffer)));
            }
            ValueRef::Hash(hash) => {
                self.mix(&HASH.to_be_bytes());
                for (field, value) in hash.alive(seen.now_ms).iter() {
                    let mut pair = Digest::default();
                    pair.mix(field.text(&mut buffer));
                    pair.mix(value.text(&mut buffer));
                    self.xor(&pair.0);
                }
            }
            ValueRef::Set(set) => {
                self.mix(&SET.to_be_bytes());
                set.iter().for_each(|member| self.xor(member.text(&mut buffer)));
            }
            ValueRef::SortedSet(set) => {
                self.mix(&ZSET.to_be_bytes());
                for (member, score) in set {
                    let mut pair = Digest::default();
                    pair.mix(member.text(&mut buffer));
                    pair.mix(seen.scores.format_by_digits(score.get()).as_bytes());
                    self.xor(&pair.0);
                }
            }
            ValueRef::Stream(stream) => {
                self.mix(&STREAM.to_be_bytes());
                for entry in stream.iter() {
                    self.mix(format!("{}.{}", entry.id.ms, entry.id.seq).as_bytes());
                    for (name, value) in entry.fields {
                        self.mix(name.text(&mut buffer));
                        self.mix(value.text(&mut buffer));
                    }
                }
            }
        }
        if expires {
            self.xor(EXPIRES);
        }
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEN: Seen = Seen { scores: DoubleText::Shortest, now_ms: 1000 };

    /// What a real server answered for `SET a 1` alone in database 0.
    #[test]
    fn a_string_has_the_real_servers_digest() {
        let mut value = Digest::default();
        value.value(ValueRef::Int(1), false, SEEN);
        assert_eq!(value.to_string(), "b4fc66738120fba0b5aa500ab5c2bf89cea1c5da");
        let mut all = Digest::default();
        all.database(0);
        all.entry(b"a", ValueRef::Int(1), false, SEEN);
        assert_eq!(all.to_string(), "943d800368fb9c0e951138f1bc0e313ac769d91f");
    }

    #[test]
    fn an_expiry_shows_and_keys_come_in_any_order() {
        let digest = |keys: &[&[u8]], expires| {
            let mut digest = Digest::default();
            keys.iter().for_each(|key| digest.entry(key, ValueRef::Bytes(b"x"), expires, SEEN));
            digest
        };
        assert_eq!(digest(&[b"a", b"b"], false), digest(&[b"b", b"a"], false));
        assert_ne!(digest(&[b"a"], false), digest(&[b"a"], true));
    }

    /// What redis-server 7.0.15 and valkey-server 8.1.8 answered for a sorted set, in each encoding.
    #[test]
    fn a_sorted_set_has_the_real_servers_digest() {
        let digest = |scores: DoubleText, more: &[&str]| {
            let limits = structures::Limits { score_text: scores, ..structures::Limits::DEFAULT };
            let mut set = structures::SortedSet::new();
            let members = "a b 1 c d e f g h i".split(' ');
            let values =
                [1.0, 2.5, -70_000.0, f64::INFINITY, 1e17, 1e22, 0.1, -0.0, 123_456_789_012_345_678.0, 1e-7];
            for (member, score) in members.zip(values).chain(more.iter().map(|member| (*member, 0.0))) {
                let score = structures::Score::new(score).expect("a number");
                set.insert(member.as_bytes(), score, &limits);
            }
            let mut value = Digest::default();
            value.value(ValueRef::SortedSet(&set), false, Seen { scores, ..SEEN });
            value.to_string()
        };
        let long = "x".repeat(70);
        assert_eq!(digest(DoubleText::Digits17, &[]), "5890ce61f7a5e22bbcd5a86953b3d1ffb3e59ed0");
        assert_eq!(digest(DoubleText::Digits17, &[&long]), "95f9cb400e74a0e026bcb46564f01bb58315ebb1");
        assert_eq!(digest(DoubleText::Shortest, &[]), "a1c6305ba822eb1b070dab1aae7a809d803aadac");
        assert_eq!(digest(DoubleText::Shortest, &[&long]), "6caf357a51f3a9d09d64b71699394ad7b0cad8cd");
    }

    /// What real servers answered for sets of these members, in whichever encoding they have them.
    #[test]
    fn a_set_has_the_real_servers_digest() {
        let digest = |members: &[&str]| {
            let mut set = structures::Set::new();
            for member in members {
                set.add(member.as_bytes(), &structures::Limits::DEFAULT);
            }
            let mut value = Digest::default();
            value.value(ValueRef::Set(&set), false, SEEN);
            value.to_string()
        };
        assert_eq!(digest(&["1", "2", "3", "-4"]), "1aef4e370210e79d33f5d67f6728633fd1da06d2");
        assert_eq!(digest(&["a", "b", "1", "-70000", ""]), "27a50c937d7998b3313d1aac65ebbb279b36a08e");
    }

    #[test]
    fn a_field_that_has_expired_does_not_count() {
        let limits = structures::Limits::default();
        let digest = |fields: &[(&[u8], Option<u64>)]| {
            let mut hash = structures::Hash::new();
            for &(field, at_ms) in fields {
                hash.set(field, b"1", &limits);
                hash.set_expiry(field, at_ms);
            }
            let mut digest = Digest::default();
            digest.value(ValueRef::Hash(&hash), false, SEEN);
            digest
        };
        assert_eq!(digest(&[(b"a", None), (b"b", Some(1000))]), digest(&[(b"a", None)]));
        assert_eq!(digest(&[(b"a", None), (b"b", Some(1001))]), digest(&[(b"a", None), (b"b", None)]));
    }
}
