//! Integration tests, one binary. All memory is given back, so that the leak sanitizer can be on.
#![cfg(not(loom))]

use std::sync::LazyLock;

use table::Hasher;

mod clients;
mod machine;
mod model;
mod snapshot;
mod threads;

/// Hashers leak their constants; a static keeps those of the tests reachable.
static HASHER: LazyLock<Hasher> = LazyLock::new(|| Hasher::new(0x5eed));
