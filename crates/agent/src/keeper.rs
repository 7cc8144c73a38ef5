//! The keeper of a node: watches its process and its heartbeat, and reports.
//!
//! It sleeps in one poll(2) over the pidfd (has the process ended?), the heartbeat's socket (has the node answered or closed?) and a
//! bell (is there mail?). While the node is silent, the keeper looks at its threads (`silence`). It never waits for the node.

use crate::node::{End, Item, LastEnd, Mail, Node};
use crate::place::peer;
use crate::process::Process as Os;
use crate::silence::{Silence, Verdict};
use fleet::step::{Observed, Outcome, Process, Report, Step, StepError, Unreached};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::sync::Arc;
use std::time::{Duration, Instant};
use supervision::{Connection, Endpoint, Link, Reply, Request, Role, Status};

/// The answer takes no lock in the node, so an idle host has it within a fraction of a ms.
const ANSWER_LIMIT: Duration = Duration::from_millis(25);
/// Between looks at a silent node, at first and after [`LOOKED_OFTEN`].
const LOOK_SOON: Duration = Duration::from_millis(25);
const LOOK_LATER: Duration = Duration::from_millis(100);
const LOOKED_OFTEN: Duration = Duration::from_secs(1);
/// Between looks at a process that has been sent SIGKILL, or whose socket has closed.
const LOOK_AT_DEATH: Duration = Duration::from_millis(1);
/// A node without clients is asked this much more rarely: its end is told by the pidfd, and its hanging is noticed within the time
/// that a hang is given anyway. An idle region costs next to nothing then.
const QUIET_BEATS: u32 = 5;

/// A node that is about to change is asked this often, for so long after the last change.
const EAGER_BEAT: Duration = Duration::from_millis(20);
const EAGER_FOR: Duration = Duration::from_secs(10);
/// A frame that has begun to arrive is whole, unless the node was stopped in the middle.
pub(crate) const FRAME_LIMIT: Duration = Duration::from_millis(50);
/// How often something is reported of which nothing has changed.
const REPORT_PERIOD: Duration = Duration::from_secs(1);

/// A status that was asked for.
struct Asked {
    /// The last probe that it answers.
    probe: u64,
}

/// The process that lives here.
struct Life {
    process: Os,
    since: Instant,
    /// By an earlier control plane.
    adopted: bool,
    connection: Option<Connection>,
    asked: Option<Asked>,
    next_beat: Instant,
    next_look: Instant,
    silent_since: Instant,
    silence: Silence,
    answered: bool,
    /// It has been sent SIGKILL, or its socket has closed: its end is near.
    dying: bool,
}

pub(crate) struct Keeper {
    node: Arc<Node>,
    observed: Observed,
    life: Option<Life>,
    /// At their end, but still freeing their memory.
    leaving: Vec<Os>,
    /// Which of them has served, so that how it ends matters.
    serving_left: Option<u32>,
    ends: Vec<End>,
    probe: u64,
    eager_until: Instant,
    next_report: Instant,
}

impl Keeper {
    pub(crate) fn new(node: Arc<Node>) -> Keeper {
        let now = Instant::now();
        Keeper {
            node,
            observed: Observed::default(),
            life: None,
            leaving: Vec::new(),
            serving_left: None,
            ends: Vec::new(),
            probe: 0,
            eager_until: now,
            next_report: now,
        }
    }

    /// Until the node is removed or the agent ends.
    pub(crate) fn run(mut self) {
        self.survey();
        if self.life.is_none() {
            if self.node.place.exists() {
                self.publish(Process::Ended);
            }
            self.node.is_surveyed();
        }
        self.node.may_begin();
        loop {
            let now = Instant::now();
            self.tick(now);
            if self.finish_ends() {
                self.node.retire();
                return;
            }
            let (ended, spoke, closed) = self.wait();
            for mail in self.node.take_mail() {
                if !self.take(mail) {
                    return;
                }
            }
            if spoke {
                self.hear();
            } else if closed {
                self.hang_up();
            }
            if ended {
                self.end();
            }
            self.reap();
        }
    }

