//! A client's connection and its state, independent of the code that runs its commands.
//!
//! ```text
//!   Mailbox: what others tell a worker ─▶ Client: protocol, database, transaction, subscriptions, what it waits for
//!   PubSub: who listens to what             └ Outbox: what leaves, in order ── Allowance: what it may hold
//! ```
//! A client belongs to one worker and no other thread touches it; what other threads may read of it is in [`ClientShared`].

#![forbid(unsafe_code)]

mod client;
mod mailbox;
pub mod outbox;
pub mod pubsub;
pub mod tracking;
mod waiting;

pub use client::{
    Blocked, Client, ClientShared, Clients, Multi, Names, ReplyMode, Source, Subscriptions, TimeoutReply,
    WaitFor, Walk, Watching, flag,
};
pub use mailbox::{Answer, Mailbox, Message, Moved};
pub use waiting::{Begun, Ended};

use std::sync::atomic::{AtomicU64, Ordering};

/// A buffer larger than this gives its memory back once it is nearly empty.
pub const KEPT_BUFFER_BYTES: usize = 32 * 1024;

/// Gives back the memory of a buffer that has grown and is nearly empty again: a single large value must not stay paid for.
#[inline]
pub fn let_go(buffer: &mut Vec<u8>) {
    if buffer.capacity() > KEPT_BUFFER_BYTES && buffer.len() < buffer.capacity() / 4 {
        buffer.shrink_to(KEPT_BUFFER_BYTES);
    }
}

/// Adds to a counter that only this thread writes.
#[inline]
pub fn bump(cell: &AtomicU64, by: u64) {
    cell.store(cell.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
}
