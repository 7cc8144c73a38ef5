//! The end of all nodes.
//!
//! ```text
//!   Stop ──▶ each node ──▶ ended, with its data in its file
//!                     ├──▶ ended before it had saved ──▶ told
//!                     └──▶ could not save, does not answer ──▶ left running, and told
//!                                                     └ the user insists ──▶ Kill
//! ```
//! While a node runs, its data is in no file. So a node that could not save is left running rather than ended.

use super::{Input, Thread};
use crate::view::StrangerView;
use fleet::NodeId;
use fleet::step::{Process, Report, Step, StepError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use tracing::info;

/// The agent bounds each stop: by twice what a node may take to save.
const LIMIT: Duration = Duration::from_secs(150);
/// Tickets of steps that no plan has made.
const FIRST_TICKET: u64 = u64::MAX / 2;

/// A node whose data is in no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsaved {
    /// `web-001`
    pub member: String,
    /// `n17`, the name of its directory.
    pub node: NodeId,
    /// Why it could not be stopped cleanly.
    pub why: String,
    /// What has become of it.
    pub fate: Fate,
}

/// What has become of a node that has not saved its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was left running.
    Runs,
    /// It was ended because the user insisted.
    Killed,
    /// It had ended by itself before.
    Ended,
}

/// What the end has left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Nodes whose data is in no file.
    pub unsaved: Vec<Unsaved>,
    /// Processes that are no node's of this region, which were left alone.
    pub strangers: Vec<StrangerView>,
}

/// A node that the end waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// `web-001`
    pub member: String,
    /// `n17`, the name of its directory.
    pub node: NodeId,
    /// Its process id, if it has been heard of.
    pub pid: Option<u32>,
    /// Nothing in it moves, so it may well never end.
    pub hangs: bool,
    /// How long it is waited for at most from now on.
    pub at_most: Duration,
}

/// What comes when all nodes end.
struct Round<'a> {
    thread: &'a Thread,
    next_ticket: u64,
    /// Under way, by their tickets. A node that is killed is asked for nothing else any more.
    stops: BTreeMap<u64, NodeId>,
    kills: BTreeMap<u64, NodeId>,
    unsaved: Vec<Unsaved>,
    /// What nodes have been seen to be since the end began.
    seen: BTreeMap<NodeId, Process>,
    began: Instant,
    /// A node that cannot save is ended without.
    discards: bool,
}

impl Thread {
    /// Ends all nodes that run, and says which have not saved their data. With `discards`, these are ended too.
    pub(super) fn end(&self, inputs: &Receiver<Input>, discards: bool) -> Ended {
        // Also those that are only being started: their stop waits for their start.
        let members = self.ledger.fleet().deployments().flat_map(|(_, deployment)| deployment.members());
        let wanted = members.flat_map(|(_, member)| member.nodes()).map(|node| node.id);
        let nodes: BTreeSet<NodeId> = self.reconciler.nodes().chain(wanted).collect();
        info!("stopping {} nodes", nodes.len());
        let (stops, kills) = (BTreeMap::new(), BTreeMap::new());
        let mut round = Round {
            thread: self,
            next_ticket: FIRST_TICKET,
            stops,
            kills,
            unsaved: Vec::new(),
            seen: BTreeMap::new(),
            began: Instant::now(),
            discards,
        };
        for node in nodes {
            let ticket = round.execute(Step::Stop { node });
            round.stops.insert(ticket, node);
        }
        let limit = Instant::now() + LIMIT;
        while !round.is_over() {
            match inputs.recv_timeout(limit.saturating_duration_since(Instant::now())) {
                Ok(Input::Report(Report::Finished { ticket, outcome })) => {
                    round.finished(ticket, outcome.err());
                }
                Ok(Input::Report(Report::Observed { node, observed })) => {
                    round.seen.insert(node, observed.process);
                }
                Ok(Input::Awaited(reply)) => drop(reply.send(round.awaited())),
                Ok(Input::Insist) => round.insist(),
                Ok(_) => {}
                Err(_) => round.give_up(),
            }
        }
        let strangers = self.agent.strangers().iter().map(StrangerView::of).collect();
        Ended { unsaved: round.unsaved, strangers }
    }
}

impl Round<'_> {
    fn is_over(&self) -> bool {
        self.stops.is_empty() && self.kills.is_empty()
    }

    fn awaited(&self) -> Vec<Awaited> {
        let at_most = self.thread.stop_limit.saturating_sub(self.began.elapsed());
        let awaited = |&node: &NodeId| {
            let before = self.thread.reconciler.seen(node);
            let process = self.seen.get(&node).copied().unwrap_or(before.process);
            Awaited {
                member: self.thread.label(node).to_owned(),
                node,
                pid: before.pid(),
                hangs: process == Process::Hung,
                at_most,
            }
        };
        self.stops.values().map(awaited).collect()
    }

    fn execute(&mut self, step: Step) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.thread.agent.execute(ticket, step);
        ticket
    }

    fn finished(&mut self, ticket: u64, error: Option<StepError>) {
        if let Some(node) = self.stops.remove(&ticket) {
            let Some(error) = error else { return };
            let fate = if let StepError::Unsaved(_) = error { Fate::Ended } else { Fate::Runs };
            self.note(node, error.to_string(), fate);
            if self.discards && fate == Fate::Runs {
                self.kill(node);
            }
        } else if let Some(node) = self.kills.remove(&ticket)
            && error.is_none()
            && let Some(unsaved) = self.unsaved.iter_mut().find(|unsaved| unsaved.node == node)
        {
            unsaved.fate = Fate::Killed;
        }
    }

    /// The user does not want to wait, nor to keep what cannot be saved.
    fn insist(&mut self) {
        self.discards = true;
        for node in std::mem::take(&mut self.stops).into_values() {
            self.note(node, "it was not waited for".to_owned(), Fate::Runs);
        }
        let killed: Vec<NodeId> = self.kills.values().copied().collect();
        let left = self.unsaved.iter().filter(|unsaved| unsaved.fate == Fate::Runs);
        let left: Vec<NodeId> = left.map(|unsaved| unsaved.node).collect();
        for node in left.into_iter().filter(|node| !killed.contains(node)) {
            self.kill(node);
        }
    }

    /// The agent has left some step without an end.
    fn give_up(&mut self) {
        for node in std::mem::take(&mut self.stops).into_values() {
            self.note(node, "the node has not ended in time".to_owned(), Fate::Runs);
        }
        self.kills.clear();
    }

    fn kill(&mut self, node: NodeId) {
        let ticket = self.execute(Step::Kill { node });
        self.kills.insert(ticket, node);
    }

    fn note(&mut self, node: NodeId, why: String, fate: Fate) {
        let member = self.thread.label(node).to_owned();
        self.unsaved.push(Unsaved { member, node, why, fate });
    }
}
