//! The one thread that decides.
//!
//! ```text
//!   API calls ──▶ ┌───────────────────────────────────┐ ──▶ steps ──▶ agent
//!   reports ────▶ │ fleet · reconciler · log, in turn │
//!   questions ──▶ └───────────────────────────────────┘ ──▶ answers
//! ```
//! Everything that changes the fleet comes through one channel to one thread. So an operation sees the current state, decides, is
//! logged, applied and answered before anything else happens; there are no locks and no races. The thread never waits for a node:
//! each step ends as a report.

mod stopping;

pub use stopping::{Awaited, Ended, Fate, Unsaved};

use crate::clock::{Clock, NotMovable};
use crate::ledger::{Entry, Ledger, Refused};
use crate::registry::Registry;
use crate::store::Store;
use crate::view::{RegionView, StrangerView};
use agent::Agent;
use fleet::step::{Process, Report, Step};
use fleet::{Command, DeploymentId, Fleet, Forecast, Host, MemberState, Next, NodeId, Phase, Reconciler};
use std::collections::HashMap;
use std::io;
use std::slice;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};
use supervision::Endpoint;
use tokio::sync::oneshot;
use tracing::{debug, error, info, warn};

/// Plans that follow each other without a pause. More is a plan that never comes to rest, which is a bug.
const MAX_PLANS: u32 = 1_000;

/// Between looks at the time of day while something waits for a maintenance window.
const WINDOW_LOOK: Duration = Duration::from_secs(60);

/// What the decision of a call comes to.
pub struct Decision<T> {
    /// To be written down and applied, all or none.
    pub commands: Vec<Command>,
    /// Makes the answer from the state behind them.
    pub answer: Box<dyn FnOnce(&Fleet) -> T + Send>,
}

/// What comes to the thread.
enum Input {
    Call(Box<dyn FnOnce(&mut Thread) + Send>),
    Report(Report),
    WhenSettled(String, DeploymentId, oneshot::Sender<Phase>),
    End {
        discards: bool,
        reply: oneshot::Sender<Ended>,
    },
    /// Which nodes the end waits for.
    Awaited(oneshot::Sender<Vec<Awaited>>),
    /// Nodes that have not ended are to be ended at once.
    Insist,
}

/// Tells when the thread is over.
#[derive(Debug)]
pub struct Over(oneshot::Receiver<Result<(), Failure>>);

/// Why the thread could not go on. The nodes can.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What is decided must be written down first.
    #[error("the log of the fleet cannot be written ({0})")]
    Log(io::Error),
    /// Everybody who could ask it for something is gone, or it has panicked.
    #[error("the thread that decides is gone")]
    Gone,
}

impl Over {
    /// Waits for the end of the thread: a clean one by [`Service::end`], or a failure.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn wait(self) -> Result<(), Failure> {
        self.0.await.unwrap_or(Err(Failure::Gone))
    }
}

/// The running thread. Clones speak to the same one.
#[derive(Clone, Debug)]
pub struct Service {
    inputs: Sender<Input>,
    registry: Registry,
}

/// The thread has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the control plane is ending")]
pub struct Ending;

/// Why a call was not decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDecided {
    /// The thread has ended.
    #[error(transparent)]
    Ending(#[from] Ending),
    /// What was decided could not be applied. That is a bug; nothing was written.
    #[error("the decision could not be applied")]
    Refused,
}

struct Thread {
    ledger: Ledger,
    reconciler: Reconciler,
    /// What windows and written decisions go by.
    clock: Clock,
    /// What the reconciler's times count from.
    began: Instant,
    agent: Agent,
    waiting: Vec<(String, DeploymentId, oneshot::Sender<Phase>)>,
    /// The longest that a node is waited for at the end.
    stop_limit: Duration,
    /// Why the last step about a node failed, until one succeeds.
    failures: HashMap<NodeId, String>,
    /// Hears who there is.
    registry: Registry,
    /// The log could not be written.
    failed: Option<io::Error>,
}

