//! A planned change of the primary, over both of its nodes.
//!
//! ```text
//!   old primary          new primary
//!   PauseWrites ──position──▶ AwaitPosition     a failure: ResumeWrites, all as before
//!   Assign replica at position                  refused if it has gone on since then; from here on only forwards
//!                             Assign primary
//! ```
//! The workers of both nodes take part: each reaches the handover in the order of its steps and waits until it is over, so that the
//! handover can use its connection. Both halves are queued under one lock, so two handovers that cross do not deadlock.
//!
//! If the control plane vanishes, the pause ends by itself. Writes that the old primary then takes would be lost with its role, so the
//! demotion carries the position: the node compares it with its own at the instant at which it would give up its role. A node of
//! version 1 of the protocol does not compare; for it the pause is longer than all steps before the demotion may take. A handover that
//! is repeated after a crash begins by asking both nodes how far it had come.

use crate::line::Line;
use crate::node::Node;
use crate::steps::{QUESTION_LIMIT, upstream};
use fleet::step::{NodeId, Outcome, StepError};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use supervision::{Link, Position, Refusal, Request, Role, Status};

/// Clients notice a longer wait; a replica whose link is up lags by less.
const REACH_LIMIT: Duration = Duration::from_millis(1500);
/// The pause outlasts the wait by what a starved machine may take to say so.
const PAUSE_LIMIT: Duration = Duration::from_secs(4);
/// No demotion of a node that does not compare positions is sent later than this after the pause was asked for.
const DEMOTION_LIMIT: Duration = Duration::from_secs(3);

/// The version of the protocol in which a demotion says at which position.
const POSITION_SINCE: u32 = 2;

#[derive(Default)]
struct Attendance {
    present: Vec<NodeId>,
    abandoned: bool,
    over: bool,
}

pub(crate) struct Handover {
    pub(crate) ticket: u64,
    pub(crate) from: Arc<Node>,
    pub(crate) to: Arc<Node>,
    pub(crate) to_address: SocketAddr,
    pub(crate) epoch: u64,
    attendance: Mutex<Attendance>,
    changed: Condvar,
}

impl Handover {
    pub(crate) fn new(
        ticket: u64,
        from: Arc<Node>,
        (to, to_address): (Arc<Node>, SocketAddr),
        epoch: u64,
    ) -> Handover {
        let attendance = Mutex::default();
        Handover { ticket, from, to, to_address, epoch, attendance, changed: Condvar::new() }
    }

    /// A worker is here, and stays until it is over or given up.
    pub(crate) fn attend(&self, node: NodeId) {
        let mut attendance = self.lock();
        attendance.present.push(node);
        self.changed.notify_all();
        while !attendance.over && !attendance.abandoned {
            attendance = self.changed.wait(attendance).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// One of the two is killed: nothing more is asked of it, and no answer of the other is waited for.
    pub(crate) fn abandon(&self, node: NodeId) {
        let mut attendance = self.lock();
        if attendance.over || std::mem::replace(&mut attendance.abandoned, true) {
            return;
        }
        self.changed.notify_all();
        drop(attendance);
        let other = if node == self.from.id { &self.to } else { &self.from };
        other.switch.interrupt();
    }

    /// The handover's own thread.
    pub(crate) fn run(&self) {
        let outcome = if self.assemble() { self.hand_over() } else { Err(StepError::NodeGone) };
        self.from.probe();
        self.to.probe();
        self.from.shared.finish(self.ticket, outcome.map(|()| Outcome::Done));
        self.lock().over = true;
        self.changed.notify_all();
    }

    /// Waits for both workers.
    fn assemble(&self) -> bool {
        let mut attendance = self.lock();
        while attendance.present.len() < 2 && !attendance.abandoned {
            attendance = self.changed.wait(attendance).unwrap_or_else(PoisonError::into_inner);
        }
        !attendance.abandoned
    }

    fn hand_over(&self) -> Result<(), StepError> {
        let (from, compares) = {
            let mut line = Line::dial(&self.from)?;
            (line.status(QUESTION_LIMIT)?, line.peer_version() >= POSITION_SINCE)
        };
        let to = Line::dial(&self.to)?.status(QUESTION_LIMIT)?;
        if to.role == Role::Primary && to.epoch >= self.epoch {
            return if self.follows(&from) { Ok(()) } else { self.demote(None) };
        }
        if self.follows(&from) && from.epoch >= self.epoch {
            return self.promote();
        }
        if from.role != Role::Primary {
            return Err(wrong_role(&from, "not the primary"));
        }
        if !matches!(to.role, Role::Replica(_)) || to.link != Link::Up || !to.holds_data {
            return Err(wrong_role(&to, "not a replica in sync"));
        }
        self.catch_up(compares).and_then(|at| self.demote(at)).inspect_err(|_| self.resume())?;
        self.promote()
    }

    /// Until the new primary has everything that the old one has acknowledged. Where that is, for a node that compares.
    fn catch_up(&self, compares: bool) -> Result<Option<Position>, StepError> {
        let asked = Instant::now();
        let pause = Request::PauseWrites { epoch: self.epoch, for_ms: PAUSE_LIMIT.as_millis() as u64 };
        let position = Line::dial(&self.from)?.position(&pause, REACH_LIMIT)?;
        let left = REACH_LIMIT.saturating_sub(asked.elapsed());
        let reach = Request::AwaitPosition { position: position.clone(), for_ms: left.as_millis() as u64 };
        Line::dial(&self.to)?.position(&reach, left + Duration::from_millis(500))?;
        match compares {
            true => Ok(Some(position)),
            false if asked.elapsed() < DEMOTION_LIMIT => Ok(None),
            false => Err(StepError::Failed("the pause of writes was about to end".into())),
        }
    }

    fn demote(&self, at: Option<Position>) -> Result<(), StepError> {
        self.check_attendance()?;
        let role = Role::Replica(upstream(&self.from, self.to.id, self.to_address));
        let limit = self.from.shared.config.command_limit;
        let mut line = Line::dial(&self.from)?;
        if at.is_some() {
            // The node says on this line too what it speaks.
            line.status(QUESTION_LIMIT)?;
        }
        line.order(&Request::Assign { epoch: self.epoch, role, at }, limit)
    }

    fn promote(&self) -> Result<(), StepError> {
        self.check_attendance()?;
        let limit = self.to.shared.config.command_limit;
        let request = Request::Assign { epoch: self.epoch, role: Role::Primary, at: None };
        Line::dial(&self.to)?.order(&request, limit)
    }

    /// Ends the pause, if the old primary still is one. Whether a demotion that was not answered has happened is not known; the node
    /// refuses this if it has.
    fn resume(&self) {
        let resumed = Line::dial(&self.from)
            .and_then(|mut line| line.order(&Request::ResumeWrites { epoch: self.epoch }, QUESTION_LIMIT));
        // Otherwise the pause ends by itself.
        drop(resumed);
    }

    /// After one of the two was killed, nobody gets a role by this.
    fn check_attendance(&self) -> Result<(), StepError> {
        if self.lock().abandoned { Err(StepError::NodeGone) } else { Ok(()) }
    }

    fn follows(&self, from: &Status) -> bool {
        matches!(&from.role, Role::Replica(upstream) if upstream.node == self.to.id.to_string())
    }

    fn lock(&self) -> MutexGuard<'_, Attendance> {
        self.attendance.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wrong_role(status: &Status, what: &str) -> StepError {
    StepError::Refused(Refusal::WrongRole(format!("{} is {what}", status.node)))
}
