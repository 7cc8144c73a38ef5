//! How long a command may take where other clients wait for it.
//!
//! A handler that has looked up its value knows how many elements or bytes it is about to process. Before it begins it asks
//! [`Effort`], which costs one comparison. A command that would keep others waiting too long is refused with
//! [`Error::Lengthy`]: it has changed nothing, and runs again on a thread where no client waits.
//!
//! So each question has that one error. What it is asked for is rough: one number an element or a byte, whatever its type.

use crate::Error;
use structures::{Stream, StreamId};

/// The longest that a command may take, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort(u64);

/// The cost of an element that is compared, or left out.
const COMPARED_NS: u64 = 25;
/// The cost of a list element that is skipped; mostly whole nodes are.
const PASSED_NS: u64 = 1;
/// The cost of an element that is written to a reply.
const WRITTEN_NS: u64 = 50;
/// The cost of an element that is looked up or made individually: a cache miss or two.
const VISITED_NS: u64 = 120;
/// Bytes copied per nanosecond, including the allocation of the destination.
const COPIED_A_NS: u64 = 4;
/// Bytes that are read in wide words per nanosecond.
const SCANNED_A_NS: u64 = 6;
/// The cost of a byte that is compressed or decoded.
const CODED_NS: u64 = 4;

impl Effort {
    /// No limit: in a transaction, on a replica, on a thread where no client waits.
    pub const ANY: Effort = Effort(u64::MAX);
    /// About as long as clients of a worker wait for each other.
    pub const SHORT: Effort = Effort(1_000_000);

    #[inline]
    fn allows(self, nanoseconds: u64) -> Result<(), Error> {
        if nanoseconds > self.0 { Err(Error::Lengthy) } else { Ok(()) }
    }

    /// Asks for comparing this many elements.
    ///
    /// # Errors
    /// [`Error::Lengthy`] when that takes too long.
    #[inline]
    pub fn compares(self, elements: usize) -> Result<(), Error> {
        self.allows((elements as u64).saturating_mul(COMPARED_NS))
    }

    /// Asks for skipping this many elements of a list.
    ///
    /// # Errors
    /// [`Error::Lengthy`] when that takes too long.
    #[inline]
    pub fn passes(self, elements: usize) -> Result<(), Error> {
        self.allows((elements as u64).saturating_mul(PASSED_NS))
    }

    /// Asks for writing this many elements.
    ///
    /// # Errors
    /// [`Error::Lengthy`] when that takes too long.
    #[inline]
    pub fn writes(self, elements: usize) -> Result<(), Error> {
        self.allows((elements as u64).saturating_mul(WRITTEN_NS))
    }

    /// Asks for writing entries of a stream between two IDs, at most so many.
    ///
    /// # Errors
    /// [`Error::Lengthy`] when that takes too long.
    pub fn writes_entries(
        self,
        stream: &Stream,
        start: StreamId,
        end: StreamId,
        most: usize,
    ) -> Result<(), Error> {
        // A field or two each.
        self.writes(stream.at_most(start, end).min(most).saturating_mul(4))
    }

    /// Asks for looking up or making this many elements one by one.
    ///
    /// # Errors
    /// [`Error::Lengthy`] when that takes too long.
    #[inline]
    pub fn visits(self, elements: usize) -> Result<(), Error> {
        self.allows((elements as u64).saturating_mul(VISITED_NS))
    }

    /// Asks for copying this many bytes.
    ///
    /// # Errors
    /// [`Error::Lengthy`] when that takes too long.
    #[inline]
    pub fn copies(self, bytes: usize) -> Result<(), Error> {
        self.allows(bytes as u64 / COPIED_A_NS)
    }

    /// Asks for going through this many bytes in wide words, which makes no copy.
    ///
    /// # Errors
    /// [`Error::Lengthy`] when that takes too long.
    #[inline]
    pub fn scans(self, bytes: usize) -> Result<(), Error> {
        self.allows(bytes as u64 / SCANNED_A_NS)
    }

    /// Asks for compressing or decoding this many bytes.
    ///
    /// # Errors
    /// [`Error::Lengthy`] when that takes too long.
    #[inline]
    pub fn codes(self, bytes: usize) -> Result<(), Error> {
        self.allows((bytes as u64).saturating_mul(CODED_NS))
    }

    /// Asks for waiting for another server.
    ///
    /// # Errors
    /// [`Error::Lengthy`] when that takes too long.
    #[inline]
    pub fn waits(self) -> Result<(), Error> {
        self.allows(u64::MAX)
    }

    /// Asks for comparing each of `one` elements with each of `other` elements.
    ///
    /// # Errors
    /// [`Error::Lengthy`] when that takes too long.
    #[inline]
    pub fn compares_all(self, one: usize, other: usize) -> Result<(), Error> {
        self.allows((one as u64).saturating_mul(other as u64))
    }
}
