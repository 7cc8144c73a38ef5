//! Compact data types: what a key's value is made of.
//!
//! Each type is pure memory: no clock, no sockets, no knowledge of keys, expiry or replies. The thresholds at
//! which a compact encoding becomes a table come in as [`Limits`] with each call that may cross them.

#![forbid(unsafe_code)]

mod hash;
mod list;
pub mod listpack;

pub use hash::Hash;
pub use list::List;

/// A value that stands alone, before it is stored in an entry or after it left one.
///
/// Strings come in two forms because clients see the difference: an integer that fits 64 bits is kept as one
/// (`OBJECT ENCODING` says `int`), everything else is bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string that is the canonical decimal form of this integer.
    Int(i64),
    /// Any other string.
    Bytes(Vec<u8>),
    /// A list.
    List(Box<List>),
    /// A hash.
    Hash(Box<Hash>),
}

/// A value where it lies in its entry.
#[derive(Debug, Clone, Copy)]
pub enum ValueRef<'a> {
    /// A string kept as an integer.
    Int(i64),
    /// A string kept as bytes.
    Bytes(&'a [u8]),
    /// A list.
    List(&'a List),
    /// A hash.
    Hash(&'a Hash),
}

/// The thresholds up to which a type keeps its compact encoding; the configuration parameters of the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// `list-max-listpack-size`: entries of a list node if positive, a size class (-1 = 4 KB … -5 = 64 KB) if negative.
    pub list_max_listpack_size: i64,
    /// `list-compress-depth`: accepted; nodes are never compressed in memory.
    pub list_compress_depth: u32,
    /// `hash-max-listpack-entries`: fields.
    pub hash_max_listpack_entries: usize,
    /// `hash-max-listpack-value`: bytes of a field or a value.
    pub hash_max_listpack_value: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            list_max_listpack_size: -2,
            list_compress_depth: 0,
            hash_max_listpack_entries: 512,
            hash_max_listpack_value: 64,
        }
    }
}
