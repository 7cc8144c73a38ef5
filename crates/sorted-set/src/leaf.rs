//! A leaf of the tree: up to 64 members with their scores, in order.

use crate::score::Score;
use crate::scores::Scores;
use linear::rows::{At, Rows};
use std::cmp::Ordering;
use std::ops::Range;

/// More members than this are split.
pub(super) const MOST_MEMBERS: usize = 64;
/// More bytes of members than this are split: changes copy half of them.
const MOST_BYTES: usize = 4096;

/// No node.
pub(super) const NONE: u32 = u32::MAX;

/// A leaf; see the module.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    rows: Rows,
    scores: Scores,
    /// The inner node above, [`NONE`] for the root.
    pub(super) parent: u32,
}

// One cache line.
const _: () = assert!(size_of::<Option<Leaf>>() == 64);

impl Leaf {
    pub(super) fn new() -> Self {
        Leaf { rows: Rows::default(), scores: Scores::default(), parent: NONE }
    }

    pub(super) fn len(&self) -> usize {
        self.scores.len()
    }

    /// Bytes taken from the allocator.
    pub(super) fn heap(&self) -> usize {
        self.rows.heap() + self.scores.heap()
    }

    /// Whether it must be split.
    pub(super) fn is_full(&self) -> bool {
        self.len() > MOST_MEMBERS || (self.rows.packed_len() > MOST_BYTES && self.len() > 1)
    }

    /// Whether it should be merged with another.
    pub(super) fn is_sparse(&self) -> bool {
        self.len() < MOST_MEMBERS / 4 && self.rows.packed_len() < MOST_BYTES / 4
    }

    /// Whether both together leave room for a quarter more.
    pub(super) fn fits_with(&self, other: &Leaf) -> bool {
        self.len() + other.len() <= MOST_MEMBERS * 3 / 4
            && self.rows.packed_len() + other.rows.packed_len() <= MOST_BYTES * 3 / 4
    }

    /// The smallest score; 0 if it is empty.
    pub(super) fn low(&self) -> Score {
        if self.len() == 0 { Score::ZERO } else { self.scores.get(0) }
    }

    #[inline]
    pub(super) fn score(&self, index: usize) -> Score {
        self.scores.get(index)
    }

    pub(super) fn scores(&self) -> &Scores {
        &self.scores
    }

    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }

    pub(super) fn member(&self, index: usize) -> &[u8] {
        self.rows.get(index).unwrap_or_default()
    }

    /// The number of a member, whatever its score.
    #[inline]
    pub(super) fn find(&self, member: &[u8]) -> Option<usize> {
        self.rows.find(member).map(|(index, _)| index)
    }

    /// How the member with this number compares with another.
    pub(super) fn compare(&self, index: usize, score: Score, member: &[u8]) -> Ordering {
        self.score(index).cmp(&score).then_with(|| self.member(index).cmp(member))
    }

    /// Adds a member that is not there where it belongs; its number.
    pub(super) fn insert(&mut self, score: Score, member: &[u8]) -> usize {
        let mut index = self.scores.partition_point(|other| other < score);
        let mut at = self.rows.seek(index);
        while index < self.len() && self.score(index) == score && self.rows.text(at) < member {
            at = self.rows.after(at);
            index += 1;
        }
        self.rows.insert(at, member);
        self.scores.insert(index, score);
        index
    }

    /// Gives a member another score, which leaves it in its place.
    pub(super) fn set_score(&mut self, index: usize, score: Score) {
        self.scores.set(index, score);
    }

    pub(super) fn remove(&mut self, range: Range<usize>) {
        let from = self.rows.seek(range.start);
        let mut until = from;
        for _ in range.clone() {
            until = self.rows.after(until);
        }
        self.rows.remove(from, until);
        self.scores.remove(range);
    }

    /// Takes out the members from this number on; the new leaf has no parent yet.
    pub(super) fn split_off(&mut self, index: usize) -> Leaf {
        let at = self.rows.seek(index);
        Leaf { rows: self.rows.split_off(at), scores: self.scores.split_off(index), parent: NONE }
    }

    /// Adds the members of another, which all come behind its own.
    pub(super) fn append(&mut self, other: Leaf) {
        self.rows.append(other.rows);
        self.scores.append(&other.scores);
    }

    /// Where each member begins, in order.
    pub(super) fn places(&self, places: &mut Vec<At>) {
        places.clear();
        let mut at = At::default();
        for _ in 0..self.len() {
            places.push(at);
            at = self.rows.after(at);
        }
    }
}
