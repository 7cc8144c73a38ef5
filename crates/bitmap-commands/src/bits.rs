//! What is done to the bits of many bytes at once.
//!
//! The loops are over words side by side, in a form that compilers turn into vector instructions. Counting adds the words
//! up bit by bit before it counts: a carry-save adder takes three words of weight one to a sum of weight one and a carry
//! of weight two, so that of 16 words only one is counted.

use std::ops::Range;

/// Words that are handled side by side.
const LANES: usize = 4;
/// Words of each lane that are added up before one is counted.
const ADDED: usize = 16;
const WORD_BYTES: usize = size_of::<u64>();
const BLOCK_BYTES: usize = ADDED * LANES * WORD_BYTES;
/// Bytes that are compared at once in a search.
const SEARCHED_BYTES: usize = 64;
/// Bytes of the result that are made at once: they stay in the first cache while all sources are added to them.
const COMBINED_BYTES: usize = 16 << 10;

type Lanes = [u64; LANES];

/// How many of these bits are set.
pub(super) fn count(bytes: &[u8], bits: Range<usize>) -> u64 {
    let Some((edges, whole)) = split(bytes, bits) else { return 0 };
    let edges: u32 = edges.iter().flatten().map(|edge| (edge.byte & edge.mask).count_ones()).sum();
    u64::from(edges) + count_all(&bytes[whole])
}

/// The first of these bits that is set, or that is clear.
pub(super) fn position(bytes: &[u8], bits: Range<usize>, set: bool) -> Option<usize> {
    let ([first, last], whole) = split(bytes, bits)?;
    let in_edge = |edge: Option<Edge>| {
        let edge = edge?;
        let wanted = if set { edge.byte } else { !edge.byte } & edge.mask;
        (wanted != 0).then(|| edge.at * 8 + wanted.leading_zeros() as usize)
    };
    let in_whole = || {
        let at = whole.start + unlike(&bytes[whole.clone()], if set { 0 } else { 0xff })?;
        let wanted = if set { bytes[at] } else { !bytes[at] };
        Some(at * 8 + wanted.leading_zeros() as usize)
    };
    in_edge(first).or_else(in_whole).or_else(|| in_edge(last))
}

/// A byte of which only some bits are meant.
#[derive(Debug, Clone, Copy)]
struct Edge {
    at: usize,
    byte: u8,
    mask: u8,
}

/// The bytes at either end of which only a part is in the range, and those between. `None` if the range is empty.
fn split(bytes: &[u8], bits: Range<usize>) -> Option<([Option<Edge>; 2], Range<usize>)> {
    if bits.is_empty() {
        return None;
    }
    let (first, last) = (bits.start / 8, (bits.end - 1) / 8);
    let from_start = 0xff >> (bits.start % 8);
    let to_end = (0xff00_u16 >> ((bits.end - 1) % 8 + 1)) as u8;
    let edge = |at: usize, mask: u8| (mask != 0xff).then(|| Edge { at, byte: bytes[at], mask });
    if first == last {
        let mask = from_start & to_end;
        return match edge(first, mask) {
            None => Some(([None, None], first..first + 1)),
            edge => Some(([edge, None], 0..0)),
        };
    }
    let edges = [edge(first, from_start), edge(last, to_end)];
    let whole = first + usize::from(edges[0].is_some())..last + usize::from(edges[1].is_none());
    Some((edges, whole))
}

/// How many bits are set.
fn count_all(bytes: &[u8]) -> u64 {
    let (mut ones, mut twos, mut fours, mut eights) = ([0; LANES], [0; LANES], [0; LANES], [0; LANES]);
    let mut sixteens = 0;
    let (blocks, rest) = bytes.as_chunks::<BLOCK_BYTES>();
    for block in blocks {
        let mut four = |from: usize| {
            let a = add(&mut ones, lanes(block, from), lanes(block, from + 1));
            let b = add(&mut ones, lanes(block, from + 2), lanes(block, from + 3));
            add(&mut twos, a, b)
        };
        let parts = [four(0), four(4), four(8), four(12)];
        let a = add(&mut fours, parts[0], parts[1]);
        let b = add(&mut fours, parts[2], parts[3]);
        sixteens += ones_in(add(&mut eights, a, b));
    }
    let (words, tail) = rest.as_chunks::<WORD_BYTES>();
    let words: u64 = words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    let tail: u64 = tail.iter().map(|byte| u64::from(byte.count_ones())).sum();
    let added = 16 * sixteens + 8 * ones_in(eights) + 4 * ones_in(fours) + 2 * ones_in(twos) + ones_in(ones);
    added + words + tail
}

/// The words of a block with this number.
#[inline]
fn lanes(block: &[u8; BLOCK_BYTES], number: usize) -> Lanes {
    std::array::from_fn(|lane| {
        let at = (number * LANES + lane) * WORD_BYTES;
        let word: [u8; WORD_BYTES] = std::array::from_fn(|i| block[at + i]);
        u64::from_ne_bytes(word)
    })
}

/// Adds two words to a sum; the carry.
#[inline]
fn add(sum: &mut Lanes, a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|lane| {
        let half = sum[lane] ^ a[lane];
        let carry = (sum[lane] & a[lane]) | (half & b[lane]);
        sum[lane] = half ^ b[lane];
        carry
    })
}

