//! LZF, the compression of strings in RDB files.
//!
//! A compressed block is a sequence of items, each opened by a control byte:
//!
//! ```text
//! 000LLLLL  <L+1 bytes>                  1 to 32 literal bytes
//! LLLooooo  oooooooo                     copy L+2 bytes (L 1..=6) from `o`+1 bytes back in the output
//! 111ooooo  LLLLLLLL  oooooooo           copy L+9 bytes (9 to 264) from `o`+1 bytes back
//! ```
//!
//! Offsets have 13 bits, so a copy reaches at most 8,192 bytes back. A copy may overlap its own output: that is
//! how a run is written. The format carries no length; RDB stores both lengths in front of the block.
//!
//! The compressor is greedy with a hash table over three-byte sequences. The table is kept per thread and never
//! cleared between blocks: positions are stored with a base that grows by the length of each block, so whatever
//! an earlier block left is below the base and counts as absent. In data that doesn't compress, the search takes
//! longer strides, which bounds the time lost there.

use std::cell::RefCell;

const MAX_LITERALS: usize = 32;
const MAX_OFFSET: usize = 1 << 13;
const MIN_COPY: usize = 3;
const MAX_COPY: usize = 264;
const HASH_BITS: u32 = 13;
/// Misses in a row after which the stride grows by one byte, as a shift.
const STRIDE_SHIFT: u32 = 5;
/// The longest stride: compressible data after much incompressible data must still be found.
const MAX_STRIDE: usize = 16;

/// The most bytes that `compressed` bytes can stand for: three bytes make at most one longest copy.
pub(crate) fn max_decompressed_len(compressed: usize) -> usize {
    compressed.saturating_mul(MAX_COPY / 3)
}

thread_local! {
    static COMPRESSOR: RefCell<Compressor> = RefCell::new(Compressor::new());
}

/// Appends the compressed form of `input` to `out` if it takes at most `max_len` bytes; otherwise leaves `out` as it
/// was and returns `false`.
pub(crate) fn compress(input: &[u8], max_len: usize, out: &mut Vec<u8>) -> bool {
    COMPRESSOR.with_borrow_mut(|compressor| compressor.compress(input, max_len, out))
}

struct Compressor {
    /// Where each hashed sequence was last seen, plus `base`.
    table: Box<[u32]>,
    /// What position 0 of the current block is stored as; entries below it belong to earlier blocks.
    base: u32,
}

impl Compressor {
    fn new() -> Self {
        Compressor { table: vec![0; 1 << HASH_BITS].into_boxed_slice(), base: 1 }
    }

    fn compress(&mut self, input: &[u8], max_len: usize, out: &mut Vec<u8>) -> bool {
        // Positions must fit the table; a longer string is stored as it is, as every reader accepts.
        let Ok(len) = u32::try_from(input.len()) else { return false };
        if len < MIN_COPY as u32 || len > u32::MAX / 2 {
            return false;
        }
        if self.base > u32::MAX - len {
            self.table.fill(0);
            self.base = 1;
        }
        let start = out.len();
        let fits = self.run(input, start.saturating_add(max_len), out);
        self.base += len;
        if !fits {
            out.truncate(start);
        }
        fits
    }

    /// `end` is the length that `out` may not exceed.
    fn run(&mut self, input: &[u8], end: usize, out: &mut Vec<u8>) -> bool {
        let mut literals_from = 0;
        let mut position = 0;
        let mut misses = 0u32;
        while position + MIN_COPY <= input.len() {
            let bytes = [input[position], input[position + 1], input[position + 2]];
            let slot = &mut self.table[hash(bytes)];
            let candidate = slot.checked_sub(self.base).map(|at| at as usize);
            *slot = self.base + position as u32;
            let Some(at) =
                candidate.filter(|&at| position - at <= MAX_OFFSET && input[at..at + MIN_COPY] == bytes)
            else {
                position += (1 + (misses >> STRIDE_SHIFT) as usize).min(MAX_STRIDE);
                misses += 1;
                continue;
            };
            misses = 0;
            let copy = match_len(input, at, position);
            if !put_literals(&input[literals_from..position], end, out) {
                return false;
            }
            put_copy(position - at - 1, copy, out);
            if out.len() > end {
                return false;
            }
            position += copy;
            literals_from = position;
        }
        put_literals(&input[literals_from..], end, out)
    }
}

fn hash(bytes: [u8; 3]) -> usize {
    let word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
    (word.wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)) as usize
}

fn match_len(input: &[u8], at: usize, position: usize) -> usize {
    let longest = (input.len() - position).min(MAX_COPY);
    let mut len = MIN_COPY;
    while len + 8 <= longest {
        if input[at + len..at + len + 8] != input[position + len..position + len + 8] {
            break;
        }
        len += 8;
    }
    while len < longest && input[at + len] == input[position + len] {
        len += 1;
    }
    len
}

fn put_literals(literals: &[u8], end: usize, out: &mut Vec<u8>) -> bool {
    let items = literals.len().div_ceil(MAX_LITERALS);
    if out.len() + literals.len() + items > end {
        return false;
    }
    for run in literals.chunks(MAX_LITERALS) {
        out.push((run.len() - 1) as u8);
        out.extend_from_slice(run);
    }
    true
}