impl Service {
    /// Takes over the nodes that an agent has found, and begins to decide.
    ///
    /// # Errors
    /// When the agent or the threads cannot be started.
    pub fn start(
        store: Store,
        fleet: Fleet,
        agent: agent::Config,
        host: Host,
        clock: Clock,
        registry: Registry,
    ) -> io::Result<(Service, Over)> {
        let began = Instant::now();
        let (report_to, reports) = mpsc::channel();
        // For its answer, and again for its end.
        let stop_limit = 2 * agent.stop_limit;
        let agent = Agent::start(agent, &fleet.nodes, report_to)?;
        open_endpoints(&agent, &fleet);
        let mut reconciler = Reconciler::new(host);
        // The plan begins from what is: nobody is taken for lost because the report is still on its way.
        for report in reports.try_iter() {
            warn_of_stranger(&agent, &report);
            reconciler.report(began.elapsed(), report);
        }
        let (inputs, received) = mpsc::channel();
        let forward = inputs.clone();
        std::thread::Builder::new().name("reports".into()).spawn(move || {
            for report in reports {
                if forward.send(Input::Report(report)).is_err() {
                    return;
                }
            }
        })?;
        let mut ledger = Ledger::new(store, fleet);
        let outdated = crate::services::outdated(ledger.fleet());
        ledger
            .write(clock.now_ms(), &outdated)?
            .map_err(|refused| io::Error::other(format!("{refused:?}")))?;
        registry.enroll(ledger.fleet());
        registry.begin(agent.measuring())?;
        let mut thread = Thread {
            ledger,
            reconciler,
            clock,
            began,
            agent,
            waiting: Vec::new(),
            stop_limit,
            failures: HashMap::new(),
            registry: registry.clone(),
            failed: None,
        };
        let (tell, over) = oneshot::channel();
        std::thread::Builder::new().name("control".into()).spawn(move || {
            let ended = thread.run(&received);
            // Before the agent is let go of, which waits for steps.
            let _ = tell.send(ended);
        })?;
        Ok((Service { inputs, registry }, Over(over)))
    }

    /// Lets a call decide, in a region, on the present state (and time, Unix ms).
    ///
    /// # Errors
    /// See [`NotDecided`].
    pub async fn call<T: Send + 'static, E: Send + 'static>(
        &self,
        region: String,
        decide: impl FnOnce(&Fleet, u64) -> Result<Decision<T>, E> + Send + 'static,
    ) -> Result<Result<T, E>, NotDecided> {
        let (reply, answered) = oneshot::channel();
        let call = move |thread: &mut Thread| {
            let now_ms = thread.clock.now_ms();
            let answer = match decide(thread.ledger.fleet(), now_ms) {
                Ok(Decision { commands, answer }) => {
                    let entries: Vec<Entry> = commands.into_iter().map(|c| (region.clone(), c)).collect();
                    match thread.write(now_ms, &entries) {
                        true => Ok(Ok(answer(thread.ledger.fleet()))),
                        false if thread.failed.is_some() => return,
                        false => Err(NotDecided::Refused),
                    }
                }
                Err(error) => Ok(Err(error)),
            };
            // Who asked may have gone.
            let _ = reply.send(answer);
        };
        self.inputs.send(Input::Call(Box::new(call))).map_err(|_| Ending)?;
        answered.await.map_err(|_| Ending)?
    }

    /// What a call would do, in a region, on the present state.
    ///
    /// # Errors
    /// See [`NotDecided`].
    pub async fn foretell<E: Send + 'static>(
        &self,
        region: String,
        decide: impl FnOnce(&Fleet, u64) -> Result<Vec<Command>, E> + Send + 'static,
    ) -> Result<Result<Forecast, E>, NotDecided> {
        let (reply, answered) = oneshot::channel();
        let look = move |thread: &mut Thread| {
            let (now_ms, fleet) = (thread.clock.now_ms(), thread.ledger.fleet());
            let answer = match decide(fleet, now_ms) {
                Ok(commands) => match thread.reconciler.forecast(
                    (thread.began.elapsed(), now_ms),
                    fleet,
                    &region,
                    &commands,
                ) {
                    Ok(forecast) => Ok(Ok(forecast)),
                    Err(why) => {
                        error!(%why, region, ?commands, "commands cannot be applied");
                        Err(NotDecided::Refused)
                    }
                },
                Err(error) => Ok(Err(error)),
            };
            let _ = reply.send(answer);
        };
        self.inputs.send(Input::Call(Box::new(look))).map_err(|_| Ending)?;
        answered.await.map_err(|_| Ending)?
    }

    /// What the nodes measure.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// How everything is.
    ///
    /// # Errors
    /// [`Ending`].
    pub async fn view(&self) -> Result<Vec<RegionView>, Ending> {
        let (reply, answered) = oneshot::channel();
        let look = move |thread: &mut Thread| {
            let (fleet, failures) = (thread.ledger.fleet(), &thread.failures);
            let strangers = thread.agent.strangers();
            let _ = reply.send(crate::view::look(fleet, &thread.reconciler, failures, &strangers));
        };
        self.inputs.send(Input::Call(Box::new(look))).map_err(|_| Ending)?;
        answered.await.map_err(|_| Ending)
    }

    /// Moves the clock of a test forward by so many ms; what is due by then begins. Returns what the clock says.
    ///
    /// # Errors
    /// [`Ending`], and within it [`NotMovable`].
    pub async fn advance(&self, by_ms: u64) -> Result<Result<u64, NotMovable>, Ending> {
        let (reply, answered) = oneshot::channel();
        let advance = move |thread: &mut Thread| {
            let _ = reply.send(thread.clock.advance(by_ms));
        };
        self.inputs.send(Input::Call(Box::new(advance))).map_err(|_| Ending)?;
        answered.await.map_err(|_| Ending)
    }

    /// Waits until a deployment is neither being made nor changed.
    ///
    /// # Errors
    /// [`Ending`], also when it is not there.
    pub async fn settled(&self, region: &str, id: DeploymentId) -> Result<Phase, Ending> {
        let (reply, settled) = oneshot::channel();
        self.inputs.send(Input::WhenSettled(region.to_owned(), id, reply)).map_err(|_| Ending)?;
        settled.await.map_err(|_| Ending)
    }

    /// Ends all nodes cleanly, each with its data in its file, and then the thread. Nodes that could not save are left running, or
    /// ended with `discards`; they are told, and so are processes that are no node's of this region.
    ///
    /// # Errors
    /// [`Ending`], if somebody else has asked before.
    pub async fn end(&self, discards: bool) -> Result<Ended, Ending> {
        let (reply, ended) = oneshot::channel();
        self.inputs.send(Input::End { discards, reply }).map_err(|_| Ending)?;
        ended.await.map_err(|_| Ending)
    }

    /// The nodes that [`Service::end`] waits for at this moment; none once it is over.
    pub async fn awaited(&self) -> Vec<Awaited> {
        let (reply, answered) = oneshot::channel();
        let _ = self.inputs.send(Input::Awaited(reply));
        answered.await.unwrap_or_default()
    }

    /// While [`Service::end`] is under way: ends at once what has not ended, saved or not.
    pub fn insist(&self) {
        // A thread that has ended waits for nobody.
        let _ = self.inputs.send(Input::Insist);
    }
}

