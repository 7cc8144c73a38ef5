//! The buckets of a linear hash table: how many there are, which one a hash chooses, and a scan that growth cannot
//! disturb. What a bucket holds is its own affair ([`Bucket`]).
//!
//! Buckets split and merge one at a time, in a fixed order, so no change touches more than two of them, however many
//! entries there are.
//!
//! ```text
//! n buckets, 2^level <= n < 2^(level+1), split = n - 2^level
//!
//!   0 … split-1        already split: level+1 low bits of the hash choose the bucket
//!   split … 2^level-1  not yet split: level low bits do
//!   2^level … n-1      the other halves of the split ones
//!
//! segments: [256 buckets] [256 buckets] [   …   ]          so adding a bucket never moves the others
//! ```
//!
//! **The scan** goes by the bits of a hash read backwards: a bucket that is chosen by `b` low bits covers one interval of
//! these reversed hashes, splits cut intervals and merges join neighbours. A cursor is a place in that order: an entry
//! that is there from start to end of a scan is visited, and none twice unless it was removed and added again.
//!
//! The hash is keyed ([`Hasher::of_process`]): nobody can choose texts that collide. If many collided all the same, all
//! operations would stay correct and only be slow.
//!
//! **Invariant:** an entry lies in the bucket that its hash chooses; `heap` is the sum of what the buckets own.

#![forbid(unsafe_code)]

pub mod rows;

use hashing::Hasher;

const SEGMENT: usize = 256;
/// Splits begin above this many entries a bucket on average. Buckets are packed, so long ones cost little time, and
/// each costs its header.
const GROW_LOAD: usize = 8;
/// Merges begin below this many. The gap avoids splitting and merging in turns.
const SHRINK_LOAD: usize = 3;
/// How many empty buckets one scan step passes for each entry asked for, so that a sparse table cannot make it long.
const SCAN_BUCKETS_PER_ENTRY: usize = 10;

/// A few entries whose hashes share their low bits.
pub trait Bucket: Default {
    /// Takes out the entries whose hash has this bit.
    fn split(&mut self, bit: u64, hasher: Hasher) -> Self;
    /// Takes in the entries of another bucket.
    fn absorb(&mut self, other: Self);
    /// Bytes taken from the allocator.
    fn heap(&self) -> usize;
}

/// The buckets of a table; see the module.
#[derive(Debug)]
pub struct Buckets<B> {
    segments: Vec<Vec<B>>,
    count: usize,
    heap: usize,
    hasher: Hasher,
}

/// A copy's vectors have no room to spare, so it takes less.
impl<B: Bucket + Clone> Clone for Buckets<B> {
    fn clone(&self) -> Self {
        let segments = self.segments.clone();
        let heap = segments.iter().flatten().map(B::heap).sum();
        Buckets { segments, heap, ..*self }
    }
}

impl<B: Bucket> Default for Buckets<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Bucket> Buckets<B> {
    /// One empty bucket.
    pub fn new() -> Self {
        Self::with_hasher(Hasher::of_process())
    }

    /// One empty bucket; entries are placed by the hashes of this hasher.
    pub fn with_hasher(hasher: Hasher) -> Self {
        Buckets { segments: vec![vec![B::default()]], count: 1, heap: 0, hasher }
    }

    /// How many buckets there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Bytes taken from the allocator.
    pub fn memory(&self) -> usize {
        let segments = self.segments.iter().map(Vec::capacity);
        let slots = match self.segments.len() {
            1 => segments.sum(),
            many => many * SEGMENT,
        };
        self.heap + self.segments.capacity() * size_of::<Vec<B>>() + slots * size_of::<B>()
    }

    /// The hash by which a text is placed.
    pub fn hash(&self, text: &[u8]) -> u64 {
        self.hasher.hash(text)
    }

    /// The number of the bucket that a hash chooses.
    pub fn number(&self, hash: u64) -> usize {
        let level = self.level();
        let low = |bits: u32| (hash & ((1u64 << bits) - 1)) as usize;
        let wide = low(level + 1);
        if wide < self.count { wide } else { low(level) }
    }

