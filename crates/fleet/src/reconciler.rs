//! Carries the plan on from report to report: the last report of every node, steps under way, and pauses between attempts.
//!
//! The shell calls three things: [`Reconciler::report`] with what an agent tells, [`Reconciler::next`] for what to do, and
//! waits no longer than [`Reconciler::wake_at`]. Times count from an instant of the caller's, by the monotonic clock: the time of day may
//! go back, and a pause that counted by it would last too long. A step that ended is not repeated at once: a failed one after a pause
//! that doubles each time, and one that succeeded but is still in the plan after a moment, since a report may be on its way.

use crate::apply::ApplyError;
use crate::command::Command;
use crate::forecast::{Forecast, Present, forecast};
use crate::model::Fleet;
use crate::pace::Pace;
use crate::plan::{Host, Plan, Reports, Seen, plan};
use crate::step::{NodeId, Observed, Outcome, Process, Report, Step, StepError};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::SocketAddr;
use std::time::Duration;

/// First pause after a failure; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause: a node whose program is broken is tried this often.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Failures count as a row when they are no further apart.
const FORGET_AFTER: Duration = Duration::from_secs(10);

/// Between two successes of the same step.
const MOMENT: Duration = Duration::from_millis(50);

/// Carries the plan out, without doing anything itself.
#[derive(Debug)]
pub struct Reconciler {
    host: Host,
    nodes: Reports,
    /// When each was reported last.
    reported: BTreeMap<NodeId, Duration>,
    /// With the time that each was begun at.
    under_way: BTreeMap<u64, (Step, Duration)>,
    patience: HashMap<Step, Patience>,
    /// Where others listened.
    taken: BTreeSet<SocketAddr>,
    /// What ended steps have made true, to be written down.
    facts: Vec<Command>,
    next_ticket: u64,
    unknown: Observed,
    pace: Pace,
}

#[derive(Clone, Copy, Debug, Default)]
struct Patience {
    failures: u32,
    not_before: Duration,
}

/// What has become of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The step.
    pub step: Step,
    /// How.
    pub outcome: Result<Outcome, StepError>,
}

impl Seen for Reconciler {
    fn node(&self, node: NodeId) -> &Observed {
        self.nodes.get(&node).unwrap_or(&self.unknown)
    }

    fn failures(&self, step: &Step) -> u32 {
        self.patience.get(step).map_or(0, |patience| patience.failures)
    }

    fn is_busy(&self, node: NodeId) -> bool {
        self.under_way.values().any(|(step, _)| step.node() == Some(node))
    }

    fn is_taken(&self, address: SocketAddr) -> bool {
        self.taken.contains(&address)
    }
}

impl Reconciler {
    /// Knows nothing yet.
    pub fn new(host: Host) -> Reconciler {
        Reconciler {
            host,
            nodes: Reports::new(),
            reported: BTreeMap::new(),
            under_way: BTreeMap::new(),
            patience: HashMap::new(),
            taken: BTreeSet::new(),
            facts: Vec::new(),
            next_ticket: 1,
            unknown: Observed::default(),
            pace: Pace::default(),
        }
    }

    /// The nodes that were ever reported and are not gone.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.nodes.keys().copied()
    }

    /// What was last seen of a node.
    pub fn seen(&self, node: NodeId) -> &Observed {
        self.node(node)
    }

    /// Takes in what an agent tells; the step that has ended, if one has.
    pub fn report(&mut self, now: Duration, report: Report) -> Option<Ended> {
        match report {
            Report::Observed { node, observed } => {
                if observed.process == Process::Absent {
                    self.nodes.remove(&node);
                    self.reported.remove(&node);
                } else {
                    self.reported.insert(node, now);
                    self.nodes.insert(node, *observed);
                }
                None
            }
            Report::Stranger { node, origin, moved_to } => {
                let moved_to = moved_to.map(|place| place.display().to_string());
                self.facts.push(Command::Stranger { node, origin, moved_to });
                None
            }
            Report::Finished { ticket, outcome } => {
                let (step, began) = self.under_way.remove(&ticket)?;
                if let (Step::Close { endpoint, address }, Ok(_)) = (&step, &outcome) {
                    self.facts.push(Command::Closed { endpoint: *endpoint, address: *address });
                }
                match (&step, &outcome) {
                    (_, Err(StepError::AddressInUse(address))) => {
                        self.taken.insert(*address);
                    }
                    (Step::Listen { address, .. }, Ok(_)) => {
                        self.taken.remove(address);
                    }
                    _ => {}
                }
                let patience = self.patience.entry(step.clone()).or_default();
                if outcome.is_ok() {
                    self.pace.took(&step, now.saturating_sub(began));
                    *patience = Patience { failures: 0, not_before: now + MOMENT };
                } else {
                    let pause = FIRST_PAUSE * (1 << patience.failures.min(10));
                    patience.failures += 1;
                    patience.not_before = now + pause.min(LONGEST_PAUSE);
                }
                Some(Ended { step, outcome })
            }
        }
    }

    /// What to write down, else what to begin: each step with its ticket.
    pub fn next(&mut self, now: Duration, fleet: &Fleet) -> Next {
        let Plan { mut commands, steps } = plan(fleet, self, self.host);
        commands.extend(self.facts.drain(..).map(|fact| (String::new(), fact)));
        if !commands.is_empty() {
            return Next::Write(commands);
        }
        // A step that has not been asked for in a while begins anew. Not at once: it is not asked for while it is under way.
        let recent = |patience: &Patience| patience.not_before + FORGET_AFTER > now;
        self.patience.retain(|step, patience| recent(patience) || steps.contains(step));
        let mut begun = Vec::new();
        for step in steps {
            let waits = self.patience.get(&step).is_some_and(|patience| patience.not_before > now);
            if waits || self.under_way.values().any(|(under_way, _)| *under_way == step) {
                continue;
            }
            let ticket = self.next_ticket;
            self.next_ticket += 1;
            self.under_way.insert(ticket, (step.clone(), now));
            begun.push((ticket, step));
        }
        Next::Begin(begun)
    }

    /// What commands in a region would do at this time (also in Unix ms), if they were applied to this fleet.
    ///
    /// # Errors
    /// When they cannot be applied.
    pub fn forecast(
        &self,
        (now, now_ms): (Duration, u64),
        fleet: &Fleet,
        region: &str,
        commands: &[Command],
    ) -> Result<Forecast, ApplyError> {
        let present = Present { fleet, nodes: &self.nodes, host: self.host, pace: &self.pace, now_ms };
        let age = self.reported.values().map(|at| now.saturating_sub(*at)).max().unwrap_or_default();
        Ok(Forecast { age, ..forecast(present, region, commands)? })
    }

    /// When to ask again although nothing was reported.
    pub fn wake_at(&self, now: Duration) -> Option<Duration> {
        let later = self.patience.values().map(|patience| patience.not_before);
        later.filter(|at| *at > now).min()
    }
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Write these down and apply them, each in its region; then ask again.
    Write(Vec<(String, Command)>),
    /// Begin these.
    Begin(Vec<(u64, Step)>),
}
