//! From a node that runs to one that has ended: signals.

use anyhow::{Context, Result};
use node::Node;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

/// The signals that end a node, heard from before it starts: one that comes while it loads counts once it has loaded. A second
/// one ends the process at once.
pub(crate) struct EndSignals(Receiver<i32>);

impl EndSignals {
    /// Of a node that its user ends.
    pub(crate) fn listen() -> Result<EndSignals> {
        EndSignals::of(&[SIGINT, SIGTERM])
    }

    /// Of a node that an agent ends: Ctrl-C in the agent's terminal is not meant for it.
    pub(crate) fn listen_to_the_agent() -> Result<EndSignals> {
        signal_hook::flag::register(SIGINT, Arc::default()).context("cannot handle signals")?;
        EndSignals::of(&[SIGTERM])
    }

    fn of(signals: &[i32]) -> Result<EndSignals> {
        let mut signals = Signals::new(signals).context("cannot handle signals")?;
        let (heard, first) = mpsc::channel();
        let hear = move || {
            for (number, signal) in signals.forever().enumerate() {
                if number > 0 {
                    std::process::exit(1);
                }
                // Nobody listens any more when the node has ended by itself.
                let _ = heard.send(signal);
            }
        };
        spawn("signals", hear)?;
        Ok(EndSignals(first))
    }

    /// Waits until a signal or a client ends the node, and ends it.
    pub(crate) fn wait(self, mut node: Node) -> Result<()> {
        let stopper = node.stopper();
        let stop = move || {
            if let Ok(signal) = self.0.recv() {
                stopper.stop(if signal == SIGINT { "SIGINT" } else { "SIGTERM" });
            }
        };
        spawn("end", stop)?;
        node.wait();
        node.end();
        Ok(())
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
    std::thread::Builder::new().name(name.into()).spawn(run).map(drop).context("cannot start a thread")
}
