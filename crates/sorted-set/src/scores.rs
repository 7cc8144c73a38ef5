//! The ascending scores of a leaf, each in as few bytes as the widest of them needs.
//!
//! ```text
//! width 0          every score is `base`
//! width 1, 2, 4    score = base + unsigned little-endian offset       integers that lie near to each other
//! width 8          the bits of the doubles                            everything else
//! ```
//!
//! Counters, ranks and times are integers, and neighbours in a sorted set differ by little: they take one to four bytes.
//! `base` lies so far below the smallest score that there is as much room below as above. The width shrinks only when the
//! scores are encoded anew.

use crate::score::Score;
use memory::size_class;
use number::as_integer;
use std::ops::Range;

const RAW: u8 = 8;

/// Ascending scores; see the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Scores {
    bytes: Box<[u8]>,
    base: i64,
    width: u8,
    count: u8,
}

impl Scores {
    pub(super) fn len(&self) -> usize {
        usize::from(self.count)
    }

    /// Bytes taken from the allocator.
    pub(super) fn heap(&self) -> usize {
        size_class(self.bytes.len())
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Score {
        let width = usize::from(self.width);
        let bytes = &self.bytes[index * width..(index + 1) * width];
        let value = match *bytes {
            [] => self.base as f64,
            [a] => (self.base + i64::from(a)) as f64,
            [a, b] => (self.base + i64::from(u16::from_le_bytes([a, b]))) as f64,
            [a, b, c, d] => (self.base + i64::from(u32::from_le_bytes([a, b, c, d]))) as f64,
            _ => f64::from_le_bytes(*bytes.first_chunk().expect("eight bytes")),
        };
        Score::new(value).expect("a score was stored")
    }

    /// How many scores from the first on pass the test; those behind them do not.
    #[inline]
    pub(super) fn partition_point(&self, mut test: impl FnMut(Score) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            if test(self.get(middle)) { low = middle + 1 } else { high = middle }
        }
        low
    }

    pub(super) fn insert(&mut self, index: usize, score: Score) {
        match self.offset(score) {
            Some(offset) => {
                let width = usize::from(self.width);
                let at = index * width;
                let mut bytes = std::mem::take(&mut self.bytes).into_vec();
                let len = bytes.len();
                bytes.reserve_exact(width);
                bytes.resize(len + width, 0);
                bytes.copy_within(at..len, at + width);
                bytes[at..at + width].copy_from_slice(&offset.to_le_bytes()[..width]);
                self.bytes = bytes.into_boxed_slice();
                self.count += 1;
            }
            None => {
                let mut all = self.all();
                all.insert(index, score);
                *self = Scores::of(&all);
            }
        }
    }

    /// Gives one of them another value, which stands in the same place of the order.
    pub(super) fn set(&mut self, index: usize, score: Score) {
        match self.offset(score) {
            Some(offset) => {
                let width = usize::from(self.width);
                self.bytes[index * width..(index + 1) * width]
                    .copy_from_slice(&offset.to_le_bytes()[..width]);
            }
            None => {
                let mut all = self.all();
                all[index] = score;
                *self = Scores::of(&all);
            }
        }
    }

    pub(super) fn remove(&mut self, range: Range<usize>) {
        let width = usize::from(self.width);
        let mut bytes = std::mem::take(&mut self.bytes).into_vec();
        bytes.drain(range.start * width..range.end * width);
        self.bytes = bytes.into_boxed_slice();
        self.count -= range.len() as u8;
        if self.count == 0 {
            *self = Scores::default();
        }
    }

    /// Takes out the scores from `index` on.
    pub(super) fn split_off(&mut self, index: usize) -> Scores {
        let all = self.all();
        *self = Scores::of(&all[..index]);
        Scores::of(&all[index..])
    }

    /// Adds scores behind its own.
    pub(super) fn append(&mut self, other: &Scores) {
        let mut all = self.all();
        all.extend(other.all());
        *self = Scores::of(&all);
    }

    fn all(&self) -> Vec<Score> {
        // Room for one more, which is what callers want it for.
        let mut all = Vec::with_capacity(self.len() + 1);
        all.extend((0..self.len()).map(|index| self.get(index)));
        all
    }

    /// What stands for a score in this encoding, if it can.
    fn offset(&self, score: Score) -> Option<u64> {
        if self.width == RAW {
            return Some(score.get().to_bits());
        }
        let offset = u64::try_from(exact(score)?.checked_sub(self.base)?).ok()?;
        (self.count > 0 && offset <= most(self.width)).then_some(offset)
    }

    fn of(scores: &[Score]) -> Scores {
        let integers: Option<Vec<i64>> = scores.iter().map(|score| exact(*score)).collect();
        let (base, width) = match integers.as_deref() {
            Some([]) => (0, 0),
            Some([min, .., max]) => base_and_width(*min, *max),
            Some([only]) => (*only, 0),
            None => (0, RAW),
        };
        let mut encoded = Scores { bytes: Box::default(), base, width, count: 0 };
        let width = usize::from(width);
        let mut bytes = Vec::with_capacity(scores.len() * width);
        for (index, score) in scores.iter().enumerate() {
            let word = match (encoded.width, &integers) {
                (RAW, _) | (_, None) => score.get().to_bits(),
                (_, Some(integers)) => integers[index].abs_diff(base),
            };
            bytes.extend_from_slice(&word.to_le_bytes()[..width]);
        }
        encoded.bytes = bytes.into_boxed_slice();
        encoded.count = u8::try_from(scores.len()).expect("leaves are small");
        encoded
    }
}

/// The integer that a score is, sign of zero included.
fn exact(score: Score) -> Option<i64> {
    let value = score.get();
    as_integer(value).filter(|integer| *integer != 0 || value.is_sign_positive())
}

/// The largest offset of a width.
fn most(width: u8) -> u64 {
    match width {
        0 => 0,
        1 => u8::MAX.into(),
        2 => u16::MAX.into(),
        _ => u32::MAX.into(),
    }
}

fn base_and_width(min: i64, max: i64) -> (i64, u8) {
    let span = max.abs_diff(min);
    match [0, 1, 2, 4].into_iter().find(|width| span <= most(*width)) {
        // Integers of scores end far above the smallest 64-bit integer.
        Some(width) => (min - ((most(width) - span) / 2) as i64, width),
        None => (0, RAW),
    }
}

#[cfg(test)]
#[path = "scores_tests.rs"]
mod tests;
