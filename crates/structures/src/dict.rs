//! The hash table of a large hash: entries by the text of their key, with a stable scan cursor.
//!
//! It is a *linear hash table*: buckets split and merge one at a time, in a fixed order, so a change never splits or
//! merges more than one bucket, however many entries there are.
//!
//! ```text
//! n buckets, 2^level <= n < 2^(level+1), split = n - 2^level
//!
//!   0 … split-1      already split: level+1 low bits of the hash choose the bucket
//!   split … 2^level-1  not yet split: level low bits do
//!   2^level … n-1    the other halves of the split ones
//!
//! segments: [256 buckets] [256 buckets] [   …   ]          so adding a bucket never moves the others
//! bucket:   tags (8 bytes of hash) │ boxed slice of entries
//! ```
//!
//! **The scan.** Read the bits of a hash backwards, and a bucket that is chosen by `b` low bits covers one interval of
//! these *reversed hashes*: those that start with its `b` bits. Splitting a bucket cuts its interval in two, merging
//! joins two neighbours, and no entry ever changes its reversed hash. A cursor is a place in that order (returned with
//! its bits reversed again, which makes it a small number). A step visits the bucket that covers the place, leaves out
//! entries that lie before it, and returns the end of the interval. Hence an entry that exists from start to end of a
//! scan is visited, whatever happens in between, and none is visited twice unless it was removed and added again.
//!
//! Entries bring their own key; the table is generic so that sets and sorted sets can use it. The hash is keyed
//! ([`Hasher::of_process`]): nobody can choose keys that collide. If many collided all the same, all operations would
//! stay correct and only be slow.
//!
//! **Invariants:** an entry lies in the bucket that its hash chooses; `tags[i]` belongs to `entries[i]` for the first
//! eight entries, later ones are compared without tags; `2^level <= bucket count`.

use hashing::Hasher;
use std::slice;

const SEGMENT: usize = 256;
const TAGS: usize = 8;
/// Splits begin above this many entries a bucket on average; above eight the tags would stop helping.
const GROW_LOAD: usize = 5;
/// Merges begin below this many. The gap avoids splitting and merging in turns.
const SHRINK_LOAD: usize = 2;
/// How many empty buckets one scan step passes for each entry asked for, so that a sparse table cannot make it long.
const SCAN_BUCKETS_PER_ENTRY: usize = 10;
const RANDOM_TRIES: usize = 256;

/// What a [`Dict`] holds.
pub(crate) trait Entry {
    /// The text that identifies the entry; it never changes while the entry is in a table.
    fn key(&self) -> &[u8];
}

#[derive(Debug, Clone)]
struct Bucket<E> {
    tags: [u8; TAGS],
    entries: Box<[E]>,
}

impl<E> Bucket<E> {
    fn empty() -> Self {
        Bucket { tags: [0; TAGS], entries: Box::default() }
    }

    fn of(entries: Vec<E>, entry_tags: impl Iterator<Item = u8>) -> Self {
        let mut tags = [0; TAGS];
        for (slot, tag) in tags.iter_mut().zip(entry_tags) {
            *slot = tag;
        }
        Bucket { tags, entries: entries.into_boxed_slice() }
    }

    fn push(&mut self, tag: u8, entry: E) {
        let index = self.entries.len();
        if let Some(slot) = self.tags.get_mut(index) {
            *slot = tag;
        }
        let mut entries = std::mem::take(&mut self.entries).into_vec();
        entries.reserve_exact(1);
        entries.push(entry);
        self.entries = entries.into_boxed_slice();
    }

    fn remove(&mut self, index: usize, tag_of: impl Fn(&E) -> u8) -> E {
        let mut entries = std::mem::take(&mut self.entries).into_vec();
        let entry = entries.swap_remove(index);
        if let (Some(slot), Some(moved)) = (self.tags.get_mut(index), entries.get(index)) {
            *slot = tag_of(moved);
        }
        self.entries = entries.into_boxed_slice();
        entry
    }
}

/// A place in a table's iteration order; valid as long as nothing is added or removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Place {
    pub(crate) bucket: usize,
    pub(crate) entry: usize,
}

impl Place {
    /// The place of what stands in a single row, by its number.
    pub(crate) fn nth(entry: usize) -> Place {
        Place { bucket: 0, entry }
    }

    /// Its number in its row.
    pub(crate) fn number(self) -> usize {
        self.entry
    }
}

/// A hash table; see the module.
#[derive(Debug, Clone)]
pub(crate) struct Dict<E> {
    segments: Vec<Vec<Bucket<E>>>,
    len: usize,
    /// How many there are: by far more than memory has room for can be counted.
    buckets: u32,
    /// No bucket ever held more entries.
    longest: u32,
    hasher: Hasher,
}

