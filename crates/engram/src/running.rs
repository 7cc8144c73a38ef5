//! From a node that runs to one that has ended: signals.

use anyhow::{Context, Result};
use node::Node;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;

/// Waits until a signal or a client ends the node, and ends it. A second signal ends the process at once.
pub(crate) fn until_the_end(node: Node) -> Result<()> {
    until_one_of(&[SIGINT, SIGTERM], node)
}

/// As [`until_the_end`], for a node that an agent ends: Ctrl-C in the agent's terminal is not meant for it.
pub(crate) fn until_the_agent_ends_it(node: Node) -> Result<()> {
    signal_hook::flag::register(SIGINT, Arc::default()).context("cannot handle signals")?;
    until_one_of(&[SIGTERM], node)
}

fn until_one_of(signals: &[i32], mut node: Node) -> Result<()> {
    let mut signals = Signals::new(signals).context("cannot handle signals")?;
    let stopper = node.stopper();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            let mut asked = false;
            for signal in signals.forever() {
                if asked {
                    std::process::exit(1);
                }
                asked = true;
                stopper.stop(if signal == SIGINT { "SIGINT" } else { "SIGTERM" });
            }
        })
        .context("cannot start a thread")?;
    node.wait();
    node.end();
    Ok(())
}
