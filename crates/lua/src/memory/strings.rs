//! Strings. Those of up to [`SHORT`] bytes are interned: each text exists once, so that equality and table lookups
//! compare handles. Longer ones are compared by their bytes, and hashed when they first become a key.

use super::arena::{Arena, Mark};
use crate::value::StrId;
use hashing::Hasher;

/// The longest string that is interned.
pub const SHORT: usize = 40;

const NONE: u32 = u32::MAX;

/// A string.
#[derive(Debug, Default)]
pub(crate) struct Text {
    bytes: Box<[u8]>,
    /// The hash of the bytes; of a long string 0 until it is needed.
    hash: u32,
    /// The next interned string of the same bucket.
    next: u32,
}

/// All strings.
#[derive(Debug)]
pub(crate) struct Strings {
    pub(crate) arena: Arena<Text>,
    buckets: Vec<u32>,
    interned: usize,
    hasher: Hasher,
}

impl Strings {
    pub(crate) fn new(hasher: Hasher) -> Strings {
        Strings { arena: Arena::default(), buckets: vec![NONE; 256], interned: 0, hasher }
    }

    /// The bytes that a string of this length takes.
    pub(crate) fn cost(len: usize) -> usize {
        // With its share of the buckets.
        Arena::<Text>::PLACE + len + size_of::<u32>()
    }

    #[inline]
    pub(crate) fn bytes(&self, id: StrId) -> &[u8] {
        &self.arena[id.0 & !StrId::LONG].bytes
    }

    /// Whether two strings have the same bytes.
    #[inline]
    pub(crate) fn equal(&self, a: StrId, b: StrId) -> bool {
        a == b || (a.is_long() && b.is_long() && self.bytes(a) == self.bytes(b))
    }

    /// A hash for tables. Of interned strings the handle is enough: scripts do not choose handles.
    #[inline]
    pub(crate) fn key_hash(&self, id: StrId) -> u32 {
        if id.is_long() { self.arena[id.0 & !StrId::LONG].hash } else { id.0.wrapping_mul(0x9E37_79B1) }
    }

    /// Sets the hash of a long string before it is used as a key.
    pub(crate) fn prepare_key(&mut self, id: StrId) {
        if id.is_long() {
            let text = &self.arena[id.0 & !StrId::LONG];
            if text.hash == 0 {
                let hash = self.hash(&text.bytes);
                self.arena[id.0 & !StrId::LONG].hash = hash.max(1);
            }
        }
    }

    fn hash(&self, bytes: &[u8]) -> u32 {
        (self.hasher.hash(bytes) >> 32) as u32
    }

    fn find_hashed(&self, bytes: &[u8], hash: u32) -> Option<StrId> {
        let mut at = self.buckets[hash as usize & (self.buckets.len() - 1)];
        while at != NONE {
            let text = &self.arena[at];
            if text.hash == hash && *text.bytes == *bytes {
                return Some(StrId(at));
            }
            at = text.next;
        }
        None
    }

    /// The string with these bytes, and whether it is new. A string that only waits to be swept is taken back.
    pub(crate) fn intern(&mut self, bytes: &[u8], white: Mark) -> (StrId, bool) {
        let hash = self.hash(bytes);
        if let Some(found) = self.find_hashed(bytes, hash) {
            if self.arena.mark(found.0) != Mark::Black {
                self.arena.set_mark(found.0, white);
            }
            return (found, false);
        }
        if self.interned >= self.buckets.len() {
            self.grow();
        }
        let bucket = hash as usize & (self.buckets.len() - 1);
        let text = Text { bytes: bytes.into(), hash, next: self.buckets[bucket] };
        let place = self.arena.insert(text, white);
        self.buckets[bucket] = place;
        self.interned += 1;
        (StrId(place), true)
    }

    /// A string that is not interned.
    pub(crate) fn insert_long(&mut self, bytes: Box<[u8]>, white: Mark) -> StrId {
        StrId(self.arena.insert(Text { bytes, hash: 0, next: NONE }, white) | StrId::LONG)
    }

    /// Frees the string at a place, and gives its length.
    pub(crate) fn free(&mut self, place: u32) -> usize {
        let len = self.arena[place].bytes.len();
        if len <= SHORT {
            self.unlink(place);
        }
        self.arena.remove(place);
        len
    }

    fn unlink(&mut self, place: u32) {
        let (hash, next) = (self.arena[place].hash, self.arena[place].next);
        let bucket = hash as usize & (self.buckets.len() - 1);
        self.interned -= 1;
        if self.buckets[bucket] == place {
            self.buckets[bucket] = next;
            return;
        }
        let mut at = self.buckets[bucket];
        while at != NONE {
            if self.arena[at].next == place {
                self.arena[at].next = next;
                return;
            }
            at = self.arena[at].next;
        }
    }

    fn grow(&mut self) {
        let old = std::mem::take(&mut self.buckets);
        self.buckets = vec![NONE; old.len() * 2];
        for mut at in old {
            while at != NONE {
                let next = self.arena[at].next;
                let bucket = self.arena[at].hash as usize & (self.buckets.len() - 1);
                self.arena[at].next = self.buckets[bucket];
                self.buckets[bucket] = at;
                at = next;
            }
        }
    }
}
