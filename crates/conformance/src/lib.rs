//! Engram against a real redis-server.
//!
//! Everything here tests servers from outside, over their sockets. Of Engram's own crates it uses the specs of commands,
//! and nothing that runs them. It has its own decoder of replies, so that a mistake in Engram's codec cannot hide itself.
//!
//! ```text
//!   transcript files ──▶ transcript::Runner ──┐
//!                                             ├──▶ Connection ──▶ Peer (redis-server or engram, own process)
//!   program::Generator ──▶ differential ──────┤
//!                     └──▶ replication load ──┤
//!   soak::clients ─────────────────────────────┤
//!   Line … ──▶ stream::of ────────────────────┘
//! ```
//!
//! - [`peer`] starts a server on a private directory, socket and port, and ends it by its own pid.
//! - [`connection`] and [`reply`] are a blocking client and what it receives.
//! - [`shape`] checks whether a reply has the shape that the command's spec declares.
//! - [`transcript`] runs text files of commands and replies; the real server writes the replies.
//! - [`program`] makes random command programs from grammars, one file a family.
//! - [`differential`] runs a program on two servers in lockstep, compares, and shrinks what differs.
//! - [`replication`] attaches one server to another under write load and compares them at the same offset.
//! - [`stream`] compares what two servers send to their replicas, command by command.
//! - [`soak`] runs many kinds of clients at once on a server with a replica: each must move on, both must agree.
//!
//! The crate is a test harness: it owns processes, sockets, files, time and the environment.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods)] // a harness lives on what the pure layers must not touch

pub mod connection;
pub mod differential;
pub mod migration;
pub mod peer;
pub mod program;

pub mod replication;
pub mod reply;
pub mod rng;
pub mod shape;
pub mod soak;
pub mod stream;
pub mod transcript;
