//! Compact encodings: elements one after the other in one allocation, and the thresholds up to which types use them.
//!
//! Each is pure memory: no clock, no sockets, no knowledge of keys, expiry or replies.

#![forbid(unsafe_code)]

pub mod intset;
mod limits;
pub mod listpack;
mod order;
pub mod ziplist;
pub mod zipmap;

pub use intset::IntSet;
pub use limits::Limits;
pub use listpack::{Item, Listpack};
pub use order::{Direction, End};
