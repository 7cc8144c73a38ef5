//! `daemonize yes`: the node goes on in a process of its own, without the terminal that started it.
//!
//! Nothing is forked: this program starts itself again with the same arguments and input and ends. The new process knows
//! what it is by a variable of its environment.

use anyhow::{Context, Result};
use rustix::process::setsid;
use std::io::Write;
use std::process::{Command, Stdio};

/// Set for the process that goes on.
const MARK: &str = "ENGRAM_DAEMON";

/// Leaves the terminal: ends this process and goes on in another, which returns from here.
pub(crate) fn leave_terminal(input: &[u8]) -> Result<()> {
    if std::env::var_os(MARK).is_some() {
        // It may lead a session already.
        let _ = setsid();
        return Ok(());
    }
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut command = Command::new(program);
    command.args(std::env::args_os().skip(1)).env(MARK, "1");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().context("cannot start a process of its own")?;
    let mut pipe = child.stdin.take().expect("it was asked for");
    pipe.write_all(input).context("cannot hand the standard input over")?;
    std::process::exit(0);
}
