//! Registers as runs of equal ones.
//!
//! ```text
//!   00xxxxxx            zeros: x + 1 registers, up to 64
//!   01xxxxxx yyyyyyyy   zeros: xy + 1 registers, up to 16,384
//!   1vvvvvxx            x + 1 registers, up to 4, of the count v + 1, up to 32
//! ```
//!
//! Raising one register splits the run that it is in: into what is before, itself, what is behind. Afterwards equal
//! neighbours around it are joined. Servers must split and join alike, for DUMP, GET and replicas show the bytes.

use super::{Corrupted, ENCODING_AT, HEADER_BYTES, REGISTERS};
use std::fmt::Write;
use std::ops::Range;

const LONG_ZEROS: u8 = 0x40;
const COUNTS: u8 = 0x80;
const ZEROS_MAX: usize = 64;
const LONG_ZEROS_MAX: usize = REGISTERS;
const COUNTS_MAX: usize = 4;
/// The largest count that a run has.
const COUNT_MAX: u8 = 32;
/// How many runs are looked at for equal neighbours: as many as a register that is raised can have changed.
const JOINED_RUNS: usize = 5;
/// A run is split into three at most, of two bytes each at most, but for the raised one.
const SPLIT_BYTES: usize = 5;

/// One run as it is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    Zeros(usize),
    LongZeros(usize),
    Counts { count: u8, len: usize },
}

impl Run {
    /// The run that these bytes begin with.
    #[inline]
    fn decode(bytes: &[u8]) -> Option<Run> {
        let first = *bytes.first()?;
        let run = if first & COUNTS != 0 {
            Run::Counts { count: (first >> 2 & 0x1f) + 1, len: usize::from(first & 0x3) + 1 }
        } else if first & LONG_ZEROS != 0 {
            // Where the second byte is cut off, servers read the zero that ends their strings.
            let second = bytes.get(1).copied().unwrap_or(0);
            Run::LongZeros((usize::from(first & 0x3f) << 8 | usize::from(second)) + 1)
        } else {
            Run::Zeros(usize::from(first) + 1)
        };
        Some(run)
    }

    /// A run of zeros in its shortest form.
    fn of_zeros(len: usize) -> Run {
        if len > ZEROS_MAX { Run::LongZeros(len) } else { Run::Zeros(len) }
    }

    #[inline]
    fn len(self) -> usize {
        match self {
            Run::Zeros(len) | Run::LongZeros(len) | Run::Counts { len, .. } => len,
        }
    }

    #[inline]
    fn bytes(self) -> usize {
        if matches!(self, Run::LongZeros(_)) { 2 } else { 1 }
    }

    fn count(self) -> u8 {
        match self {
            Run::Zeros(_) | Run::LongZeros(_) => 0,
            Run::Counts { count, .. } => count,
        }
    }

    /// The same with another length.
    fn with_len(self, len: usize) -> Run {
        match self {
            Run::Zeros(_) | Run::LongZeros(_) => Run::of_zeros(len),
            Run::Counts { count, .. } => Run::Counts { count, len },
        }
    }

    fn encode(self) -> ([u8; 2], usize) {
        match self {
            Run::Zeros(len) => ([len as u8 - 1, 0], 1),
            Run::LongZeros(len) => ([LONG_ZEROS | ((len - 1) >> 8) as u8, (len - 1) as u8], 2),
            Run::Counts { count, len } => ([COUNTS | (count - 1) << 2 | (len as u8 - 1), 0], 1),
        }
    }
}

/// Runs of an empty one.
pub(super) fn put_empty(bytes: &mut Vec<u8>) {
    let (code, len) = Run::LongZeros(LONG_ZEROS_MAX).encode();
    bytes.extend_from_slice(&code[..len]);
}

/// The runs of a sparse one: registers, and the count that all of them have. An error where they are not all registers.
pub(super) fn runs(bytes: &[u8]) -> impl Iterator<Item = Result<(Range<usize>, u8), Corrupted>> {
    debug_assert_eq!(bytes[ENCODING_AT], 1, "a dense one has no runs");
    let (mut at, mut first, mut failed) = (HEADER_BYTES, 0, false);
    std::iter::from_fn(move || {
        if failed || (at >= bytes.len() && first == REGISTERS) {
            return None;
        }
        let run = bytes.get(at..).and_then(Run::decode).filter(|run| first + run.len() <= REGISTERS);
        let Some(run) = run else {
            failed = true;
            return Some(Err(Corrupted));
        };
        at += run.bytes();
        let registers = first..first + run.len();
        first = registers.end;
        Some(Ok((registers, run.count())))
    })
}

