//! The structures of values: list, hash, set, and with them sorted set and stream, which are crates of their own.
//!
//! Each type is pure memory: no clock, no sockets, no knowledge of keys, expiry or replies. The thresholds at
//! which a compact encoding ([`packed`]) becomes a table come in as [`Limits`] with each call that may cross them.

#![forbid(unsafe_code)]

mod dict;
pub mod hash;
pub mod list;
mod quicklist;
pub mod set;
mod value;

pub use hash::Hash;
pub use list::{List, Side};
pub use packed::{Direction, End, IntSet, Item, Limits, Listpack, intset, listpack, ziplist, zipmap};
pub use set::Set;
pub use sorted_set::{self, Score, SortedSet};
pub use stream::{self, Stream, StreamId};
pub use value::{Value, ValueRef};
