//! How many descriptors the control plane may have, and what they are for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More calls at a time than a region has use for.
const MAX_API_CONNECTIONS: u64 = 256;

/// Raises the soft limit to the hard one, and says how many connections the API may have: a quarter of all descriptors at most.
/// The rest is for nodes.
pub(crate) fn raise_limit() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // What cannot be raised stays as it is.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    (limit / 4).clamp(1, MAX_API_CONNECTIONS) as usize
}