    /// Sleeps until something happens: the process has ended, has spoken, has closed its socket.
    fn wait(&self) -> (bool, bool, bool) {
        let mut polled = vec![PollFd::from_borrowed_fd(self.node.bell(), PollFlags::IN)];
        let connection = self.life.as_ref().and_then(|life| life.connection.as_ref());
        if let Some(connection) = connection {
            polled.push(PollFd::from_borrowed_fd(connection.as_fd(), PollFlags::IN));
        }
        let pidfds = polled.len();
        polled.extend(
            self.life
                .iter()
                .map(|life| life.process.as_fd())
                .chain(self.leaving.iter().map(Os::as_fd))
                .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)),
        );
        let timeout = self.deadline().map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) }
        });
        // Interrupted or not: the next turn looks again.
        let _ = poll(&mut polled, timeout.as_ref());
        let spoke = connection.is_some() && polled[1].revents().contains(PollFlags::IN);
        let closed = connection.is_some() && polled[1].revents().intersects(PollFlags::HUP | PollFlags::ERR);
        let ended = self.life.is_some() && !polled[pidfds].revents().is_empty();
        (ended, spoke, closed)
    }

    /// When to wake up if nothing happens.
    fn deadline(&self) -> Option<Instant> {
        let life = self.life.as_ref()?;
        let mut deadline = if life.asked.is_some() || life.dying { life.next_look } else { life.next_beat };
        if life.connection.is_none() {
            deadline = deadline.min(life.next_look).min(life.next_beat);
        }
        Some(deadline)
    }

    /// False to leave.
    fn take(&mut self, mail: Mail) -> bool {
        match mail {
            Mail::Leave => return false,
            Mail::End(end) => {
                if self.life.is_none() {
                    self.survey();
                }
                self.kill();
                self.ends.push(end);
            }
            Mail::Kill => self.kill(),
            Mail::Spawned(process) => {
                self.begin(process, false, None);
                if !self.ends.is_empty() {
                    self.kill();
                }
            }
            Mail::Survey => self.survey(),
            Mail::Probe(probe) => {
                self.probe = self.probe.max(probe);
                self.ask();
            }
        }
        true
    }

    /// Finds who lives here, if it is not known.
    fn survey(&mut self) {
        if self.life.is_some() {
            return;
        }
        let Ok(Some((process, stream))) = self.node.place.find() else { return };
        if self.leaving.iter().any(|leaving| leaving.pid() == process.pid()) {
            return;
        }
        self.begin(process, true, stream.and_then(open_heart));
        self.ask();
    }

    fn begin(&mut self, process: Os, adopted: bool, connection: Option<Connection>) {
        let now = Instant::now();
        self.life = Some(Life {
            process,
            since: now,
            adopted,
            connection,
            asked: None,
            next_beat: now,
            next_look: now + ANSWER_LIMIT,
            silent_since: now,
            silence: Silence::default(),
            answered: false,
            dying: false,
        });
        self.eager_until = now + EAGER_FOR;
        self.observed.status = None;
        self.node.see(|seen| seen.adopted = adopted);
        self.publish(Process::Starting);
    }

    /// What is due.
    fn tick(&mut self, now: Instant) {
        let Some(life) = &mut self.life else { return };
        if life.connection.is_none() && now >= life.next_beat {
            life.next_beat = now + EAGER_BEAT;
            if let Ok(stream) = self.node.place.connect() {
                life.connection = open_heart(stream);
                self.check_peer();
            }
        }
        let Some(life) = &self.life else { return };
        if life.asked.is_none() && now >= life.next_beat {
            self.ask();
        }
        let Some(life) = &self.life else { return };
        let silent = life.asked.is_some() || life.connection.is_none() || life.dying;
        if silent && now >= life.next_look {
            self.look(now);
        }
        let limit = self.node.shared.config.start_limit;
        if let Some(life) = &self.life
            && !life.answered
            && !life.dying
            // One of an earlier control plane may hold data, and only its socket be lost.
            && !life.adopted
            && self.observed.process == Process::Starting
            && now.duration_since(life.since) > limit
        {
            self.kill();
        }
    }

    /// Whoever answers on the socket is the node, even if the process that was started for it is another: of two that were
    /// started at once, one has found the lock taken.
    fn check_peer(&mut self) {
        let Some(life) = &self.life else { return };
        let Some(answers) = &life.connection else { return };
        if peer(answers.as_fd()) == Some(life.process.pid()) {
            return;
        }
        let Ok(Some((process, Some(stream)))) = self.node.place.find() else { return };
        let other = self.life.take().map(|life| life.process);
        self.leaving.extend(other);
        self.begin(process, true, open_heart(stream));
    }

    /// Sends a heartbeat, unless one is on its way.
    fn ask(&mut self) {
        let Some(life) = &mut self.life else { return };
        let Some(connection) = &mut life.connection else { return };
        if life.asked.is_some() {
            return;
        }
        let now = Instant::now();
        match connection.send(&Request::Status, &[]) {
            Ok(()) => {
                life.asked = Some(Asked { probe: self.probe });
                life.silent_since = now;
                life.next_look = life.next_look.max(now + ANSWER_LIMIT);
            }
            Err(_) => self.hang_up(),
        }
    }

    /// Takes an answer.
    fn hear(&mut self) {
        let Some(life) = &mut self.life else { return };
        let Some(connection) = &mut life.connection else { return };
        match connection.receive::<Reply>() {
            Ok((Reply::Status(status), _)) if status.node == self.node.id.to_string() => {
                let asked = life.asked.take();
                if let Some(asked) = asked {
                    self.answered(*status, &asked);
                }
            }
            _ => self.hang_up(),
        }
    }

    fn answered(&mut self, mut status: Status, asked: &Asked) {
        let now = Instant::now();
        let Some(life) = &mut self.life else { return };
        life.silence = Silence::default();
        let first = !std::mem::replace(&mut life.answered, true);
        if first {
            self.node.see(|seen| seen.last_end = LastEnd::Harmless);
        }
        if life.dying {
            return;
        }
        let was_hung = self.observed.process == Process::Hung;
        let withdrawn = self.node.seen().reader_withdrawn;
        if withdrawn {
            status.listening.retain(|listening| listening.endpoint != Endpoint::Reader);
            if was_hung {
                let step = Step::Unlisten { node: self.node.id, endpoint: Endpoint::Reader };
                self.node.enqueue_first(Item::Step { ticket: None, step });
            }
        }
        let adopted = first && life.adopted;
        let settled = is_settled(&status);
        let quiet = settled && status.clients == 0;
        let before = self.observed.status.as_ref();
        let changed =
            self.observed.process != Process::Running || before.is_none_or(|before| matters(before, &status));
        if changed {
            self.eager_until = now + EAGER_FOR;
        }
        self.observed.status = Some(status);
        if changed || now >= self.next_report {
            self.publish(Process::Running);
        }
        if adopted {
            self.node.enqueue_first(Item::Recover);
        }
        self.node.probed(asked.probe);
        self.schedule(now, settled, quiet);
        if self.probe > asked.probe {
            self.ask();
        }
    }

    /// When the next heartbeat is due: in the rhythm of all nodes, later if nobody would notice, soon if something is about to
    /// change.
    fn schedule(&mut self, now: Instant, settled: bool, quiet: bool) {
        let Some(life) = &mut self.life else { return };
        let period = self.node.shared.config.heartbeat * if quiet { QUIET_BEATS } else { 1 };
        let since = now.duration_since(self.node.shared.rhythm);
        let rhythm = period.saturating_mul((since.as_nanos() / period.as_nanos().max(1)) as u32 + 1);
        life.next_beat = self.node.shared.rhythm + rhythm;
        if !settled && now < self.eager_until {
            life.next_beat = life.next_beat.min(now + EAGER_BEAT);
        }
    }

    /// Looks at the threads of a silent process.
    fn look(&mut self, now: Instant) {
        let Some(life) = &mut self.life else { return };
        let silent_for = now.duration_since(life.silent_since);
        life.next_look = now
            + if life.dying {
                LOOK_AT_DEATH
            } else if silent_for < LOOKED_OFTEN {
                LOOK_SOON
            } else {
                LOOK_LATER
            };
        if life.process.has_ended() {
            return self.end();
        }
        // What /proc does not show is judged by the pidfd alone.
        let Ok(threads) = life.process.threads() else { return };
        match life.silence.judge(now, &threads) {
            Verdict::Ended => self.end(),
            // It has not come so far as to listen: it may wait for anything, up to the limit of a start.
            Verdict::Hung if life.connection.is_none() && !life.answered && !stopped(&threads) => {}
            Verdict::Hung if self.observed.process != Process::Hung && !life.dying => {
                if self.node.shared.listeners.withdraw_reader(self.node.id) {
                    self.node.see(|seen| seen.reader_withdrawn = true);
                    if let Some(status) = &mut self.observed.status {
                        status.listening.retain(|listening| listening.endpoint != Endpoint::Reader);
                    }
                }
                self.publish(Process::Hung);
                self.node.is_surveyed();
            }
            Verdict::Hung | Verdict::Slow => {}
        }
    }

    /// The heartbeat's socket is of no use any more: most likely the process is at its end.
    fn hang_up(&mut self) {
        let now = Instant::now();
        let Some(life) = &mut self.life else { return };
        life.connection = None;
        life.asked = None;
        life.silent_since = now;
        life.next_look = now;
        life.next_beat = now + EAGER_BEAT;
    }

    fn kill(&mut self) {
        let Some(life) = &mut self.life else { return };
        // It fails only for a process of another user, which then does not end; the looks go on.
        let _ = life.process.kill();
        life.dying = true;
        life.next_look = Instant::now();
    }

    /// The process can never serve again.
    fn end(&mut self) {
        let Some(life) = self.life.take() else { return };
        if life.answered && !life.dying {
            self.node.see(|seen| seen.last_end = LastEnd::Open);
            self.serving_left = Some(life.process.pid());
        }
        self.leaving.push(life.process);
        self.reap();
        self.node.shared.listeners.withdraw_reader(self.node.id);
        self.node.see(|seen| seen.reader_withdrawn = false);
        self.publish(Process::Ended);
        self.node.switch.interrupt();
        self.node.is_surveyed();
    }

    fn reap(&mut self) {
        self.leaving.retain(|process| {
            let ended = process.has_ended();
            if ended {
                let exit = process.reap();
                if self.serving_left == Some(process.pid()) {
                    self.serving_left = None;
                    self.node.see(|seen| seen.ends(exit));
                }
            }
            !ended
        });
    }

    /// Finishes kills and removes when nobody is there. True if the node is removed.
    fn finish_ends(&mut self) -> bool {
        if self.ends.is_empty() || self.life.is_some() || !self.node.is_idle() {
            return false;
        }
        let ends = std::mem::take(&mut self.ends);
        let count = ends.len();
        let removal = ends.iter().any(|end| end.removes).then(|| self.remove());
        if let Some(Ok(())) = removal {
            self.observed = Observed::default();
            self.publish(Process::Absent);
            // From here on steps go to a successor; what has come until now is done with this.
            self.node.ended(count, true);
            let late = self.node.take_mail().into_iter();
            let late = late.filter_map(|mail| if let Mail::End(end) = mail { Some(end) } else { None });
            for end in ends.into_iter().chain(late) {
                self.node.shared.finish(end.ticket, Ok(Outcome::Done));
            }
            self.leave_to_die();
            return true;
        }
        for end in ends {
            let outcome = removal.clone().filter(|_| end.removes).unwrap_or(Ok(()));
            self.node.shared.finish(end.ticket, outcome.map(|()| Outcome::Done));
        }
        self.node.ended(count, false);
        false
    }

    fn remove(&self) -> Result<(), StepError> {
        self.node.shared.listeners.withdraw_reader(self.node.id);
        let removed = self.node.place.remove();
        removed.map_err(|error| StepError::Failed(format!("cannot remove {}: {error}", self.node.id)))
    }

    /// Waits for what still frees its memory, so that it is reaped.
    fn leave_to_die(&mut self) {
        while !self.leaving.is_empty() {
            let mut polled: Vec<PollFd<'_>> = self
                .leaving
                .iter()
                .map(|process| PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN))
                .collect();
            let _ = poll(&mut polled, None);
            self.reap();
        }
    }

    /// An earlier control plane's process that has not been reached.
    fn unreached(&self) -> Option<Unreached> {
        let life = self.life.as_ref()?;
        let reached = life.answered || life.connection.is_some() || !life.adopted;
        (!reached)
            .then(|| Unreached { pid: life.process.pid(), socket: self.node.place.private_socket.clone() })
    }

    /// Tells the node's worker and the agent's user.
    fn publish(&mut self, process: Process) {
        self.observed.process = process;
        self.observed.unreached = self.unreached();
        let period = REPORT_PERIOD.as_nanos();
        let since = self.node.shared.rhythm.elapsed().as_nanos();
        self.next_report =
            self.node.shared.rhythm + REPORT_PERIOD.saturating_mul((since / period) as u32 + 1);
        let report = Report::Observed { node: self.node.id, observed: Box::new(self.observed.clone()) };
        // Both at once: a step that somebody asks for because of the report must not be misled by what was seen before.
        self.node.see(|seen| {
            self.node.shared.report(report);
            seen.process = process;
        });
    }
}

fn open_heart(stream: std::os::unix::net::UnixStream) -> Option<Connection> {
    let connection = Connection::new(stream);
    connection.set_timeout(Some(FRAME_LIMIT)).ok()?;
    Some(connection)
}

fn stopped(threads: &[crate::threads::Thread]) -> bool {
    threads.iter().any(|thread| thread.state == crate::threads::State::Stopped)
}

/// What a plan acts on has changed.
fn matters(before: &Status, after: &Status) -> bool {
    let facts = |status: &Status| {
        let Status { epoch, link, holds_data, loading, writes_paused, revision, .. } = *status;
        (epoch, link, holds_data, loading, writes_paused, revision)
    };
    facts(before) != facts(after) || before.role != after.role || before.listening != after.listening
}

/// Nothing is about to happen by itself.
fn is_settled(status: &Status) -> bool {
    !status.loading
        && match &status.role {
            Role::Primary => true,
            Role::Replica(_) => status.link == Link::Up,
            Role::Unassigned | Role::Drained => false,
        }
}
