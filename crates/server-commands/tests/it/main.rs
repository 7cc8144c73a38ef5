//! One test binary: a node in this process, asked over its Unix socket, beside a real redis-server.
//!
//! What needs a redis-server that is not there says "not run", or fails when servers are required.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods)] // a test starts servers

mod command_table;
#[path = "../../../node/tests/it/harness.rs"]
mod harness;
mod metrics;
mod server;
mod value_types;

use harness::{TestNode, ask, oracle};

// What counts against maxmemory.
#[global_allocator]
static ALLOCATOR: memory::CountingAllocator = memory::CountingAllocator;