impl<E: Entry> Dict<E> {
    pub(crate) fn new() -> Self {
        Dict::with_hasher(Hasher::of_process())
    }

    fn with_hasher(hasher: Hasher) -> Self {
        Dict { segments: vec![vec![Bucket::empty()]], len: 0, buckets: 1, longest: 0, hasher }
    }

    fn buckets(&self) -> usize {
        self.buckets as usize
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of the table's own structure, without what entries own elsewhere.
    pub(crate) fn table_bytes(&self) -> usize {
        self.segments.capacity() * size_of::<Vec<Bucket<E>>>()
            + self.buckets().next_multiple_of(SEGMENT.min(self.buckets().next_power_of_two()))
                * size_of::<Bucket<E>>()
            + self.len * size_of::<E>()
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&E> {
        let (bucket, index) = self.find(key)?;
        self.bucket(bucket).entries.get(index)
    }

    /// The entry itself; its key must stay as it is.
    pub(crate) fn get_mut(&mut self, key: &[u8]) -> Option<&mut E> {
        let (bucket, index) = self.find(key)?;
        self.bucket_mut(bucket).entries.get_mut(index)
    }

    /// Adds an entry whose key is known to be absent.
    pub(crate) fn insert_new(&mut self, entry: E) {
        let hash = self.hash(entry.key());
        let bucket = self.bucket_of(hash);
        self.push(bucket, tag(hash), entry);
        self.len += 1;
        if self.len > self.buckets() * GROW_LOAD {
            self.split_next();
        }
    }

    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<E> {
        let (bucket, index) = self.find(key)?;
        let hasher = self.hasher;
        let entry = self.bucket_mut(bucket).remove(index, |moved| tag(hasher.hash(moved.key())));
        self.len -= 1;
        if self.buckets() > 1 && self.len < self.buckets() * SHRINK_LOAD {
            self.merge_last();
        }
        Some(entry)
    }

    /// The entries of the buckets that a hash with these low bits may choose.
    pub(crate) fn of_low_bits(&self, low: u64, bits: u32) -> impl Iterator<Item = &E> {
        // A table of more buckets than the bits can tell apart has several.
        let (first, step) = match self.level() < bits {
            true => (self.bucket_of(low), self.buckets()),
            false => (low as usize, 1 << bits),
        };
        (first..self.buckets()).step_by(step).flat_map(|index| &self.bucket(index).entries)
    }

    pub(crate) fn iter(&self) -> Iter<'_, E> {
        Iter { segments: self.segments.iter(), buckets: [].iter(), entries: [].iter() }
    }

    /// Visits entries in the order of [`Dict::iter`] from a place on, until `visit` refuses one; the place of that one,
    /// `None` at the end.
    pub(crate) fn visit_from(&self, from: Place, mut visit: impl FnMut(&E) -> bool) -> Option<Place> {
        let mut passed = from.entry;
        for bucket in from.bucket..self.buckets() {
            for (entry, visited) in self.bucket(bucket).entries.iter().enumerate().skip(passed) {
                if !visit(visited) {
                    return Some(Place { bucket, entry });
                }
            }
            passed = 0;
        }
        None
    }

    /// Visits about `count` entries from `cursor` on and returns the next cursor, 0 when the scan is complete.
    pub(crate) fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&E)) -> u64 {
        let mut cursor = cursor;
        let mut visited = 0;
        for _ in 0..count.max(1).saturating_mul(SCAN_BUCKETS_PER_ENTRY) {
            let index = self.bucket_of(cursor);
            let bits = self.bits_of(index);
            let place = cursor.reverse_bits();
            let start = (index as u64).reverse_bits();
            for entry in &self.bucket(index).entries {
                if place <= start || self.hash(entry.key()).reverse_bits() >= place {
                    visit(entry);
                    visited += 1;
                }
            }
            let width = 1u64.checked_shl(u64::BITS - bits).unwrap_or(0);
            cursor = start.wrapping_add(width).reverse_bits();
            if cursor == 0 || visited >= count {
                break;
            }
        }
        cursor
    }

    /// An entry chosen by `random`, all with the same probability.
    pub(crate) fn random(&self, random: u64) -> Option<&E> {
        if self.len == 0 {
            return None;
        }
        // A bucket and a place in it, both uniform; an empty place means another try.
        let places = u64::from(self.longest);
        let mut state = random;
        for _ in 0..RANDOM_TRIES {
            state = mix(state);
            let bucket = ((u128::from(state) * self.buckets() as u128) >> 64) as usize;
            let place = (mix(!state) % places) as usize;
            if let Some(entry) = self.bucket(bucket).entries.get(place) {
                return Some(entry);
            }
        }
        let skip = (state % self.len as u64) as usize;
        self.iter().nth(skip)
    }

    pub(crate) fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash(key)
    }

    fn level(&self) -> u32 {
        self.buckets.ilog2()
    }

    fn bucket_of(&self, hash: u64) -> usize {
        let level = self.level();
        let low = |bits: u32| (hash & ((1u64 << bits) - 1)) as usize;
        let wide = low(level + 1);
        if wide < self.buckets() { wide } else { low(level) }
    }

    /// How many low bits of the hash choose this bucket.
    fn bits_of(&self, index: usize) -> u32 {
        let level = self.level();
        let half = 1usize << level;
        let is_split = index >= half || index + half < self.buckets();
        level + u32::from(is_split)
    }

    fn bucket(&self, index: usize) -> &Bucket<E> {
        &self.segments[index / SEGMENT][index % SEGMENT]
    }

    fn bucket_mut(&mut self, index: usize) -> &mut Bucket<E> {
        &mut self.segments[index / SEGMENT][index % SEGMENT]
    }

    fn push(&mut self, index: usize, tag: u8, entry: E) {
        let bucket = self.bucket_mut(index);
        bucket.push(tag, entry);
        let len = bucket.entries.len() as u32;
        self.longest = len.max(self.longest);
    }

    fn find(&self, key: &[u8]) -> Option<(usize, usize)> {
        let hash = self.hash(key);
        let index = self.bucket_of(hash);
        let bucket = self.bucket(index);
        let wanted = tag(hash);
        let place = bucket.entries.iter().enumerate().position(|(place, entry)| {
            bucket.tags.get(place).is_none_or(|tag| *tag == wanted) && entry.key() == key
        })?;
        Some((index, place))
    }

    /// Splits the next bucket in order: entries whose next hash bit is set move to a new last bucket.
    fn split_next(&mut self) {
        let half = 1usize << self.level();
        let source = self.buckets() - half;
        let entries = std::mem::replace(self.bucket_mut(source), Bucket::empty()).entries;
        if self.buckets().is_multiple_of(SEGMENT) {
            self.segments.push(Vec::with_capacity(SEGMENT));
        }
        if let Some(segment) = self.segments.last_mut() {
            segment.push(Bucket::empty());
        }
        self.buckets += 1;
        let hashes: Vec<u64> = entries.iter().map(|entry| self.hash(entry.key())).collect();
        let moves = |hash: u64| hash & half as u64 != 0;
        let moving = hashes.iter().filter(|hash| moves(**hash)).count();
        let mut stay = Vec::with_capacity(entries.len() - moving);
        let mut go = Vec::with_capacity(moving);
        for (entry, hash) in entries.into_iter().zip(&hashes) {
            if moves(*hash) { go.push(entry) } else { stay.push(entry) }
        }
        let tags_of = |moved| hashes.iter().filter(move |hash| moves(**hash) == moved).map(|hash| tag(*hash));
        *self.bucket_mut(source) = Bucket::of(stay, tags_of(false));
        *self.bucket_mut(self.buckets() - 1) = Bucket::of(go, tags_of(true));
    }

    /// Undoes the last split.
    fn merge_last(&mut self) {
        let Some(bucket) = self.segments.last_mut().and_then(Vec::pop) else {
            return;
        };
        if self.segments.last().is_some_and(Vec::is_empty) {
            self.segments.pop();
        }
        self.buckets -= 1;
        let target = self.buckets() - (1usize << self.level());
        for entry in bucket.entries.into_vec() {
            let tag = tag(self.hash(entry.key()));
            self.push(target, tag, entry);
        }
    }
}

/// All entries, bucket by bucket.
#[derive(Debug, Clone)]
pub(crate) struct Iter<'a, E> {
    segments: slice::Iter<'a, Vec<Bucket<E>>>,
    buckets: slice::Iter<'a, Bucket<E>>,
    entries: slice::Iter<'a, E>,
}

impl<'a, E> Iterator for Iter<'a, E> {
    type Item = &'a E;

    fn next(&mut self) -> Option<&'a E> {
        loop {
            if let Some(entry) = self.entries.next() {
                return Some(entry);
            }
            match self.buckets.next() {
                Some(bucket) => self.entries = bucket.entries.iter(),
                None => self.buckets = self.segments.next()?.iter(),
            }
        }
    }
}

/// The top bits, which choose a bucket only in tables beyond 2^56 buckets.
fn tag(hash: u64) -> u8 {
    (hash >> 56) as u8
}

/// One step of the SplitMix64 generator.
fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
#[path = "dict_tests.rs"]
mod tests;