/// The runs in words.
pub(super) fn describe(bytes: &[u8]) -> Result<String, Corrupted> {
    let mut text = String::new();
    let mut at = HEADER_BYTES;
    while at < bytes.len() {
        let run = Run::decode(&bytes[at..]).ok_or(Corrupted)?;
        at += run.bytes();
        let space = if at < bytes.len() { " " } else { "" };
        let written = match run {
            Run::Zeros(len) => write!(text, "z:{len}{space}"),
            Run::LongZeros(len) => write!(text, "Z:{len}{space}"),
            Run::Counts { count, len } => write!(text, "v:{count},{len}{space}"),
        };
        written.expect("a String takes everything");
    }
    Ok(text)
}

/// A run: where it begins, and its first register.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    at: usize,
    first: usize,
}

impl Place {
    pub(super) fn begin() -> Place {
        Place { at: HEADER_BYTES, first: 0 }
    }
}

/// The run that a register is in, and the two before it.
struct Found {
    run: Run,
    place: Place,
    before: Place,
    before_that: Place,
}

/// Looks for a register from a run on that is before it.
fn find(bytes: &[u8], index: usize, from: Place) -> Result<Found, Corrupted> {
    let (mut place, mut before, mut before_that) = (from, from, from);
    loop {
        let run = bytes.get(place.at..).and_then(Run::decode).ok_or(Corrupted)?;
        if index < place.first + run.len() {
            return Ok(Found { run, place, before, before_that });
        }
        (before_that, before) = (before, place);
        place = Place { at: place.at + run.bytes(), first: place.first + run.len() };
    }
}

/// Raises a register. Returns whether it was lower, or `None` if it cannot be done in this encoding: the count is too large for a
/// run, or all would take more than `max_bytes`.
///
/// Looks for it from the run `from` on, and leaves there from where to look for the next register: what a raise joins begins
/// at the run before its own, so the one before that stays where it is.
pub(super) fn raise(
    bytes: &mut Vec<u8>,
    index: usize,
    count: u8,
    max_bytes: usize,
    from: &mut Place,
) -> Result<Option<bool>, Corrupted> {
    if count > COUNT_MAX {
        return Ok(None);
    }
    let Found { run, place: Place { at, first }, before, before_that } = find(bytes, index, *from)?;
    *from = before_that;
    if run.count() >= count {
        return Ok(Some(false));
    }
    let mut split = [0; SPLIT_BYTES];
    let mut len = 0;
    let mut put = |run: Run| {
        let (code, bytes) = run.encode();
        split[len..len + bytes].copy_from_slice(&code[..bytes]);
        len += bytes;
    };
    let end = first + run.len();
    if index > first {
        put(run.with_len(index - first));
    }
    put(Run::Counts { count, len: 1 });
    if index + 1 < end {
        put(run.with_len(end - index - 1));
    }
    let more = len.saturating_sub(run.bytes());
    if more > 0 && bytes.len() + more > max_bytes {
        return Ok(None);
    }
    let end = bytes.len().min(at + run.bytes());
    replace(bytes, at..end, &split[..len]);
    join(bytes, before.at);
    Ok(Some(true))
}

/// Puts other bytes in place of some.
fn replace(bytes: &mut Vec<u8>, old: Range<usize>, new: &[u8]) {
    let (len, end) = (bytes.len(), old.start + new.len());
    if end > old.end {
        bytes.resize(len + end - old.end, 0);
    }
    bytes.copy_within(old.end..len, end);
    if end < old.end {
        bytes.truncate(len + end - old.end);
    }
    bytes[old.start..end].copy_from_slice(new);
}

/// Joins runs of the same count that are neighbours, from this one on.
fn join(bytes: &mut Vec<u8>, from: usize) {
    let mut at = from;
    for _ in 0..JOINED_RUNS {
        let Some(run) = bytes.get(at..).and_then(Run::decode) else { return };
        let next = bytes.get(at + 1..).and_then(Run::decode);
        match (run, next) {
            (Run::Counts { count, len }, Some(Run::Counts { count: other, len: more }))
                if count == other && len + more <= COUNTS_MAX =>
            {
                let (code, _) = Run::Counts { count, len: len + more }.encode();
                bytes[at + 1] = code[0];
                bytes.remove(at);
            }
            _ => at += run.bytes(),
        }
    }
}
