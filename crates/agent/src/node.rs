//! The state of a node that its two threads and the agent share.
//!
//! ```text
//!   execute ──▶ queue ──▶ worker: one step after the other, may wait for the node
//!      │                    │ spawned, probe, survey
//!      └── kill ──▶ mail ──▶ keeper: heartbeats, death, reports; never waits
//! ```
//! Kill and remove overtake: steps in the queue end with [`StepError::NodeGone`], the step under way is interrupted, and no later step
//! begins before the process has ended. Only the keeper decides the state of the process; the worker reads it in [`Seen`].
//!
//! Lock order: the agent's table of nodes, then a queue, then `seen`, the mail or the switch.

use crate::bell::Bell;
use crate::handover::Handover;
use crate::identity::{self, Settled, Stranger};
use crate::keeper::Keeper;
use crate::line::Switch;
use crate::listeners::Listeners;
use crate::place::Place;
use crate::process::{Exit, Process as Os};
use crate::{Config, steps};
use fleet::NodeRecord;
use fleet::step::{NodeId, Outcome, Process, Report, Step, StepError};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Neither thread calls deeply; most of it is a frame of JSON on the heap.
const STACK_BYTES: usize = 256 << 10;
/// A step's end waits this long for the status that shows what it changed.
const PROBE_LIMIT: Duration = Duration::from_secs(1);

/// What all nodes of an agent share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) listeners: Listeners,
    /// The nodes that are looked after.
    nodes: Mutex<HashMap<NodeId, Arc<Node>>>,
    /// The heartbeats of all nodes are multiples of their period after this instant, so the host wakes up for all of them at once.
    pub(crate) rhythm: Instant,
    reports: Sender<Report>,
}

impl Shared {
    pub(crate) fn new(config: Config, reports: Sender<Report>) -> Shared {
        let (listeners, nodes) = Default::default();
        Shared { config, listeners, nodes, rhythm: Instant::now(), reports }
    }

    pub(crate) fn nodes(&self) -> MutexGuard<'_, HashMap<NodeId, Arc<Node>>> {
        lock(&self.nodes)
    }

    /// A receiver that is gone wants no reports.
    pub(crate) fn report(&self, report: Report) {
        let _ = self.reports.send(report);
    }

    pub(crate) fn place(&self, node: NodeId) -> Place {
        Place::new(&self.config.nodes_directory, &self.config.runtime_directory, node)
    }

    /// Finds out whose a node's directory is. A stranger is moved aside, if nobody lives there, and reported.
    pub(crate) fn settle(&self, node: NodeId, record: Option<&NodeRecord>) -> io::Result<Settled> {
        let settled = identity::settle(&self.place(node), node, record, &self.config.strangers_directory)?;
        if let Settled::Moved(stranger) | Settled::Lives(stranger) = &settled {
            let Stranger { origin, moved_to } = stranger.clone();
            self.report(Report::Stranger { node, origin, moved_to });
        }
        Ok(settled)
    }

    pub(crate) fn finish(&self, ticket: u64, outcome: Result<Outcome, StepError>) {
        self.report(Report::Finished { ticket, outcome });
    }
}

/// What waits for a node's worker.
pub(crate) enum Item {
    /// A step; without a ticket nobody waits for its end.
    Step { ticket: Option<u64>, step: Step },
    /// Half of a handover.
    Handover(Arc<Handover>),
    /// Take back the listeners of an adopted node.
    Recover,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    /// The worker is at an item.
    running: bool,
    /// The item under way is a handover.
    handover: Option<Arc<Handover>>,
    /// It is known who lives here.
    open: bool,
    /// Kills and removes that have not ended.
    ends: usize,
    closed: bool,
}

/// A kill or a remove.
pub(crate) struct End {
    pub(crate) ticket: u64,
    pub(crate) removes: bool,
}

/// What the keeper is told.
pub(crate) enum Mail {
    End(End),
    /// Kill it because a step took too long.
    Kill,
    Spawned(Os),
    /// Somebody holds the lock: look who it is.
    Survey,
    /// Ask for a status that is newer than this.
    Probe(u64),
    Leave,
}

/// What the end of the last process means for what it held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum LastEnd {
    /// Nothing is lost by it: it ended cleanly, it had not come so far as to hold anything, or it was meant to be killed.
    #[default]
    Harmless,
    /// It has served and is at its end, but how it ends the system does not tell yet.
    Open,
    /// It has served, and ended without its data in its file, as far as is known. This is how.
    Unsaved(String),
}

