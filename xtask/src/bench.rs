//! Benchmarks beside redis-server, in one run, as ratios.

use anyhow::{Result, bail};

use crate::run::{Finished, Task};
use crate::{install, target_dir};

/// How the binary is built whose instructions are counted: the one that the tests run from outside.
const COUNTED: &str = "ci";

/// Counts instructions and compares them with the stored counts, or stores them (`--update`). The binary is already
/// built.
pub(crate) fn counts(args: &[&str]) -> Result<Finished> {
    let binary = target_dir().join(COUNTED).join("engram");
    let task = Task::cargo(&["run", "--quiet", "--package", "bench", "--", "counts"]);
    task.args(args).args(&["--engram"]).args(&[binary]).run()
}

/// The same, as a chore of its own.
fn counts_by_hand(args: &[&str]) -> Result<()> {
    if let Err(reason) = install::debian_package("valgrind", "valgrind") {
        bail!("{reason}");
    }
    let built = Task::cargo(&["build", "--profile", COUNTED, "--package", "engram"]).run()?;
    if !built.success {
        bail!("the build failed");
    }
    if !counts(args)?.success {
        bail!("the counts are not those that are kept");
    }
    Ok(())
}

/// Builds the binary and the benchmarks, and runs them. The benchmarks parse their own arguments.
pub(crate) fn bench(args: &[&str]) -> Result<()> {
    if let ["counts", rest @ ..] = args {
        return counts_by_hand(rest);
    }
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