impl Thread {
    fn run(&mut self, inputs: &Receiver<Input>) -> Result<(), Failure> {
        self.reconcile();
        loop {
            let now = self.began.elapsed();
            let window = self.until_window().map(|wait| now + wait);
            let input = match self.reconciler.wake_at(now).into_iter().chain(window).min() {
                Some(at) => inputs.recv_timeout(at.saturating_sub(now)),
                None => inputs.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match input {
                Ok(Input::End { discards, reply }) => {
                    let _ = reply.send(self.end(inputs, discards));
                    return Ok(());
                }
                Ok(input) => self.take(input),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(Failure::Gone),
            }
            // Everything that is there already counts for the next plan.
            loop {
                match inputs.try_recv() {
                    Ok(Input::End { discards, reply }) => {
                        let _ = reply.send(self.end(inputs, discards));
                        return Ok(());
                    }
                    Ok(input) => self.take(input),
                    Err(_) => break,
                }
            }
            self.reconcile();
            if let Some(why) = self.failed.take() {
                return Err(Failure::Log(why));
            }
        }
    }

    /// How long to wait for the next maintenance window that matters. The time of day may leap, so it is looked at again before long.
    fn until_window(&self) -> Option<Duration> {
        let now_ms = self.clock.now_ms();
        let start_ms = self.ledger.fleet().next_window(now_ms)?;
        Some(Duration::from_millis(start_ms - now_ms).min(WINDOW_LOOK))
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Call(call) => call(self),
            Input::Report(report) => self.report(report),
            Input::WhenSettled(region, id, reply) => self.waiting.push((region, id, reply)),
            Input::Insist => {}
            Input::Awaited(reply) => drop(reply.send(Vec::new())),
            Input::End { .. } => unreachable!("the loop deals with it"),
        }
    }

    fn report(&mut self, report: Report) {
        warn_of_stranger(&self.agent, &report);
        if let Report::Observed { node, observed } = &report {
            let before = self.reconciler.seen(*node).process;
            if before != observed.process {
                info!("{} ({node}) {}", self.label(*node), crate::view::words_of(observed.process));
            }
            if observed.process == Process::Absent {
                self.failures.remove(node);
            }
        }
        let Some(ended) = self.reconciler.report(self.began.elapsed(), report) else { return };
        let node = ended.step.node();
        let Err(why) = &ended.outcome else {
            node.map(|node| self.failures.remove(&node));
            return;
        };
        let what = words_of(&ended.step);
        match node {
            Some(node) => {
                let text = why.to_string();
                // The same again is no news.
                if self.failures.get(&node) != Some(&text) {
                    warn!(
                        "{text} ({}, {node}: {what}); it is tried again while it is needed",
                        self.label(node)
                    );
                }
                self.failures.insert(node, text);
            }
            None => warn!("{why} ({what}); it is tried again while it is needed"),
        }
    }

