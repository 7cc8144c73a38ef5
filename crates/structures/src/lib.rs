//! Compact data types: what a key's value is made of.
//!
//! Each type is pure memory: no clock, no sockets, no knowledge of keys, expiry or replies. The thresholds at
//! which a compact encoding becomes a table come in as [`Limits`] with each call that may cross them.

#![forbid(unsafe_code)]

mod dict;
pub mod hash;
mod limits;
pub mod list;
pub mod listpack;
pub mod long_double;

pub mod number;
mod quicklist;
pub mod ziplist;
pub mod zipmap;

pub use hash::Hash;
pub use limits::Limits;
pub use list::{Direction, End, List, Side};
pub use listpack::{Item, Listpack};
pub use long_double::LongDouble;

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
