//! Which CPU a thread may run on.

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The server's.
pub(crate) const SERVER: usize = 0;
/// The generator's.
pub(crate) const GENERATOR: usize = 1;

/// Runs something with the calling thread on one CPU; threads and processes that it starts inherit that.
pub(crate) fn on<T>(cpu: Option<usize>, run: impl FnOnce() -> Result<T>) -> Result<T> {
    let Some(cpu) = cpu else { return run() };
    let before = sched_getaffinity(None)?;
    let mut only = CpuSet::new();
    only.set(cpu);
    sched_setaffinity(None, &only).with_context(|| format!("run on CPU {cpu}; --unpinned does without"))?;
    let result = run();
    sched_setaffinity(None, &before)?;
    result
}
