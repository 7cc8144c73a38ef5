//! Descriptors of this process: the limit, and how many are free.
//!
//! A node takes about nine: its process, its bell, three connections, listeners. Keeping the present nodes alive needs a few more for a
//! moment: a connection for each step under way, a listener's second handle, the files and pipes of a start. So a process is started
//! only while [`RESERVE`] are free, beside those that the program may use for other things.

use rustix::process::{Resource, getrlimit};
use std::io;

/// For a step on each of several nodes at once, their heartbeats that are opened again, and who asks for the status.
pub(crate) const RESERVE: u64 = 32;

/// An error if another node would use up what keeps the present ones alive.
pub(crate) fn check_reserve(others: u64) -> io::Result<()> {
    let reserve = RESERVE + others;
    let Some(limit) = getrlimit(Resource::Nofile).current else { return Ok(()) };
    // Where they cannot be counted, the next open fails.
    let Some(open) = open() else { return Ok(()) };
    if open + reserve <= limit {
        return Ok(());
    }
    let text = format!(
        "{open} of at most {limit} files are open, and {reserve} are kept for what runs; raise the limit (ulimit -n)"
    );
    Err(io::Error::new(io::ErrorKind::QuotaExceeded, text))
}

/// How many are open.
fn open() -> Option<u64> {
    let directory = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    // One is that of the directory itself.
    Some((std::fs::read_dir(directory).ok()?.count() as u64).saturating_sub(1))
}
