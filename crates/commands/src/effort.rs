//! How long a command may take where others wait for it.
//!
//! A handler that has its value at hand knows what it is about to do: so many elements, so many bytes. Before it begins it asks
//! [`Effort`], which costs one comparison. What would take longer than others shall wait for is refused with
//! [`Error::Lengthy`]: nothing has happened, and the same command runs again where nobody waits.

use crate::Error;

/// The longest that a command may take, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort(u64);

/// What an element costs that is compared, or left out.
const COMPARED_NS: u64 = 25;
/// What an element of a list costs that is passed over: mostly whole nodes are.
const PASSED_NS: u64 = 1;
/// What an element costs that is written to a reply.
const WRITTEN_NS: u64 = 50;
/// What an element costs that is found or made by itself: a cache miss or two.
const VISITED_NS: u64 = 120;
/// Bytes that are copied in a nanosecond, to memory that has to be had first.
const COPIED_A_NS: u64 = 4;
/// What a byte costs that is compressed, or taken apart.
const CODED_NS: u64 = 4;

impl Effort {
    /// A command takes as long as it takes: in a transaction, on a replica, on a thread where nobody waits.
    pub const ANY: Effort = Effort(u64::MAX);
    /// About as long as clients of a worker wait for each other.
    pub const SHORT: Effort = Effort(1_000_000);

    #[inline]
    fn allows(self, nanoseconds: u64) -> Result<(), Error> {
        if nanoseconds > self.0 { Err(Error::Lengthy) } else { Ok(()) }
    }

    /// So many elements are compared.
    #[inline]
    pub(crate) fn compares(self, elements: usize) -> Result<(), Error> {
        self.allows((elements as u64).saturating_mul(COMPARED_NS))
    }

    /// So many elements of a list are passed over.
    #[inline]
    pub(crate) fn passes(self, elements: usize) -> Result<(), Error> {
        self.allows((elements as u64).saturating_mul(PASSED_NS))
    }

    /// So many elements are written.
    #[inline]
    pub(crate) fn writes(self, elements: usize) -> Result<(), Error> {
        self.allows((elements as u64).saturating_mul(WRITTEN_NS))
    }

    /// So many elements are found or made one by one.
    #[inline]
    pub(crate) fn visits(self, elements: usize) -> Result<(), Error> {
        self.allows((elements as u64).saturating_mul(VISITED_NS))
    }

    /// So many bytes are copied.
    #[inline]
    pub(crate) fn copies(self, bytes: usize) -> Result<(), Error> {
        self.allows(bytes as u64 / COPIED_A_NS)
    }

    /// So many bytes are compressed, or taken apart.
    #[inline]
    pub(crate) fn codes(self, bytes: usize) -> Result<(), Error> {
        self.allows((bytes as u64).saturating_mul(CODED_NS))
    }

    /// Each of so many things is compared with each of so many others.
    #[inline]
    pub(crate) fn compares_all(self, one: usize, other: usize) -> Result<(), Error> {
        self.allows((one as u64).saturating_mul(other as u64))
    }
}