    /// A bucket by its number, which is below [`Buckets::count`].
    pub fn get(&self, number: usize) -> &B {
        &self.segments[number / SEGMENT][number % SEGMENT]
    }

    /// The buckets in order.
    pub fn iter(&self) -> Iter<'_, B> {
        self.segments.iter().flatten()
    }

    /// Changes a bucket.
    pub fn change<R>(&mut self, number: usize, change: impl FnOnce(&mut B) -> R) -> R {
        let bucket = &mut self.segments[number / SEGMENT][number % SEGMENT];
        let before = bucket.heap();
        let result = change(bucket);
        self.heap = self.heap - before + bucket.heap();
        result
    }

    /// Splits or merges one bucket if the table of `len` entries calls for it.
    #[inline]
    pub fn balance(&mut self, len: usize) {
        if len > self.count * GROW_LOAD {
            self.split_next();
        } else if self.count > 1 && len < self.count * SHRINK_LOAD {
            self.merge_last();
        }
    }

    /// Shows buckets from `cursor` on until about `count` entries were visited, and returns the next cursor, 0 when the
    /// scan is complete. `visit` gets a bucket and a test by hash for its entries, and says how many passed it.
    pub fn scan(
        &self,
        cursor: u64,
        count: usize,
        mut visit: impl FnMut(&B, &dyn Fn(u64) -> bool) -> usize,
    ) -> u64 {
        let mut cursor = cursor;
        let mut visited = 0;
        for _ in 0..count.max(1).saturating_mul(SCAN_BUCKETS_PER_ENTRY) {
            let number = self.number(cursor);
            let place = cursor.reverse_bits();
            let start = (number as u64).reverse_bits();
            visited += visit(self.get(number), &|hash| place <= start || hash.reverse_bits() >= place);
            let width = 1u64.checked_shl(u64::BITS - self.bits_of(number)).unwrap_or(0);
            cursor = start.wrapping_add(width).reverse_bits();
            if cursor == 0 || visited >= count {
                break;
            }
        }
        cursor
    }

    fn level(&self) -> u32 {
        self.count.ilog2()
    }

    /// How many low bits of the hash choose this bucket.
    fn bits_of(&self, number: usize) -> u32 {
        let level = self.level();
        let half = 1usize << level;
        let is_split = number >= half || number + half < self.count;
        level + u32::from(is_split)
    }

    /// Splits the next bucket in order: entries whose next hash bit is set move to a new last bucket.
    fn split_next(&mut self) {
        let half = 1usize << self.level();
        let source = self.count - half;
        let hasher = self.hasher;
        let other = self.change(source, |bucket| bucket.split(half as u64, hasher));
        self.heap += other.heap();
        if self.count.is_multiple_of(SEGMENT) {
            self.segments.push(Vec::with_capacity(SEGMENT));
        }
        if let Some(segment) = self.segments.last_mut() {
            segment.push(other);
        }
        self.count += 1;
    }

    /// Undoes the last split.
    fn merge_last(&mut self) {
        let Some(bucket) = self.segments.last_mut().and_then(Vec::pop) else { return };
        if self.segments.last().is_some_and(Vec::is_empty) {
            self.segments.pop();
            shrink(&mut self.segments);
        }
        if let [only] = &mut self.segments[..] {
            shrink(only);
        }
        self.count -= 1;
        self.heap -= bucket.heap();
        let target = self.count - (1usize << self.level());
        self.change(target, |into| into.absorb(bucket));
    }
}

/// All buckets in order.
pub type Iter<'a, B> = std::iter::Flatten<std::slice::Iter<'a, Vec<B>>>;

/// Gives half of the memory back if three quarters are unused.
pub fn shrink<T>(row: &mut Vec<T>) {
    if row.len() < row.capacity() / 4 {
        row.shrink_to(row.capacity() / 2);
    }
}

/// A number below `bound` from a random number, all with the same probability.
pub fn below(random: u64, bound: usize) -> usize {
    ((u128::from(random) * bound as u128) >> 64) as usize
}

/// One step of the SplitMix64 generator.
pub fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
