//! The hash function of keys.

use std::fmt;
use std::hash::Hasher as _;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;

/// Hashes keys to 64 well mixed bits; the table orders keys by the top ones.
///
/// All multiplication constants derive from the seed, not only the start value: with public constants, anyone could
/// build keys that cancel a factor and so collide under every seed.
#[derive(Clone, Copy)]
pub struct Hasher {
    seed: u64,
    constants: &'static SharedSeed,
}

impl Hasher {
    /// A hasher for this secret seed. It leaks 48 bytes: make one a process and copy it.
    pub fn new(seed: u64) -> Hasher {
        Hasher { seed, constants: Box::leak(Box::new(SharedSeed::from_u64(seed))) }
    }

    /// The hash of a key.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> u64 {
        let mut state = FoldHasher::with_seed(self.seed, self.constants);
        state.write(key);
        state.finish()
    }
}

impl fmt::Debug for Hasher {
    /// Does not print the seed, which is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}