    /// Plans, and begins what is next.
    fn reconcile(&mut self) {
        if self.failed.is_some() {
            return;
        }
        let now_ms = self.clock.now_ms();
        for due in self.ledger.fleet().due(now_ms) {
            info!("{}: what waited for a maintenance window begins", due.0);
            self.write(now_ms, slice::from_ref(&due));
        }
        for _ in 0..MAX_PLANS {
            match self.reconciler.next(self.began.elapsed(), self.ledger.fleet()) {
                Next::Write(entries) => {
                    let now_ms = self.clock.now_ms();
                    // Of what follows for several deployments one part may be impossible: the others do not wait for it.
                    let written = self.write(now_ms, &entries)
                        || entries.iter().filter(|entry| self.write(now_ms, slice::from_ref(entry))).count()
                            > 0;
                    if !written {
                        return;
                    }
                }
                Next::Begin(steps) => {
                    for (ticket, step) in steps {
                        match step.node() {
                            Some(node) => info!("{} ({node}): {}", self.label(node), words_of(&step)),
                            None => info!("{}", words_of(&step)),
                        }
                        debug!(ticket, ?step, "step");
                        self.agent.execute(ticket, step);
                    }
                    self.tell_who_waits();
                    return;
                }
            }
        }
        error!("planning does not end: each plan writes further facts");
    }

    /// Writes commands down and applies them: all, or none and false. Without its log the control plane must not go on: nothing is
    /// decided any more, and the thread ends.
    fn write(&mut self, now_ms: u64, entries: &[Entry]) -> bool {
        if self.failed.is_some() {
            return false;
        }
        let written = match self.ledger.write(now_ms, entries) {
            Ok(written) => written,
            Err(why) => {
                self.failed = Some(why);
                return false;
            }
        };
        if let Err(Refused { entry: (region, command), why }) = written {
            error!(%why, region, ?command, "a command cannot be applied and was not written");
            return false;
        }
        for (region, command) in entries {
            debug!(region, ?command, "command");
        }
        self.registry.enroll(self.ledger.fleet());
        if let Err(why) = self.ledger.compact() {
            warn!(%why, "cannot write a new snapshot of the fleet; the log is appended to as before");
        }
        true
    }

    fn tell_who_waits(&mut self) {
        let mut still = Vec::new();
        for (region, id, reply) in self.waiting.drain(..) {
            let Some(deployment) = self.ledger.fleet().deployment(&region, &id) else { continue };
            let unsettled = |state: MemberState| state != MemberState::Available;
            let busy = matches!(deployment.phase, Phase::Creating | Phase::Modifying | Phase::Deleting)
                || (deployment.phase == Phase::Available
                    && deployment.members().any(|(_, member)| unsettled(member.state)));
            if busy {
                still.push((region, id, reply));
            } else {
                let _ = reply.send(deployment.phase.clone());
            }
        }
        self.waiting = still;
    }

    fn label(&self, node: NodeId) -> &str {
        let members = self.ledger.fleet().deployments().flat_map(|(_, deployment)| deployment.members());
        let mut members = members.map(|(_, member)| member);
        members.find(|member| member.runs(node)).map_or("", |member| member.name.as_str())
    }
}

/// Opens the endpoints of what is there, so that nobody is refused while its nodes start.
fn open_endpoints(agent: &Agent, fleet: &Fleet) {
    let open = |endpoint, address| {
        // The step by which a node gets it tells why it cannot be had.
        let _ = agent.open(endpoint, address);
    };
    for (_, deployment) in fleet.deployments() {
        if !matches!(deployment.phase, Phase::Available | Phase::Modifying) {
            continue;
        }
        for shard in &deployment.shards {
            if matches!(deployment.id, DeploymentId::Group(_)) {
                open(Endpoint::Primary, shard.primary_address);
                open(Endpoint::Reader, shard.reader_address);
            }
            for member in shard.members.iter().filter(|member| member.state != MemberState::Deleting) {
                open(Endpoint::Node, member.address);
            }
        }
    }
}

fn warn_of_stranger(agent: &Agent, report: &Report) {
    let Report::Stranger { node, origin, moved_to } = report else { return };
    let of = origin.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string);
    match moved_to {
        Some(to) => {
            warn!(%node, of, to = %to.display(), "a directory that belongs to no node of this region was moved aside")
        }
        None => {
            for stranger in agent.strangers().iter().filter(|stranger| stranger.node == *node) {
                warn!("{}", StrangerView::of(stranger));
            }
        }
    }
}

/// A step in a few words.
fn words_of(step: &Step) -> &'static str {
    match step {
        Step::Start { .. } => "start",
        Step::Kill { .. } => "kill",
        Step::Stop { .. } => "stop",
        Step::Remove { .. } => "remove",
        Step::Assign { .. } => "assign a role",
        Step::Drain { .. } => "leave the primary",
        Step::Handover { .. } => "take over from the primary",
        Step::Listen { .. } => "listen",
        Step::Unlisten { .. } => "listen no more",
        Step::Close { .. } => "close an endpoint",
        Step::Configure { .. } => "set parameters",
    }
}
