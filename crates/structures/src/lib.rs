//! Compact data types: the structures of values.
//!
//! Each type is pure memory: no clock, no sockets, no knowledge of keys, expiry or replies. The thresholds at
//! which a compact encoding becomes a table come in as [`Limits`] with each call that may cross them.

#![forbid(unsafe_code)]

mod dict;
pub mod hash;
pub mod hyperloglog;
pub mod intset;
mod limits;
mod linear;
pub mod list;
pub mod listpack;
mod quicklist;
mod rows;
pub mod set;
pub mod sorted_set;
pub mod stream;
mod value;
pub mod ziplist;
pub mod zipmap;

pub use hash::Hash;
pub use intset::IntSet;
pub use limits::Limits;
pub use list::{Direction, End, List, Side};
pub use listpack::{Item, Listpack};
pub use set::Set;
pub use sorted_set::{Score, SortedSet};
pub use stream::{Stream, StreamId};
pub use value::{Value, ValueRef};
