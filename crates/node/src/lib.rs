//! A cache node: one process, its workers, and everything that serves clients.
//!
//! ```text
//!  acceptor ─deals─▶ workers ──▶ keyspace (slots, locks) ──▶ effects ──▶ stream ──▶ replicas
//!                      │  ▲                                    │
//!                      └──┴── mailboxes ◀── answers, messages ─┘        background: expiry, lazy free, snapshots
//! ```
//! [`Node::start`] makes the threads and returns when the node listens; [`Node::wait`] returns when it has ended.
//!
//! A node owns its clocks, threads and sockets; what it decides is in pure crates below it. `Shared` puts the
//! parts together that threads share (`engine`, `persistence`, `replica_threads`), each with its own locks. Lock ranks, which
//! nobody may take downwards: slots ascending, then a shard of channels, then the cores of replication, then the stream's tail,
//! then a mailbox.

#![forbid(unsafe_code)]
// The node is a shell: time, threads, files and sockets are its business.
#![allow(clippy::disallowed_methods)]

mod commands;
mod cron;
mod cx;
mod digest;
mod ending;
mod foresight;
mod gauges;
mod limits;
mod listening;
mod managed;
pub mod metrics;
mod pid_file;
mod shared;
mod start;
mod start_error;
mod wishes;
mod worker;

pub use ending::Stopper;
pub use start::{Node, Options};
pub use start_error::StartError;
pub use wishes::Why;

/// The command table of a node that speaks as a version: the data commands and the node's own.
pub fn command_table(profile: profile::Profile) -> command_table::CommandTable {
    command_table::CommandTable::new(profile, commands::all()).0
}
