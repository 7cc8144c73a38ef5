//! Replication: PSYNC as primary and as replica, the backlog, acknowledgements and WAIT.
//!
//! ```text
//!  effects, in the order of ─▶ StreamEncoder ─▶ Primary::feed ─▶ Backlog ──┬─▶ reader of link 1
//!  the locks they came from   (SELECT, MULTI)   (offsets)                  └─▶ reader of link 2
//!
//!  a primary's socket ─▶ Replica::step ─▶ Load…, Apply… ─▶ the node's applier ─▶ Primary::feed
//!                                                          (same bytes: chained replicas)
//! ```
//!
//! This crate decides and does no I/O: a core takes an event and the time, and appends actions to a list that its owner
//! carries out in order. The crate uses no socket, clock, thread or disk; randomness is passed in as a function. So the
//! dialogue is tested as text in and text out, and the whole protocol by simulation.
//!
//! **One owner.** [`Primary`] and its [`Backlog`] belong to the node's stream thread, which appends to the
//! stream and sends it to replicas. [`Replica`] belongs to whoever holds the connection to the primary.
//!
//! **Offsets.** An offset is the number of bytes of the stream's history up to and including a byte, as in
//! Redis: after N bytes `master_repl_offset` is N, the last byte *is* byte N, and a replica that has N bytes
//! asks `PSYNC <id> N+1`. Functions that read "from offset N" return the bytes behind the first N.
//!
//! Absent: the contents of an RDB file, parsing of commands beyond their framing, `FAILOVER`, and the
//! second channel of Valkey's dual-channel synchronisation (never offered, so peers use one channel).
#![forbid(unsafe_code)]

mod backlog;
mod id;
pub mod primary;
pub mod replica;
mod stream;
mod waiters;

pub use backlog::{Backlog, ReaderId};
pub use id::{History, ReplicationId};
pub use primary::Primary;
pub use replica::Replica;
pub use stream::{EffectPart, FirstSelect, GETACK, PING, StreamEncoder};
pub use waiters::{WaitKind, WaitOutcome, WaitRequest, Waiters};
