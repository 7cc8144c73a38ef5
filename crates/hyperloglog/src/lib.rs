//! HyperLogLog: how many different elements were added, from 16,384 small counters.
//!
//! The hash of an element chooses a *register* by its lowest 14 bits. In the others the first bit that is set is looked for: its
//! place is large for few hashes, and the register keeps the largest. From all registers follows an estimate with a standard
//! error of 0.81 percent ([`Registers::estimate`]).
//!
//! The bytes are Redis's, since clients read them with GET, and nodes exchange them. They are a string with a header:
//!
//! ```text
//!   ┌──────┬───┬───────┬──────────────────────┬───────────────
//!   │ HYLL │ e │ 0 0 0 │ cached estimate, LE  │ registers …
//!   └──────┴───┴───────┴──────────────────────┴───────────────
//!    0      4   5       8                      16
//!   e = 0: dense, 6 bits a register, the lowest bits first (12,288 bytes)
//!   e = 1: sparse, runs of equal registers ([`sparse`])
//!   The highest bit of the estimate is set where registers have changed since: it must be made anew.
//! ```
//!
//! One begins sparse and becomes dense for good when its runs would take more than a limit, or a register exceeds 32.
//!
//! The bytes may come from a client. The header is checked first ([`is_valid`]); runs that are not 16,384 registers are found on
//! the way, and are [`Corrupted`].

#![forbid(unsafe_code)]

mod dense;
mod estimate;
mod hash;
mod sparse;

use estimate::Histogram;
use sparse::Place;

/// How many registers there are.
pub const REGISTERS: usize = 1 << INDEX_BITS;
/// Bits of a hash that choose the register.
const INDEX_BITS: u32 = 14;
/// Bits of a hash that are counted.
const COUNTED_BITS: u32 = 64 - INDEX_BITS;

const MAGIC: &[u8] = b"HYLL";
const ENCODING_AT: usize = 4;
const ESTIMATE_AT: usize = 8;
const HEADER_BYTES: usize = 16;
const DENSE_BYTES: usize = HEADER_BYTES + dense::BYTES;
/// Set in the estimate where it is not valid.
const STALE: u64 = 1 << 63;

/// The runs of a sparse one are not what registers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrupted;

/// How the registers are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Each in six bits.
    Dense,
    /// As runs.
    Sparse,
}

/// An empty one, sparse.
pub fn new() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 * HEADER_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.resize(HEADER_BYTES, 0);
    bytes[ENCODING_AT] = 1;
    sparse::put_empty(&mut bytes);
    bytes
}

/// Whether a string has the header of one.
pub fn is_valid(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER_BYTES
        && bytes.starts_with(MAGIC)
        && (bytes[ENCODING_AT] == 1 || bytes[ENCODING_AT] == 0 && bytes.len() == DENSE_BYTES)
}

/// How the registers of a valid one are kept.
pub fn encoding(bytes: &[u8]) -> Encoding {
    if bytes[ENCODING_AT] == 0 { Encoding::Dense } else { Encoding::Sparse }
}

/// The estimate that was made last, if no register has changed since.
pub fn cached_estimate(bytes: &[u8]) -> Option<u64> {
    let (field, _) = bytes[ESTIMATE_AT..].split_first_chunk()?;
    Some(u64::from_le_bytes(*field)).filter(|estimate| estimate & STALE == 0)
}

/// Keeps an estimate.
pub fn cache_estimate(bytes: &mut [u8], estimate: u64) {
    bytes[ESTIMATE_AT..HEADER_BYTES].copy_from_slice(&estimate.to_le_bytes());
}

/// Notes that the kept estimate is not valid any more.
pub fn forget_estimate(bytes: &mut [u8]) {
    bytes[HEADER_BYTES - 1] |= (STALE >> 56) as u8;
}

/// Adds an element, which may make it dense: where it would exceed `sparse_max_bytes`. Returns whether a register has changed; the
/// kept estimate is the caller's to forget.
///
/// # Errors
/// When the runs are corrupted; nothing has changed then.
pub fn add(bytes: &mut Vec<u8>, element: &[u8], sparse_max_bytes: usize) -> Result<bool, Corrupted> {
    let (index, count) = hash::place(element);
    raise(bytes, index, count, sparse_max_bytes, &mut Place::begin())
}

