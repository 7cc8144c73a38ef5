//! The keyspace's hash table and its entries, an unsafe kernel with a safe surface.
//!
//! One [`Table`] holds the keys of one (database, slot), usually a few hundred, sometimes millions. It is built for
//! three things: few bytes a key, prefetching without a lock, and a SCAN that growth cannot disturb.
//!
//! ```text
//!  Table (16 bytes)
//!    root ──▶ span: array of 64-byte buckets ──▶ entries, one allocation each     the usual table
//!         └─▶ directory ──▶ spans                                                 a large one
//! ```
//!
//! - `layout`, `entry`: the bytes of an entry; [`EntryBox`] owns one, [`Entry`] and [`EntryMut`] borrow one.
//! - `bucket`, `span`, `directory`: arrays, their growth and their packed pointers.
//! - `table`, `occupied`, `scan`, `relocate`, `detached`: what the exclusive user does.
//! - `prefetch`, `retired`: what other threads may do meanwhile, and how memory outlives them.
//!
//! The crate knows nothing of time, locks, databases or commands: expiries are numbers, exclusivity is the caller's
//! promise ([`Table::exclusive`]).
//!
//! **Invariants.** A key is in its table at most once. A cell is non-empty exactly if its pointer is a live entry with
//! the window bits of its key's hash, and its volatile bit says whether the entry has an expiry. An element lies at or
//! behind its home; every bucket it passed counts it or is stuck. An array or directory that any thread may have seen
//! is freed only through [`Retired::free`], or with the table itself.

mod bucket;
mod detached;
mod directory;
mod entry;
mod layout;
mod occupied;
mod prefetch;
mod relocate;
mod retired;
mod scan;
mod span;
mod table;

pub use detached::Detached;
pub use entry::{Entry, EntryBox, EntryMut, Kind, ValueMut, Walk};
pub use hashing::Hasher;
pub use occupied::Occupied;
pub use prefetch::{Expected, prefetch};
pub use relocate::Relocated;
pub use retired::Retired;
pub use table::{Table, TableMut};
