//! Where a key lives: hash slots, and the patterns that name keys.

#![forbid(unsafe_code)]

pub mod glob;
mod slot;

pub use slot::{SLOTS, Slot, crc16, hash_tag};
