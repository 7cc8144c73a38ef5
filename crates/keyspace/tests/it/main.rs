//! Integration tests, one binary. All memory is given back, so that the leak sanitizer can be on.
#![cfg(not(loom))]

use table::Hasher;

mod clients;
mod machine;
mod model;
mod snapshot;
mod threads;

const HASHER: Hasher = Hasher::fixed(0x5eed);
