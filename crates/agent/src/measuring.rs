//! Asks all nodes for what they measure, a round at a time.
//!
//! ```text
//!   round ──▶ a question to each node that owes no answer ──▶ poll(2) over all until each has answered, or the time is over
//! ```
//! It has a connection of its own to each node, so that neither heartbeats nor steps wait for it, and neither keeper nor worker knows
//! of it. A node that does not answer in time owes its answer: it is asked nothing more, and once the answer is there it belongs to the
//! round in which it came. So a node that hangs costs nothing, and what a node counted meanwhile is in its next values.
//!
//! A connection is of one process. What was read by an earlier one is forgotten with it: counters begin anew with a process.

use crate::keeper::FRAME_LIMIT;
use crate::node::Shared;
use fleet::step::NodeId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use supervision::{Connection, MEASURED_SINCE, Measured, Reply, Request};

/// What a node has answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Who.
    pub node: NodeId,
    /// What it has measured.
    pub now: Arc<Measured>,
    /// Its answer before, if the same process has given one.
    pub before: Option<Arc<Measured>>,
}

/// What a node owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owes {
    Nothing,
    /// Its status, which says who it is and what it speaks.
    Status,
    Measured,
    /// It is of a version that does not measure.
    Never,
}

struct Line {
    connection: Connection,
    owes: Owes,
    last: Option<Arc<Measured>>,
}

/// The connections by which nodes are asked.
pub struct Measuring {
    shared: Arc<Shared>,
    lines: HashMap<NodeId, Line>,
}

impl Measuring {
    pub(crate) fn new(shared: Arc<Shared>) -> Measuring {
        Measuring { shared, lines: HashMap::new() }
    }

    /// Asks these nodes, and returns the answers that have come within the time.
    pub fn round(&mut self, nodes: &[NodeId], limit: Duration) -> Vec<Answer> {
        let until = Instant::now() + limit;
        self.lines.retain(|node, _| nodes.contains(node));
        for node in nodes {
            let asked = match self.lines.get_mut(node) {
                Some(line) if line.owes == Owes::Nothing => line.ask(&Request::Measure, Owes::Measured),
                Some(_) => Some(()),
                None => self.dial(*node),
            };
            if asked.is_none() {
                self.lines.remove(node);
            }
        }
        let mut answers = Vec::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let (waiting, spoke) = self.wait(left);
            for node in spoke {
                let Some(line) = self.lines.get_mut(&node) else { continue };
                match line.hear(node) {
                    Some(answer) => answers.extend(answer),
                    None => drop(self.lines.remove(&node)),
                }
            }
            if waiting == 0 || left.is_zero() {
                return answers;
            }
        }
    }

    fn dial(&mut self, node: NodeId) -> Option<()> {
        let connection = Connection::new(self.shared.place(node).connect().ok()?);
        connection.set_timeout(Some(FRAME_LIMIT)).ok()?;
        let mut line = Line { connection, owes: Owes::Nothing, last: None };
        line.ask(&Request::Status, Owes::Status)?;
        self.lines.insert(node, line);
        Some(())
    }

    /// How many owe something, and who of them has spoken.
    fn wait(&self, left: Duration) -> (usize, Vec<NodeId>) {
        let waiting =
            self.lines.iter().filter(|(_, line)| matches!(line.owes, Owes::Status | Owes::Measured));
        let (nodes, mut polled): (Vec<NodeId>, Vec<PollFd<'_>>) = waiting
            .map(|(node, line)| (*node, PollFd::from_borrowed_fd(line.connection.as_fd(), PollFlags::IN)))
            .unzip();
        if nodes.is_empty() {
            return (0, nodes);
        }
        let timeout = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        // Interrupted or not: the next turn looks again.
        let _ = poll(&mut polled, Some(&timeout));
        let spoke = nodes.iter().zip(&polled).filter(|(_, polled)| !polled.revents().is_empty());
        (nodes.len(), spoke.map(|(node, _)| *node).collect())
    }
}

impl Line {
    /// `None` when the connection is of no use any more.
    fn ask(&mut self, request: &Request, owes: Owes) -> Option<()> {
        self.connection.send(request, &[]).ok()?;
        self.owes = owes;
        Some(())
    }

    /// Takes what has come; the same for `None`.
    fn hear(&mut self, node: NodeId) -> Option<Option<Answer>> {
        match (self.connection.receive::<Reply>().ok()?.0, self.owes) {
            (Reply::Status(status), Owes::Status) if status.node == node.to_string() => {
                if self.connection.peer_version() < MEASURED_SINCE {
                    self.owes = Owes::Never;
                } else {
                    self.ask(&Request::Measure, Owes::Measured)?;
                }
                Some(None)
            }
            (Reply::Measured(measured), Owes::Measured) => {
                self.owes = Owes::Nothing;
                let now = Arc::new(measured);
                let before = self.last.replace(now.clone());
                Some(Some(Answer { node, now, before }))
            }
            _ => None,
        }
    }
}
