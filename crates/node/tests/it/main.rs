//! One test binary: a node in this process, asked over its Unix socket, beside a real redis-server.
//!
//! What needs a redis-server that is not there says "not run", or fails when servers are required.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods)] // a test starts servers

mod clients;
mod connections;
mod fields;
mod gate;
mod gathering;
mod harness;
mod large_values;
mod lengthy;
mod lifetime;
mod managed;
mod outbox;
mod redirection;
mod removals;
mod replication;
mod replies;
mod settings;
mod tracking;
mod truths;
mod waits;
mod waits_beside;
mod walks;

use harness::{TestNode, ask, oracle};

// What counts against maxmemory.
#[global_allocator]
static ALLOCATOR: memory::CountingAllocator = memory::CountingAllocator;