fn ones_in(lanes: Lanes) -> u64 {
    lanes.iter().map(|word| u64::from(word.count_ones())).sum()
}

/// Where the first byte is that differs from this one.
fn unlike(bytes: &[u8], same: u8) -> Option<usize> {
    let (chunks, _) = bytes.as_chunks::<SEARCHED_BYTES>();
    let differs = |chunk: &[u8; SEARCHED_BYTES]| chunk.iter().fold(0, |all, byte| all | (byte ^ same)) != 0;
    let passed = chunks.iter().position(differs).unwrap_or(chunks.len()) * SEARCHED_BYTES;
    bytes[passed..].iter().position(|&byte| byte != same).map(|at| passed + at)
}

/// What BITOP does to each bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    And,
    Or,
    Xor,
    /// Of one string alone.
    Not,
}

/// Combines strings into one of `len` bytes, which none of them exceeds.
pub(super) fn combine(operation: Operation, sources: &[&[u8]], len: usize) -> Vec<u8> {
    let mut result = Vec::with_capacity(len);
    let (first, others) =
        sources.split_first().map_or((&b""[..], &[][..]), |(first, others)| (*first, others));
    while result.len() < len {
        let from = result.len();
        let to = len.min(from + COMBINED_BYTES);
        result.extend_from_slice(piece(first, from, to));
        result.resize(to, 0);
        let target = &mut result[from..];
        if operation == Operation::Not {
            target.iter_mut().for_each(|byte| *byte = !*byte);
        }
        for other in others {
            apply(operation, target, piece(other, from, to));
        }
    }
    result
}

fn piece(source: &[u8], from: usize, to: usize) -> &[u8] {
    &source[from.min(source.len())..to.min(source.len())]
}

/// Adds a source, which may be shorter, to what is there.
fn apply(operation: Operation, target: &mut [u8], source: &[u8]) {
    let (both, beyond) = target.split_at_mut(source.len());
    let pairs = both.iter_mut().zip(source);
    match operation {
        Operation::And => {
            pairs.for_each(|(byte, other)| *byte &= other);
            beyond.fill(0);
        }
        Operation::Or => pairs.for_each(|(byte, other)| *byte |= other),
        Operation::Xor => pairs.for_each(|(byte, other)| *byte ^= other),
        Operation::Not => unreachable!("NOT takes one string"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bit(bytes: &[u8], at: usize) -> bool {
        bytes[at / 8] & (0x80 >> (at % 8)) != 0
    }

    /// Strings with long runs of equal bytes, some longer than a block.
    fn strings() -> impl Strategy<Value = Vec<u8>> {
        let run = (prop_oneof![Just(0), Just(0xff), any::<u8>()], 0..900usize);
        proptest::collection::vec(run, 0..5)
            .prop_map(|runs| runs.into_iter().flat_map(|(byte, len)| vec![byte; len]).collect())
    }

    fn part(bytes: &[u8], a: usize, b: usize) -> Range<usize> {
        let bits = bytes.len() * 8 + 1;
        (a % bits).min(b % bits)..(a % bits).max(b % bits)
    }

    proptest! {
        #[test]
        fn counts_and_finds_as_bit_by_bit(bytes in strings(), a: usize, b: usize, set: bool) {
            let range = part(&bytes, a, b);
            let wanted = range.clone().filter(|&at| bit(&bytes, at)).count();
            prop_assert_eq!(count(&bytes, range.clone()), wanted as u64);
            let first = range.clone().find(|&at| bit(&bytes, at) == set);
            prop_assert_eq!(position(&bytes, range, set), first);
        }

        #[test]
        fn combines_as_byte_by_byte(sources in proptest::collection::vec(strings(), 1..4), op in 0..3usize) {
            let operation = [Operation::And, Operation::Or, Operation::Xor][op];
            let sources: Vec<&[u8]> = sources.iter().map(Vec::as_slice).collect();
            let len = sources.iter().map(|source| source.len()).max().unwrap();
            let at = |at: usize| {
                let bytes = sources.iter().map(|source| source.get(at).copied().unwrap_or(0));
                bytes.reduce(|a, b| match operation {
                    Operation::And => a & b,
                    Operation::Or => a | b,
                    _ => a ^ b,
                }).unwrap()
            };
            prop_assert_eq!(combine(operation, &sources, len), (0..len).map(at).collect::<Vec<u8>>());
            let inverse: Vec<u8> = sources[0].iter().map(|byte| !byte).collect();
            prop_assert_eq!(combine(Operation::Not, &sources[..1], inverse.len()), inverse);
        }
    }

    #[test]
    fn pieces_of_a_long_result_are_joined() {
        let long = vec![0b1010_1010; 2 * COMBINED_BYTES + 5];
        let short = vec![0xff; COMBINED_BYTES + 1];
        let mut expected = vec![0b0101_0101; short.len()];
        expected.resize(long.len(), 0b1010_1010);
        assert_eq!(combine(Operation::Xor, &[&short, &long], long.len()), expected);
    }
}
