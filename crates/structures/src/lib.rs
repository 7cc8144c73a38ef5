//! The structures of values: list, hash, set, sorted set, and with them the stream, which is a crate of its own.
//!
//! Each type is pure memory: no clock, no sockets, no knowledge of keys, expiry or replies. The thresholds at
//! which a compact encoding ([`packed`]) becomes a table come in as [`Limits`] with each call that may cross them.

#![forbid(unsafe_code)]

mod dict;
pub mod hash;
mod linear;
pub mod list;
mod quicklist;
mod rows;
pub mod set;
pub mod sorted_set;
mod value;

pub use hash::Hash;
pub use list::{Direction, End, List, Side};
pub use packed::{IntSet, Item, Limits, Listpack, intset, listpack, ziplist, zipmap};
pub use set::Set;
pub use sorted_set::{Score, SortedSet};
pub use stream::{self, Stream, StreamId};
pub use value::{Value, ValueRef};
