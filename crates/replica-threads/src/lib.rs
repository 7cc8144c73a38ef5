//! Replication in the running node: what connects the pure cores of the `replication` crate with threads and sockets.
//!
//! ```text
//!   workers ─ effects ─▶ Stream (tail) ─ pump ─▶ Primary + Backlog ─▶ feeder thread ─▶ replicas
//!      │                      ▲                       ▲                    ▲
//!      │ PSYNC: detach ───────┼───────────────────────┼────────────────────┘
//!      │                      │ the very same bytes   │ SnapshotStarted, in the world
//!      │                   applier thread          full-sync thread
//!      └─ REPLICAOF ─▶ Replica ─▲ (a primary's socket)
//! ```
//! - [`feeder`] owns the replicas' sockets: it carries out what [`replication::Primary`] decides, answers WAIT, sends what
//!   sockets did not take.
//! - [`outlet`] is where the stream leaves: workers send what they wrote themselves.
//! - [`full_sync`] walks the keyspace for replicas.
//! - [`applier`] owns the socket to a primary: it carries out what [`replication::Replica`] decides, loads and applies.
//! - [`role`] changes the node's role, in the world.
//!
//! **The cores are shared, their actions are not.** [`replication::Primary`] and [`replication::Replica`] stand behind a mutex
//! each, so INFO, ROLE, WAIT, REPLCONF and role changes ask and step them on whatever thread they run. What a step decides is
//! posted to the one thread that carries it out, while the core is still locked: actions happen in the order of the steps.
//!
//! **Pumping.** Whoever locks the primary moves the stream's tail into it first. So offset and backlog always contain
//! all that was appended before, and in the world they are exact: that is how a snapshot gets its position.
//!
//! **When the stream is on.** On a primary, while there is a backlog: from the first full synchronisation until the
//! backlog is given up. It is switched in the world. On a replica it is off, since no other
//! node gets what clients write there; the applier appends its primary's bytes as they are, so that sub-replicas get the same history.
//!
//! Lock ranks here: slots and the world, then the link (`Replica`), then the primary, then the stream's tail, then an
//! inbox. Nobody holds the link or the primary while waiting for anything else.

#![forbid(unsafe_code)]
// Threads, sockets and the clock.
#![allow(clippy::disallowed_methods)]

mod address;
pub mod applier;
mod apply;
mod connect;
pub mod feeder;
pub mod full_sync;
mod inbox;
pub mod info;
pub mod link;
mod load;
pub mod outlet;
mod reached;
mod replica_connection;
mod replicas;
pub mod role;
mod sink;
mod words;

pub use address::OwnAddress;
pub use replicas::{Fed, Link, Replicas, configure, now_ms};
