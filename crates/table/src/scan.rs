//! Walking a table by cursor, and picking random entries.
//!
//! A cursor is a position in hash order: the top 48 bits of a hash. `scan` emits the elements whose hash lies in
//! [cursor, next), where `next` is the start of a home bucket. Ranges in hash order do not depend on the number of
//! buckets, so an element that stays is emitted exactly once, whatever grows or shrinks between the calls. Only when
//! the cursor falls inside a home bucket (the array was rebuilt since) that bucket's keys are hashed again.

use crate::Hasher;
use crate::bucket::Element;
use crate::entry::{Entry, EntryMut};
use crate::layout::Block;
use crate::span::{Place, Span};
use crate::table::{Table, TableMut};

pub(crate) const CURSOR_BITS: u32 = 48;
/// Random cells tried before the next occupied one is taken.
const SAMPLE_TRIES: u32 = 32;

impl TableMut<'_> {
    /// Emits elements from the cursor on, whole home buckets, until at least `min_elements` were emitted. Starts at
    /// 0; returns the next cursor, 0 when the table is done. Cursors are below 2^48.
    pub fn scan(
        &self,
        hasher: &Hasher,
        cursor: u64,
        min_elements: usize,
        mut f: impl FnMut(Entry<'_>),
    ) -> u64 {
        self.table.scan(
            hasher,
            cursor,
            min_elements,
            |_| true,
            |block| {
                // SAFETY: the borrow of `self` keeps changes away.
                f(unsafe { Entry::new(block) })
            },
        )
    }

    /// As [`TableMut::scan`], with entries for changes that keep their place.
    pub fn scan_mut(
        &mut self,
        hasher: &Hasher,
        cursor: u64,
        min_elements: usize,
        mut f: impl FnMut(EntryMut<'_>),
    ) -> u64 {
        self.table.scan(
            hasher,
            cursor,
            min_elements,
            |_| true,
            |block| {
                // SAFETY: the borrow of `self` keeps others away, and each element comes once.
                f(unsafe { EntryMut::new(block) })
            },
        )
    }

    /// As [`TableMut::scan`], for keys with an expiry only; entries of others are not touched. `min_elements` counts
    /// the elements passed, emitted or not, so that a call's work is bounded.
    pub fn scan_volatile(
        &self,
        hasher: &Hasher,
        cursor: u64,
        min_elements: usize,
        mut f: impl FnMut(Entry<'_>),
    ) -> u64 {
        if self.volatile_len() == 0 {
            return 0;
        }
        self.table.scan(
            hasher,
            cursor,
            min_elements,
            |element| element.volatile,
            |block| {
                // SAFETY: the borrow of `self` keeps changes away.
                f(unsafe { Entry::new(block) })
            },
        )
    }

    /// A random entry, every one about equally likely; `random` are 64 random bits.
    pub fn sample(&self, random: u64) -> Option<Entry<'_>> {
        if self.is_empty() {
            return None;
        }
        let block = self.table.sample(random, |_| true, |counts| counts.len)?;
        // SAFETY: the borrow of `self` keeps changes away.
        Some(unsafe { Entry::new(block) })
    }

    /// A random entry among those with an expiry; `random` are 64 random bits.
    pub fn sample_volatile(&self, random: u64) -> Option<Entry<'_>> {
        if self.volatile_len() == 0 {
            return None;
        }
        let block = self.table.sample(random, |element| element.volatile, |counts| counts.volatile)?;
        // SAFETY: the borrow of `self` keeps changes away.
        Some(unsafe { Entry::new(block) })
    }
}

impl Table {
    fn scan(
        &self,
        hasher: &Hasher,
        cursor: u64,
        min_elements: usize,
        wanted: impl Fn(Element) -> bool,
        mut emit: impl FnMut(Block),
    ) -> u64 {
        let mut from = cursor << (64 - CURSOR_BITS);
        let mut passed = 0;
        while let Some(span) = self.span(from) {
            let first = span.home(from);
            for home in first..span.homes() {
                let inside = home == first && span.home_start(home) != from;
                passed += each_in_home(span, home, |_, element| {
                    if !wanted(element) {
                        return;
                    }
                    // SAFETY: cells hold live entries.
                    if inside && hasher.hash(unsafe { element.block.key().as_ref() }) < from {
                        return;
                    }
                    emit(element.block);
                });
                if passed >= min_elements.max(1) {
                    return span.home_start(home + 1) >> (64 - CURSOR_BITS);
                }
            }
            from = span.end();
            if from == 0 {
                break;
            }
        }
        0
    }

    fn sample(
        &self,
        random: u64,
        wanted: impl Fn(Element) -> bool,
        count: impl Fn(crate::directory::Counts) -> u32,
    ) -> Option<Block> {
        let mut state = random;
        let mut last = 0;
        for _ in 0..SAMPLE_TRIES {
            last = next_random(&mut state);
            let span = self.span(last)?;
            let cell = next_random(&mut state);
            let cell = ((u128::from(cell) * span.capacity() as u128) >> 64) as u32;
            let bucket = span.bucket(cell / 7);
            if let Some(element) =
                bucket.occupied().find(|&i| i as u32 == cell % 7).map(|i| bucket.element(i))
                && wanted(element)
            {
                return Some(element.block);
            }
        }
        // Few are wanted: take the next in hash order, spans without any skipped by their counts.
        let start = self.span(last)?;
        let skip = ((u128::from(next_random(&mut state)) * u128::from(start.buckets)) >> 64) as u32;
        let mut span = start;
        let mut skip = skip;
        loop {
            if count(self.span_counts(span)) > 0 {
                let mut places = span
                    .places()
                    .map(|place| (place, span.bucket(place.bucket).element(place.cell as usize)));
                let mut before = None;
                let found = places.find(|&(place, element)| {
                    let found = wanted(element);
                    if found && place.bucket < skip && before.is_none() {
                        before = Some(element);
                    }
                    found && place.bucket >= skip
                });
                if let Some(element) = found.map(|(_, element)| element).or(before) {
                    return Some(element.block);
                }
            }
            skip = 0;
            span = self.span(span.end())?;
            if span.prefix == start.prefix {
                return None;
            }
        }
    }
}

/// Emits the elements of one home bucket with the places where they lie; returns how many.
#[inline]
pub(crate) fn each_in_home(span: Span, home: u32, mut emit: impl FnMut(Place, Element)) -> usize {
    let mut emitted = 0;
    for index in home..span.buckets {
        let bucket = span.bucket(index);
        for cell in bucket.occupied() {
            let element = bucket.element(cell);
            if span.home_of(element.window) == home {
                emit(Place { bucket: index, cell: cell as u32 }, element);
                emitted += 1;
            }
        }
        if !bucket.overflows() {
            break;
        }
    }
    emitted
}

/// SplitMix64.
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}