/// What the keeper knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    pub(crate) process: Process,
    /// The listener of the readers' endpoint was shut down under a node that may still believe in it.
    pub(crate) reader_withdrawn: bool,
    /// The process is one of an earlier control plane.
    pub(crate) adopted: bool,
    /// Of the process before, until the next one serves.
    pub(crate) last_end: LastEnd,
    probes_asked: u64,
    probes_answered: u64,
}

impl Seen {
    /// How the process has ended whose end was [`LastEnd::Open`].
    pub(crate) fn ends(&mut self, exit: Exit) {
        if self.last_end != LastEnd::Open {
            return;
        }
        self.last_end = match exit {
            // A node that was sent SIGTERM has saved before.
            Exit::Status(0) => LastEnd::Harmless,
            Exit::Status(code) => {
                LastEnd::Unsaved(format!("it ended with status {code} before it said that its data is saved"))
            }
            Exit::Signal(signal) => {
                LastEnd::Unsaved(format!("it ended by signal {signal} before it said that its data is saved"))
            }
            Exit::Unknown => LastEnd::Unsaved("it ended before it said that its data is saved".to_owned()),
        };
    }
}

pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) place: Place,
    pub(crate) shared: Arc<Shared>,
    pub(crate) switch: Switch,
    queue: Mutex<Queue>,
    /// The queue has changed.
    turn: Condvar,
    seen: Mutex<Seen>,
    /// `seen` or the switch has changed.
    changed: Condvar,
    mail: Mutex<Vec<Mail>>,
    bell: Bell,
    /// Told once, when it is known who lives here.
    surveyed: Mutex<Option<Sender<NodeId>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Node {
    /// Begins to look after a node. `surveyed` hears when it is known who lives there and the listeners are taken back.
    pub(crate) fn begin(
        id: NodeId,
        shared: Arc<Shared>,
        surveyed: Option<Sender<NodeId>>,
    ) -> io::Result<Arc<Node>> {
        let node = Arc::new(Node {
            id,
            place: shared.place(id),
            shared,
            switch: Switch::default(),
            queue: Mutex::default(),
            turn: Condvar::new(),
            seen: Mutex::default(),
            changed: Condvar::new(),
            mail: Mutex::default(),
            bell: Bell::new()?,
            surveyed: Mutex::new(surveyed),
            threads: Mutex::default(),
        });
        let keeper = node.clone();
        let worker = node.clone();
        let keeper = thread::Builder::new()
            .name(format!("keep-{id}"))
            .stack_size(STACK_BYTES)
            .spawn(move || Keeper::new(keeper).run())?;
        lock(&node.threads).push(keeper);
        let worker = thread::Builder::new()
            .name(format!("step-{id}"))
            .stack_size(STACK_BYTES)
            .spawn(move || worker.work());
        match worker {
            Ok(worker) => lock(&node.threads).push(worker),
            Err(error) => {
                node.leave();
                return Err(error);
            }
        }
        Ok(node)
    }

    /// Puts an item at the end; gives it back if the node is removed.
    pub(crate) fn enqueue(&self, item: Item) -> Result<(), Box<Item>> {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return Err(Box::new(item));
        }
        queue.items.push_back(item);
        self.turn.notify_all();
        Ok(())
    }

    /// Puts an item before all others.
    pub(crate) fn enqueue_first(&self, item: Item) {
        lock(&self.queue).items.push_front(item);
        self.turn.notify_all();
    }

    /// Begins a kill or a remove: everything before it is over. False if the node is removed.
    pub(crate) fn overtake(&self, end: End) -> bool {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return false;
        }
        queue.ends += 1;
        let overtaken = std::mem::take(&mut queue.items);
        self.abandon(&queue, overtaken);
        self.post(Mail::End(end));
        true
    }

    /// Ends what waits and what is under way.
    fn abandon(&self, queue: &Queue, items: VecDeque<Item>) {
        self.switch.turn_off();
        for item in items {
            match item {
                Item::Step { ticket: Some(ticket), .. } => {
                    self.shared.finish(ticket, Err(StepError::NodeGone));
                }
                Item::Handover(handover) => handover.abandon(self.id),
                Item::Step { ticket: None, .. } | Item::Recover => {}
            }
        }
        if let Some(handover) = &queue.handover {
            handover.abandon(self.id);
        }
        drop(lock(&self.seen));
        self.changed.notify_all();
    }

    /// The step under way has noticed that it is overtaken, so nothing it does can follow.
    pub(crate) fn is_idle(&self) -> bool {
        !lock(&self.queue).running
    }

    /// It is known who lives here, so steps know what they begin with.
    pub(crate) fn may_begin(&self) {
        lock(&self.queue).open = true;
        self.turn.notify_all();
    }

    /// Ends kills: steps that came after them may begin. With `close` the node is gone for good, and they end.
    pub(crate) fn ended(&self, ends: usize, close: bool) {
        let mut queue = lock(&self.queue);
        queue.ends -= ends;
        if close {
            queue.closed = true;
            let left = std::mem::take(&mut queue.items);
            self.abandon(&queue, left);
        }
        self.turn.notify_all();
    }

    /// The worker's thread.
    fn work(self: Arc<Self>) {
        while let Some(item) = self.next() {
            match item {
                Item::Step { ticket, step } => {
                    let outcome = steps::perform(&self, &step);
                    self.probe();
                    if let Some(ticket) = ticket {
                        self.shared.finish(ticket, outcome);
                    }
                }
                Item::Handover(handover) => handover.attend(self.id),
                Item::Recover => {
                    // Without its listeners the node still is what it is; the plan asks for them by steps.
                    let _ = steps::recover(&self);
                    self.is_surveyed();
                }
            }
            let mut queue = lock(&self.queue);
            queue.running = false;
            queue.handover = None;
            if queue.ends > 0 {
                self.bell.ring();
            }
        }
    }

    fn next(&self) -> Option<Item> {
        let mut queue = lock(&self.queue);
        loop {
            if queue.closed {
                return None;
            }
            if queue.open
                && queue.ends == 0
                && let Some(item) = queue.items.pop_front()
            {
                self.switch.turn_on();
                queue.running = true;
                if let Item::Handover(handover) = &item {
                    queue.handover = Some(handover.clone());
                }
                return Some(item);
            }
            queue = self.turn.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn seen(&self) -> Seen {
        lock(&self.seen).clone()
    }

    /// Changes what is seen and tells who waits for it.
    pub(crate) fn see(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut lock(&self.seen));
        self.changed.notify_all();
    }

    /// Waits until `is` holds, the step is overtaken, or the time is over. True if it holds.
    pub(crate) fn wait_until(&self, limit: Duration, is: impl Fn(&Seen) -> bool) -> bool {
        let until = Instant::now() + limit;
        let mut seen = lock(&self.seen);
        loop {
            if is(&seen) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.switch.is_off() {
                return false;
            }
            seen = self.changed.wait_timeout(seen, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the keeper has reported a status that was asked for after this call.
    pub(crate) fn probe(&self) {
        let wanted = {
            let mut seen = lock(&self.seen);
            seen.probes_asked += 1;
            seen.probes_asked
        };
        self.post(Mail::Probe(wanted));
        self.wait_until(PROBE_LIMIT, |seen| {
            seen.probes_answered >= wanted
                || matches!(seen.process, Process::Absent | Process::Ended | Process::Hung)
        });
    }

    pub(crate) fn probed(&self, probe: u64) {
        if lock(&self.seen).probes_answered < probe {
            self.see(|seen| seen.probes_answered = probe);
        }
    }

    pub(crate) fn is_surveyed(&self) {
        if let Some(surveyed) = lock(&self.surveyed).take() {
            let _ = surveyed.send(self.id);
        }
    }

    pub(crate) fn post(&self, mail: Mail) {
        lock(&self.mail).push(mail);
        self.bell.ring();
    }

    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }

    /// What has been posted, and silence of the bell.
    pub(crate) fn take_mail(&self) -> Vec<Mail> {
        self.bell.silence();
        std::mem::take(&mut *lock(&self.mail))
    }

    /// Stops looking after the node, which runs on. What waits has no end.
    pub(crate) fn leave(&self) {
        let mut queue = lock(&self.queue);
        queue.closed = true;
        queue.items.clear();
        if let Some(handover) = &queue.handover {
            handover.abandon(self.id);
        }
        self.switch.turn_off();
        self.turn.notify_all();
        drop(queue);
        drop(lock(&self.seen));
        self.changed.notify_all();
        self.post(Mail::Leave);
    }

    /// The keeper of a removed node ends: nothing is left of it, neither descriptors nor threads.
    pub(crate) fn retire(self: &Arc<Self>) {
        let mut nodes = self.shared.nodes();
        // A successor may have come.
        if nodes.get(&self.id).is_some_and(|known| Arc::ptr_eq(known, self)) {
            nodes.remove(&self.id);
        }
        drop(nodes);
        let this = thread::current().id();
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            if thread.thread().id() != this {
                let _ = thread.join();
            }
        }
    }

    /// Waits for the threads after [`Node::leave`].
    pub(crate) fn join(&self) {
        // The lock is let go of before: the keeper of a removed node takes it at its end.
        let threads = std::mem::take(&mut *lock(&self.threads));
        for thread in threads {
            let _ = thread.join();
        }
    }
}
