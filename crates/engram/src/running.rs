//! From a node that runs to one that has ended: signals.
//!
//! A second signal is one that comes [`SAME_WISH`] after the first or later. A terminal may send two at once, by a key that
//! bounces or because it sends to a whole group of processes. Who else has asked for the end, a client or the agent, does not
//! count: systemd runs a stop command first, and sends SIGTERM while the node still saves.

use crate::console;
use crate::stopping::SAME_WISH;
use anyhow::{Context, Result};
use node::{Node, Stopper};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

/// How long an end at once waits for the disk to remove temporary files. One that hangs does not keep it.
const REMOVAL_LIMIT: Duration = Duration::from_secs(1);

/// The signals that end a node, heard from before it starts. A second one while it ends, ends the process at once.
pub(crate) struct EndSignals(Arc<Mutex<Hearing>>);

/// What a signal does now.
enum Hearing {
    /// The user's node starts, and may be loading: it need not go on, for its file is as it was.
    Starting,
    /// The agent's node starts. A signal counts once it has.
    StartingForAgent { heard: bool },
    /// It is asked to end.
    Running(Stopper),
}

impl EndSignals {
    /// Of a node that its user ends.
    pub(crate) fn listen() -> Result<EndSignals> {
        EndSignals::of(&[SIGINT, SIGTERM], Hearing::Starting)
    }

    /// Of a node that an agent ends: Ctrl-C in the agent's terminal is not meant for it.
    pub(crate) fn listen_to_the_agent() -> Result<EndSignals> {
        signal_hook::flag::register(SIGINT, Arc::default()).context("cannot handle signals")?;
        EndSignals::of(&[SIGTERM], Hearing::StartingForAgent { heard: false })
    }

    fn of(signals: &[i32], hearing: Hearing) -> Result<EndSignals> {
        let mut signals = Signals::new(signals).context("cannot handle signals")?;
        let hearing = Arc::new(Mutex::new(hearing));
        let theirs = hearing.clone();
        let hear = move || {
            let mut first: Option<Instant> = None;
            for signal in signals.forever() {
                if first.is_some_and(|first| first.elapsed() < SAME_WISH) {
                    continue;
                }
                first = Some(Instant::now());
                match &mut *theirs.lock().unwrap_or_else(PoisonError::into_inner) {
                    Hearing::Starting => end_at_once(0),
                    Hearing::StartingForAgent { heard: true } => end_at_once(1),
                    Hearing::StartingForAgent { heard } => *heard = true,
                    Hearing::Running(stopper) => {
                        if !stopper.stop(signal == SIGINT) {
                            end_at_once(1);
                        }
                    }
                }
            }
        };
        std::thread::Builder::new().name("signals".into()).spawn(hear).context("cannot start a thread")?;
        Ok(EndSignals(hearing))
    }

    /// Waits until a signal or a client ends the node, and ends it.
    pub(crate) fn wait(self, mut node: Node) -> Result<()> {
        let stopper = node.stopper();
        let mut hearing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Hearing::StartingForAgent { heard: true } = *hearing {
            stopper.stop(false);
        }
        *hearing = Hearing::Running(stopper);
        drop(hearing);
        node.announce();
        node.wait();
        node.end();
        Ok(())
    }
}

/// Ends the process whatever it does, and leaves no half-written file.
fn end_at_once(code: i32) -> ! {
    let (done, is_done) = mpsc::channel();
    let remove = move || {
        files::abandon_drafts();
        let _ = done.send(());
    };
    if std::thread::Builder::new().name("removal".into()).spawn(remove).is_ok() {
        let _ = is_done.recv_timeout(REMOVAL_LIMIT);
    }
    console::end(code)
}
