//! Integration tests, one binary. All memory is given back, so that the leak sanitizer can be on.

use std::sync::LazyLock;

use table::Hasher;

mod memory;
mod model;
mod prefetch;
mod scan;

/// One of a few hashers: each leaks its constants, a static keeps them reachable.
fn hasher(seed: u64) -> Hasher {
    static HASHERS: LazyLock<Vec<Hasher>> = LazyLock::new(|| (0..64).map(Hasher::new).collect());
    HASHERS[seed as usize % HASHERS.len()]
}
