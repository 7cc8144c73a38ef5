//! Scores, and ranges of scores and of members.

use std::cmp::Ordering;
use std::ops::Bound;

/// The score of a member: any double but NaN. −0 equals 0.
#[derive(Debug, Clone, Copy)]
pub struct Score(f64);

impl Score {
    /// Zero.
    pub const ZERO: Score = Score(0.0);

    /// A score, unless the value is NaN.
    pub fn new(value: f64) -> Option<Score> {
        (!value.is_nan()).then_some(Score(value))
    }

    /// The value.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl From<i32> for Score {
    fn from(value: i32) -> Score {
        Score(value.into())
    }
}

impl PartialEq for Score {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.partial_cmp(&other.0).expect("no score is NaN")
    }
}

/// A range of scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoreRange {
    /// The lower end.
    pub min: Bound<Score>,
    /// The upper end.
    pub max: Bound<Score>,
}

impl ScoreRange {
    /// Whether a score lies below the range.
    pub fn is_below(&self, score: Score) -> bool {
        match self.min {
            Bound::Included(min) => score < min,
            Bound::Excluded(min) => score <= min,
            Bound::Unbounded => false,
        }
    }

    /// Whether a score lies above the range.
    pub fn is_above(&self, score: Score) -> bool {
        match self.max {
            Bound::Included(max) => score > max,
            Bound::Excluded(max) => score >= max,
            Bound::Unbounded => false,
        }
    }
}

/// One end of a range of members, in the order of their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// `-`: before all members.
    Lowest,
    /// `+`: after all members.
    Highest,
    /// `[`: this text, which belongs to the range.
    Included(&'a [u8]),
    /// `(`: this text, which does not.
    Excluded(&'a [u8]),
}

/// A range of members whose scores are equal, by their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LexRange<'a> {
    /// The lower end.
    pub min: LexBound<'a>,
    /// The upper end.
    pub max: LexBound<'a>,
}

impl LexRange<'_> {
    /// Whether a member lies below the range.
    pub fn is_below(&self, member: &[u8]) -> bool {
        match self.min {
            LexBound::Lowest => false,
            LexBound::Highest => true,
            LexBound::Included(min) => member < min,
            LexBound::Excluded(min) => member <= min,
        }
    }

    /// Whether a member lies above the range.
    pub fn is_above(&self, member: &[u8]) -> bool {
        match self.max {
            LexBound::Lowest => true,
            LexBound::Highest => false,
            LexBound::Included(max) => member > max,
            LexBound::Excluded(max) => member >= max,
        }
    }
}
