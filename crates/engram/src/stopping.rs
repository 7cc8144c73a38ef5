//! The end of a region that its user asks for.

use crate::console::tell;
use anyhow::Result;
use region::{Awaited, Directories, Ended, Fate, Service, Unsaved};
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal so soon after the first is the same wish: a key that bounces, or a terminal and a supervisor who both send it.
pub(crate) const SAME_WISH: Duration = Duration::from_millis(500);

/// The signals that end a region.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(crate) fn listen() -> std::io::Result<Signals> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ends all nodes; a signal has come just now. Those that cannot save their data run on, unless the user insists.
/// Returns what is left.
pub(crate) async fn stop(service: &Service, signals: &mut Signals, discards: bool) -> Result<Ended> {
    let asked = Instant::now();
    tell(
        "Stopping: every node saves its data. Another signal ends the rest at once, and what they have not saved is lost.\n",
    );
    let ended = service.end(discards);
    tokio::pin!(ended);
    let mut told = String::new();
    let mut look = tokio::time::interval_at((asked + FIRST_LOOK).into(), LOOK);
    loop {
        tokio::select! {
            left = &mut ended => return Ok(left?),
            _ = look.tick() => {
                let awaited = service.awaited().await;
                let names = names(&awaited);
                // The same again is no news.
                if names != told {
                    tell(&waiting(&awaited));
                    told = names;
                }
            }
            () = signals.next() => if asked.elapsed() >= SAME_WISH {
                service.insist();
            }
        }
    }
}

/// Who stops needs no words for a moment; whoever hangs is known to by then.
const FIRST_LOOK: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_secs(1);

/// Which nodes are waited for, and how they are.
fn names(awaited: &[Awaited]) -> String {
    let name = |Awaited { member, node, pid, hangs, .. }: &Awaited| {
        let pid = pid.map_or(String::new(), |pid| format!(", process {pid}"));
        let how = if *hangs { "hangs: none of its threads moves" } else { "has not ended yet" };
        format!("  {member} ({node}{pid}) {how}\n")
    };
    awaited.iter().map(name).collect()
}

/// That nodes are waited for, how long, and how the user ends that.
fn waiting(awaited: &[Awaited]) -> String {
    let Some(at_most) = awaited.iter().map(|node| node.at_most.as_secs()).max() else { return String::new() };
    format!(
        "Waiting for:\n{}It takes at most {at_most} s more; a node that has not ended by then runs on. Another signal (Ctrl-C) ends them at \
         once, and what they have not saved is lost.\n",
        names(awaited)
    )
}

/// Which nodes have not saved their data, why, and what to do.
pub(crate) fn sentence(unsaved: &[Unsaved], directories: &Directories) -> String {
    let runs = unsaved.iter().any(|node| node.fate == Fate::Runs);
    let mut text = String::from("not all nodes have saved their data:");
    for Unsaved { member, node, why, fate } in unsaved {
        let directory = directories.nodes().join(node.to_string());
        let fate = match fate {
            Fate::Runs => "; it runs on",
            Fate::Killed => "; it was ended without",
            Fate::Ended => "",
        };
        text.push_str(&format!("\n  {member} ({}): {why}{fate}", directory.display()));
    }
    if runs {
        text.push_str(
            "\nOnce the reason is mended, start engram and stop it again: it finds these nodes and has them save. To give their \
             data up, start it with --discard-unsaved and stop it.",
        );
    }
    text
}
