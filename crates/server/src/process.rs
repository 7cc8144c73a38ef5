//! What the server asks of its process: descriptors, and a place for its files.

use std::path::{Path, PathBuf};

/// Descriptors that a process needs besides those of its clients.
const RESERVED_DESCRIPTORS: u64 = 32;

/// Lets the process have a descriptor for each of so many clients; how many clients it can have if that is fewer.
pub fn raise_descriptor_limit(clients: u64) -> Result<(), u64> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return Ok(()) };
    let wanted = clients + RESERVED_DESCRIPTORS;
    if soft >= wanted {
        return Ok(());
    }
    if setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted)).is_ok() {
        return Ok(());
    }
    if hard >= wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok() {
        return Ok(());
    }
    let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    Err(hard.max(soft).saturating_sub(RESERVED_DESCRIPTORS))
}

/// A directory as an absolute path, read from `base` if it is relative.
pub fn resolve_directory(base: &Path, path: &Path) -> std::io::Result<PathBuf> {
    let found = base.join(path).canonicalize()?;
    match found.is_dir() {
        true => Ok(found),
        false => Err(std::io::ErrorKind::NotADirectory.into()),
    }
}
