//! Snapshots of the keyspace without fork, and loading them again.
//!
//! ```text
//!   walking thread ── entries of a slot, under its lock ──┐                            ┌─▶ FileSink: temp file, rename
//!                                                         ├─▶ Captures ─▶ RDB stream ──┤
//!   commands ── pre-images, just before they change ──────┘    bounded                 └─▶ ChannelSink: a replica's sync
//! ```
//! - [`Snapshot`] is one walk: begun in the world, run by a background thread, ended in the world.
//! - `captures` collects what the walk and the commands hand over; `spill` keeps on disk what memory must not.
//! - `large` is how values that are too large for one hold of a lock are captured in pieces.
//! - [`Sink`] is where the bytes go; [`FileSink`] and [`ChannelSink`] are two.
//! - [`save_in_world`] writes the same bytes at once, for SAVE and DEBUG RELOAD.
//! - [`Loader`] reads them back, from a file or as they arrive.
//! - [`Snapshots`] decides which snapshot runs when, as a pure state machine.
//! - [`Background`] is how a thread without connections enters the gate and gets the world.
//!
//! The crate knows nothing of clients, replies, configuration or event loops, and starts no threads.

#![forbid(unsafe_code)]
// A delay after each key takes its time.
#![allow(clippy::disallowed_methods)]

mod background;
mod captures;
mod channel;
mod control;
mod coordinator;
mod delay;
mod entry;
mod file;
mod large;
mod load;
mod output;
mod save;
mod sink;
mod snapshot;
mod spill;

pub use background::{Background, Inside};
pub use channel::{ChannelSink, ChunkReceiver, Received, chunk_channel};
pub use control::{Control, SnapshotError};
pub use coordinator::{Answer, IfBusy, Kind, Outcome, SaveReport, Snapshots};
pub use delay::KeyDelay;
pub use entry::Access;
pub use file::FileSink;
pub use load::{Duplicates, LoadError, LoadOptions, LoadReport, Loader, load};
pub use save::{SaveInWorld, save_in_world};
pub use sink::Sink;
pub use snapshot::{Finished, Header, NotBegun, Overflow, Snapshot, SnapshotOptions, clean};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a lock protects here is whole after every step, so a panic elsewhere does not spoil it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
