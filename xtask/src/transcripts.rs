//! The commands' transcripts, by way of the conformance crate.

use anyhow::{Result, bail};

use crate::install;
use crate::run::Task;

/// Lets redis-server write the replies into all transcripts, or into those named.
pub(crate) fn record(files: &[&str]) -> Result<()> {
    if let Err(reason) = install::debian_package("redis-server", "redis-server") {
        bail!("{reason}");
    }
    conformance("record", files)
}

/// Runs all transcripts on redis-server or on an engram binary.
pub(crate) fn check(args: &[&str]) -> Result<()> {
    let server = args.first().copied().unwrap_or("redis-server");
    conformance("check", &[server])
}

fn conformance(command: &str, args: &[&str]) -> Result<()> {
    let task = Task::cargo(&["run", "--quiet", "--package", "conformance", "--", command]).args(args);
    if !task.run()?.success {
        bail!("the conformance crate reports a failure, see above");
    }
    Ok(())
}
