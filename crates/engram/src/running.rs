//! From a node that runs to one that has ended: signals.

use anyhow::{Context, Result};
use node::Node;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Waits until a signal or a client ends the node, and ends it. A second signal ends the process at once.
pub(crate) fn until_the_end(mut node: Node) -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM]).context("cannot handle signals")?;
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
