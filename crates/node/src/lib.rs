//! A cache node: one process, its workers, and everything that serves clients.
//!
//! ```text
//!  acceptor ─deals─▶ workers ──▶ keyspace (slots, locks) ──▶ effects ──▶ stream ──▶ replicas
//!                      │  ▲                                    │
//!                      └──┴── mailboxes ◀── answers, messages ─┘        background: expiry, lazy free, snapshots
//! ```
//! [`Node::start`] makes the threads and returns when the node listens; [`Node::wait`] returns when it has ended.
//!
//! A node owns its clocks, threads and sockets; what it decides is in pure crates below it. What its threads share is a
//! [`server::Server`], made with the list of commands of [`server_commands`]. Lock ranks, which nobody may take downwards: slots
//! ascending, then a shard of channels, then the cores of replication, then the stream's tail, then a mailbox.

#![forbid(unsafe_code)]
// The node is a shell: time, threads, files and sockets are its business.
#![allow(clippy::disallowed_methods)]

mod cron;
mod ending;
mod foresight;
mod gathering;
mod helpers;
mod limits;
mod locating;
mod managed;
mod pid_file;
mod start;
mod start_error;
mod worker;

pub use ending::Stopper;
pub use server::Why;
pub use start::{Node, Options};
pub use start_error::StartError;
