//! Benchmarks beside redis-server, in one run, as ratios.

use anyhow::{Result, bail};

/// Runs benchmarks.
pub(crate) fn bench(_args: &[&str]) -> Result<()> {
    bail!("there are no benchmarks yet")
}
