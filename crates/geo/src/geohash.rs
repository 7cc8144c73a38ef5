//! Geohashes: positions as numbers, areas as ranges of numbers.

use crate::position::{LATITUDES, LONGITUDES, Position, Span};
use crate::search::Area;

/// How often longitude and latitude are halved at most.
pub(crate) const MOST_STEPS: u32 = 26;
/// The bits of a position.
const BITS: u32 = 2 * MOST_STEPS;

/// The length of a geohash as text.
pub const TEXT_LEN: usize = 11;
/// Five bits are a letter: the digits and letters but `a`, `i`, `l` and `o`.
const LETTERS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
const BITS_A_LETTER: u32 = 5;
/// The latitudes of geohashes as text: all there are.
const ALL_LATITUDES: Span = Span { min: -90.0, max: 90.0 };

/// A position, or an area that has fewer bits.
///
/// A position on the eastern or northern edge of the map has an index beyond the last one, so its number has a bit more. It lies in no
/// area but its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geohash {
    bits: u64,
    /// Bits for each of longitude and latitude, at most [`MOST_STEPS`].
    steps: u32,
}

/// The edges of an area.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Edges {
    pub(crate) longitude: Span,
    pub(crate) latitude: Span,
}

impl Geohash {
    /// The geohash of a position.
    pub fn of(position: Position) -> Geohash {
        Geohash::with_steps(position, MOST_STEPS)
    }

    /// The area of a position that so many steps lead to.
    pub(crate) fn with_steps(position: Position, steps: u32) -> Geohash {
        let bits = interleave(
            index(position.latitude, LATITUDES, steps),
            index(position.longitude, LONGITUDES, steps),
        );
        Geohash { bits, steps }
    }

    /// The position that a score of a sorted set stands for. Any score stands for one: its fraction does not count, and what has more bits
    /// than a position is cut or lies on an edge, as a processor converts it.
    pub fn of_score(score: f64) -> Geohash {
        Geohash { bits: to_u64(score), steps: MOST_STEPS }
    }

    /// The number.
    pub fn bits(self) -> u64 {
        self.bits
    }

    /// The position in the middle.
    #[inline]
    pub fn position(self) -> Position {
        let Edges { longitude, latitude } = self.edges();
        let middle = |edges: Span, all: Span| ((edges.min + edges.max) / 2.0).clamp(all.min, all.max);
        Position { longitude: middle(longitude, LONGITUDES), latitude: middle(latitude, LATITUDES) }
    }

    #[inline]
    pub(crate) fn edges(self) -> Edges {
        let (latitude, longitude) = deinterleave(self.bits);
        let edges = |index: u32, all: Span| {
            // A power of two: multiplying by it is as exact as dividing.
            let part = 1.0 / (1u64 << self.steps) as f64;
            let edge = |index: u32| all.min + (f64::from(index) * part) * (all.max - all.min);
            Span { min: edge(index), max: edge(index.wrapping_add(1)) }
        };
        Edges { longitude: edges(longitude, LONGITUDES), latitude: edges(latitude, LATITUDES) }
    }

    /// The area so many areas to the east and to the north, -1, 0 or 1 each. Behind the last one comes the first.
    pub(crate) fn moved(self, east: i32, north: i32) -> Geohash {
        let last = u32::MAX >> (u32::BITS - self.steps);
        let moved = |index: u32, by: i32| if by == 0 { index } else { index.wrapping_add_signed(by) & last };
        let (latitude, longitude) = deinterleave(self.bits);
        Geohash { bits: interleave(moved(latitude, north), moved(longitude, east)), steps: self.steps }
    }

    /// The numbers of all positions in it.
    pub(crate) fn area(self) -> Area {
        let left = BITS - 2 * self.steps;
        Area { start: self.bits << left, end: (self.bits + 1) << left }
    }

    /// The position as text, as other software writes geohashes. The last letter would have bits that a position does not have: it is
    /// always `0`.
    pub fn text(self) -> [u8; TEXT_LEN] {
        let Position { longitude, latitude } = self.position();
        let bits =
            interleave(index(latitude, ALL_LATITUDES, MOST_STEPS), index(longitude, LONGITUDES, MOST_STEPS));
        let mut text = [LETTERS[0]; TEXT_LEN];
        for (at, letter) in text.iter_mut().take(TEXT_LEN - 1).enumerate() {
            let shift = BITS - (at as u32 + 1) * BITS_A_LETTER;
            *letter = LETTERS[(bits >> shift) as usize % LETTERS.len()];
        }
        text
    }
}

/// Which of 2^steps equal parts a value lies in; the end belongs to a part of its own.
fn index(value: f64, all: Span, steps: u32) -> u32 {
    ((value - all.min) / (all.max - all.min) * (1u64 << steps) as f64) as u32
}

/// The bits of `even` at even places, those of `odd` between them.
fn interleave(even: u32, odd: u32) -> u64 {
    spread(even) | spread(odd) << 1
}

/// The bits at even places, and those between them.
#[inline]
fn deinterleave(bits: u64) -> (u32, u32) {
    (gather(bits), gather(bits >> 1))
}

/// Halves, quarters, … of the word are drawn apart until there is a gap behind each bit.
fn spread(value: u32) -> u64 {
    let mut bits = u64::from(value);
    for (shift, kept) in STAGES.into_iter().rev() {
        bits = (bits | bits << shift) & kept;
    }
    bits
}

/// [`spread`] backwards.
#[inline]
fn gather(bits: u64) -> u32 {
    let mut value = bits & STAGES[0].1;
    for (at, (shift, _)) in STAGES.iter().enumerate() {
        let kept = STAGES.get(at + 1).map_or(u64::from(u32::MAX), |(_, kept)| *kept);
        value = (value | value >> shift) & kept;
    }
    value as u32
}

/// How far groups of bits are apart, and where they are then: single bits, two, four, eight, sixteen.
const STAGES: [(u32, u64); 5] = [
    (1, 0x5555_5555_5555_5555),
    (2, 0x3333_3333_3333_3333),
    (4, 0x0f0f_0f0f_0f0f_0f0f),
    (8, 0x00ff_00ff_00ff_00ff),
    (16, 0x0000_ffff_0000_ffff),
];

/// As x86 converts a double to 64 bits without a sign: what is below zero has the bits of the negative integer, and what is too large
/// comes to zero, or to 2^63 if it is too far below zero.
#[inline]
fn to_u64(value: f64) -> u64 {
    const TOP: u64 = 1 << 63;
    let signed = |value: f64| {
        let fits = (-(TOP as f64)..TOP as f64).contains(&value);
        if fits { value as i64 as u64 } else { TOP }
    };
    if value >= TOP as f64 { signed(value - TOP as f64) ^ TOP } else { signed(value) }
}

#[cfg(test)]
#[path = "geohash_tests.rs"]
mod tests;