/// Raises a register to a count, unless it has as much. Runs are looked through from a place on.
fn raise(
    bytes: &mut Vec<u8>,
    index: usize,
    count: u8,
    sparse_max_bytes: usize,
    from: &mut Place,
) -> Result<bool, Corrupted> {
    if encoding(bytes) == Encoding::Sparse {
        if let Some(changed) = sparse::raise(bytes, index, count, sparse_max_bytes, from)? {
            return Ok(changed);
        }
        make_dense(bytes)?;
    }
    Ok(dense::raise(&mut bytes[HEADER_BYTES..], index, count))
}

/// Makes it dense. Returns whether it was sparse.
///
/// # Errors
/// When the runs are corrupted; nothing has changed then.
pub fn make_dense(bytes: &mut Vec<u8>) -> Result<bool, Corrupted> {
    if encoding(bytes) == Encoding::Dense {
        return Ok(false);
    }
    let mut dense = Vec::with_capacity(DENSE_BYTES);
    dense.extend_from_slice(&bytes[..HEADER_BYTES]);
    dense[ENCODING_AT] = 0;
    dense.resize(DENSE_BYTES, 0);
    for run in sparse::runs(bytes) {
        let (registers, count) = run?;
        if count > 0 {
            for index in registers {
                dense::raise(&mut dense[HEADER_BYTES..], index, count);
            }
        }
    }
    *bytes = dense;
    Ok(true)
}

/// The estimate of a valid one, from its registers.
///
/// # Errors
/// When the runs are corrupted.
pub fn estimate(bytes: &[u8]) -> Result<u64, Corrupted> {
    let mut histogram = Histogram::default();
    match encoding(bytes) {
        Encoding::Dense => dense::each(&bytes[HEADER_BYTES..], |_, count| histogram.add(count, 1)),
        Encoding::Sparse => {
            for run in sparse::runs(bytes) {
                let (registers, count) = run?;
                histogram.add(count, registers.len());
            }
        }
    }
    Ok(histogram.estimate())
}

/// The runs of a sparse one in words, as PFDEBUG DECODE shows them: `z`, `Z` and `v`.
///
/// # Errors
/// When the runs are corrupted.
pub fn describe_runs(bytes: &[u8]) -> Result<String, Corrupted> {
    sparse::describe(bytes)
}

/// All registers, a byte each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registers(Box<[u8; REGISTERS]>);

impl Registers {
    /// All are 0.
    pub fn new() -> Registers {
        Registers(Box::new([0; REGISTERS]))
    }

    /// The register of each number.
    pub fn counts(&self) -> &[u8] {
        &self.0[..]
    }

    /// Raises each register to that of a valid HyperLogLog.
    ///
    /// # Errors
    /// When its runs are corrupted. Some registers may have been raised then.
    pub fn merge(&mut self, bytes: &[u8]) -> Result<(), Corrupted> {
        match encoding(bytes) {
            Encoding::Dense => dense::each(&bytes[HEADER_BYTES..], |index, count| {
                self.0[index] = self.0[index].max(count);
            }),
            Encoding::Sparse => {
                for run in sparse::runs(bytes) {
                    let (registers, count) = run?;
                    if count > 0 {
                        self.0[registers].iter_mut().for_each(|most| *most = count.max(*most));
                    }
                }
            }
        }
        Ok(())
    }

    /// Raises the registers of a HyperLogLog to these. Its kept estimate is the caller's to forget.
    ///
    /// # Errors
    /// When its runs are corrupted. Some registers may have been raised then.
    pub fn store(&self, bytes: &mut Vec<u8>, sparse_max_bytes: usize) -> Result<(), Corrupted> {
        let mut from = Place::begin();
        for (index, &count) in self.0.iter().enumerate().filter(|&(_, &count)| count > 0) {
            raise(bytes, index, count, sparse_max_bytes, &mut from)?;
        }
        Ok(())
    }

    /// How many different elements were added, about.
    pub fn estimate(&self) -> u64 {
        let mut histogram = Histogram::default();
        self.0.iter().for_each(|&count| histogram.add(count, 1));
        histogram.estimate()
    }
}

impl Default for Registers {
    fn default() -> Registers {
        Registers::new()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