fn put_copy(offset: usize, len: usize, out: &mut Vec<u8>) {
    let (high, low) = ((offset >> 8) as u8, offset as u8);
    match len - 2 {
        short @ 1..=6 => out.extend_from_slice(&[(short as u8) << 5 | high, low]),
        long => out.extend_from_slice(&[7 << 5 | high, (long - 7) as u8, low]),
    }
}

/// The block's content, when it is well formed and exactly `len` bytes long. Nothing is allocated for a `len`
/// that the block can't reach.
pub(crate) fn decompress(block: &[u8], len: usize) -> Option<Vec<u8>> {
    if len > max_decompressed_len(block.len()) {
        return None;
    }
    let mut out = Vec::with_capacity(len);
    let mut rest = block;
    while let Some((&control, after)) = rest.split_first() {
        rest = after;
        let control = usize::from(control);
        if control < MAX_LITERALS {
            let (literals, after) = rest.split_at_checked(control + 1)?;
            rest = after;
            if out.len() + literals.len() > len {
                return None;
            }
            out.extend_from_slice(literals);
            continue;
        }
        let mut copy = (control >> 5) + 2;
        if copy == 9 {
            let (&more, after) = rest.split_first()?;
            rest = after;
            copy += usize::from(more);
        }
        let (&low, after) = rest.split_first()?;
        rest = after;
        let back = ((control & 0x1f) << 8 | usize::from(low)) + 1;
        let from = out.len().checked_sub(back)?;
        if out.len() + copy > len {
            return None;
        }
        if back >= copy {
            out.extend_from_within(from..from + copy);
        } else {
            copy_overlapping(&mut out, from, copy);
        }
    }
    (out.len() == len).then_some(out)
}

/// Appends `copy` bytes starting at `from`, where the source runs into what is being appended: each round doubles
/// what there is to copy from.
fn copy_overlapping(out: &mut Vec<u8>, from: usize, copy: usize) {
    let end = out.len() + copy;
    while out.len() < end {
        let take = (out.len() - from).min(end - out.len());
        out.extend_from_within(from..from + take);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(input: &[u8]) -> Option<usize> {
        let mut out = b"before".to_vec();
        if !compress(input, input.len().saturating_sub(4), &mut out) {
            assert_eq!(out, b"before");
            return None;
        }
        let block = &out[6..];
        assert!(block.len() + 4 <= input.len());
        assert_eq!(decompress(block, input.len()).as_deref(), Some(input));
        assert_eq!(decompress(block, input.len() + 1), None);
        assert_eq!(decompress(block, input.len() - 1), None);
        Some(block.len())
    }

    #[test]
    fn runs_and_repeats_shrink() {
        assert!(round_trip(&[b'a'; 100]).unwrap() < 10);
        assert!(round_trip(&[0; 100_000]).unwrap() < 1_200);
        assert!(round_trip(&b"user:1000:name;".repeat(40)).unwrap() < 40);
        assert!(round_trip(&b"0123456789abcdefghijklmnopqrstuv".repeat(1_000)).is_some());
    }

    fn noise(len: usize) -> Vec<u8> {
        let mut state = 1u64;
        (0..len)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect()
    }

    #[test]
    fn noise_is_refused() {
        assert_eq!(round_trip(&noise(10_000)), None);
    }

    #[test]
    fn repeats_after_noise_are_found() {
        let text = b"{\"id\":17,\"name\":\"x\"}".repeat(500);
        let mixed = [noise(100_000), text].concat();
        assert!(round_trip(&mixed).unwrap() < 105_000);
    }

    #[test]
    fn an_earlier_block_is_not_referred_to() {
        for _ in 0..3 {
            assert_eq!(round_trip(b"abcdefghijklmnopqrstuvwxyz"), None);
        }
        let mut compressor = Compressor { base: u32::MAX - 10, ..Compressor::new() };
        let mut out = Vec::new();
        assert!(compressor.compress(&[7; 64], 60, &mut out), "the base wraps");
        assert_eq!(decompress(&out, 64), Some(vec![7; 64]));
    }

    #[test]
    fn malformed_blocks_are_refused() {
        for (block, len) in [
            (&[0u8][..], 1),              // literal missing
            (&[5, 1, 2], 6),              // literals cut
            (&[0x20, 0], 3),              // copies from before the start
            (&[0, 9, 0x20], 4),           // offset missing
            (&[0, 9, 0xe0, 5], 15),       // offset after long length missing
            (&[0, 9], usize::MAX),        // claims what it can't hold
            (&[0, 9, 0xe0, 255, 0], 100), // longer than claimed
        ] {
            assert_eq!(decompress(block, len), None, "{block:?}");
        }
        assert_eq!(decompress(&[], 0), Some(vec![]));
        assert_eq!(decompress(&[0, 9, 0xe0, 255, 0], 265), Some(vec![9; 265]));
    }

    proptest! {
        #[test]
        fn whatever_compresses_decompresses(input in proptest::collection::vec(0u8..6, 0..600)) {
            round_trip(&input);
        }

        #[test]
        fn any_bytes_decompress_or_fail(block in proptest::collection::vec(any::<u8>(), 0..80), len in 0usize..4_000) {
            if let Some(out) = decompress(&block, len) {
                prop_assert_eq!(out.len(), len);
            }
        }
    }
}
