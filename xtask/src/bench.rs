//! Benchmarks beside redis-server, in one run, as ratios.

use anyhow::{Result, bail};

use crate::run::Task;
use crate::target_dir;

/// Builds the binary and the benchmarks, and runs them. The benchmarks know their own arguments.
pub(crate) fn bench(args: &[&str]) -> Result<()> {
    let built = Task::cargo(&["build", "--release", "--package", "engram", "--package", "bench"]).run()?;
    if !built.success {
        bail!("the release build failed");
    }
    let finished = Task::new(target_dir().join("release/bench")).args(args).run()?;
    if !finished.success {
        bail!("the benchmarks failed");
    }
    Ok(())
}
