//! A host in memory: nodes that do what real ones promise, an agent that carries steps out at any pace and may fail at any of them,
//! and a log from which the control plane starts again.

use fleet::step::{Assignment, Observed, Outcome, Process, Report, Step, StepError};
use fleet::{AddressPool, Command, Deployment, Fleet, Host, Next, NodeId, Reconciler};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;
use supervision::{Endpoint, Link, Listening, Position, Refusal, Revision, Role, Status, Upstream};

pub(crate) const REGION: &str = "us-east-1";

/// Small random numbers from a seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed | 1)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Life {
    Running,
    Stopped,
    Dead,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) life: Life,
    pub(crate) epoch: u64,
    pub(crate) role: Role,
    pub(crate) link: Link,
    pub(crate) holds_data: bool,
    pub(crate) paused: bool,
    pub(crate) history: String,
    /// The writes it has, by number.
    pub(crate) data: Vec<u64>,
    pub(crate) listening: Vec<Listening>,
    /// Clients, by the endpoint that they came by.
    pub(crate) clients: BTreeMap<Endpoint, u64>,
    pub(crate) revision: Revision,
    /// What its data may take, in bytes.
    pub(crate) maxmemory_bytes: u64,
    file: Vec<u64>,
}

/// What a write takes.
pub(crate) const WRITE_BYTES: u64 = 100_000;

pub(crate) struct World {
    pub(crate) fleet: Fleet,
    pub(crate) log: Vec<String>,
    pub(crate) reconciler: Reconciler,
    pub(crate) nodes: BTreeMap<NodeId, Node>,
    pub(crate) pending: VecDeque<(u64, Step)>,
    reports: VecDeque<Report>,
    pub(crate) random: Random,
    pub(crate) now_ms: u64,
    /// Percent of steps that fail without an effect, or with half of one.
    pub(crate) trouble: u64,
    /// Where others listen.
    pub(crate) taken: Vec<SocketAddr>,
    histories: u64,
    pub(crate) writes: u64,
    /// Every step that was begun, for transcripts.
    pub(crate) told: Vec<String>,
    /// Connections of clients that were closed.
    pub(crate) closed: u64,
}

const HOST: Host = Host { cores: 2 };

impl World {
    pub(crate) fn new(seed: u64) -> World {
        World {
            fleet: Fleet::new(AddressPool::Loopback { block: 1, last: 0 }),
            log: Vec::new(),
            reconciler: Reconciler::new(HOST),
            nodes: BTreeMap::new(),
            pending: VecDeque::new(),
            reports: VecDeque::new(),
            random: Random::new(seed),
            now_ms: 1_000_000,
            trouble: 0,
            taken: Vec::new(),
            histories: 0,
            writes: 0,
            told: Vec::new(),
            closed: 0,
        }
    }

    pub(crate) fn write(&mut self, region: &str, command: Command) {
        let line = serde_json::to_string(&(self.now_ms, region, &command)).unwrap();
        self.fleet.apply(self.now_ms, region, &command).unwrap_or_else(|missing| panic!("{missing}: {line}"));
        self.log.push(line);
    }

    pub(crate) fn wish(&mut self, command: Command) {
        self.write(REGION, command);
    }

    /// The control plane dies and starts again: from its log, and from what the nodes are then.
    pub(crate) fn crash_control_plane(&mut self) {
        let mut fleet = Fleet::new(AddressPool::Loopback { block: 1, last: 0 });
        for line in &self.log {
            let (at_ms, region, command): (u64, String, Command) = serde_json::from_str(line).unwrap();
            fleet.apply(at_ms, &region, &command).unwrap();
        }
        assert_eq!(fleet, self.fleet, "the log says what the state is");
        // What was on its way may still arrive, or not.
        while let Some((_, step)) = self.pending.pop_front() {
            if self.random.chance(50) {
                let _ = self.carry_out(&step);
            }
        }
        self.reports.clear();
        self.reconciler = Reconciler::new(HOST);
        for node in self.nodes.keys().copied().collect::<Vec<_>>() {
            self.observe(node);
        }
        while let Some(report) = self.reports.pop_front() {
            self.reconciler.report(self.now(), report);
        }
    }

    /// Lets one thing happen; false when nothing is left to do.
    pub(crate) fn turn(&mut self) -> bool {
        self.now_ms += 1;
        for (region, command) in self.fleet.due(self.now_ms) {
            self.write(&region, command);
        }
        for _ in 0..100 {
            match self.reconciler.next(self.now(), &self.fleet) {
                Next::Write(commands) => {
                    for (region, command) in commands {
                        self.write(&region, command);
                    }
                }
                Next::Begin(steps) => {
                    self.told.extend(steps.iter().map(|(_, step)| format!("{step:?}")));
                    self.pending.extend(steps);
                    return self.go_on();
                }
            }
        }
        panic!("the plan never comes to rest: {:?}", self.log.iter().rev().take(5).collect::<Vec<_>>());
    }

    fn go_on(&mut self) -> bool {
        let moved = self.replicate();
        if !self.pending.is_empty() {
            let at = self.random.below(self.pending.len() as u64) as usize;
            let (ticket, step) = self.pending.remove(at).unwrap();
            let outcome = self.carry_out(&step);
            self.reports.push_back(Report::Finished { ticket, outcome });
        } else if !moved && self.reports.is_empty() {
            match self.reconciler.wake_at(self.now()) {
                Some(at) => self.now_ms = at.as_millis() as u64,
                None => return false,
            }
        }
        for _ in 0..=self.random.below(3) {
            if let Some(report) = self.reports.pop_front() {
                self.reconciler.report(self.now(), report);
            }
        }
        true
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.now_ms)
    }

    /// Until nothing is left to do.
    pub(crate) fn settle(&mut self) {
        for _ in 0..20_000 {
            if !self.turn() {
                return;
            }
        }
        panic!(
            "it never settles: {:#?}\n{:#?}",
            self.told.iter().rev().take(8).collect::<Vec<_>>(),
            self.nodes
        );
    }

    pub(crate) fn observe(&mut self, id: NodeId) {
        let observed = match self.nodes.get(&id) {
            None => Observed::default(),
            Some(node) => Observed {
                process: match node.life {
                    Life::Running => Process::Running,
                    Life::Stopped => Process::Hung,
                    Life::Dead => Process::Ended,
                },
                status: (node.life == Life::Running).then(|| status(id, node)),
                unreached: None,
            },
        };
        self.reports.push_back(Report::Observed { node: id, observed: Box::new(observed) });
    }

    pub(crate) fn kill(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.life = Life::Dead;
            node.data.clear();
            node.listening.clear();
            self.closed += std::mem::take(&mut node.clients).values().sum::<u64>();
            self.observe(id);
        }
    }

    /// Ends a node that has written its file.
    pub(crate) fn end_cleanly(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.file.clone_from(&node.data);
        }
        self.kill(id);
    }

    pub(crate) fn hang(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(&id).filter(|node| node.life == Life::Running) {
            node.life = Life::Stopped;
            self.observe(id);
        }
    }

    pub(crate) fn wake(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(&id).filter(|node| node.life == Life::Stopped) {
            node.life = Life::Running;
            self.observe(id);
        }
    }

    /// Every replica gets a part of what its primary has; true when anything changed.
    fn replicate(&mut self) -> bool {
        let mut moved = false;
        for id in self.nodes.keys().copied().collect::<Vec<_>>() {
            let node = &self.nodes[&id];
            let Role::Replica(upstream) = &node.role else { continue };
            let primary = self.nodes.iter().find(|(other, _)| other.to_string() == upstream.node);
            let serves = |node: &Node| node.life == Life::Running && node.role == Role::Primary;
            let source = primary.map(|(_, node)| node).filter(|node| serves(node)).cloned();
            let (old, lag) = (node.clone(), self.random.chance(30));
            let node = self.nodes.get_mut(&id).unwrap();
            if node.life != Life::Running {
                continue;
            }
            match source {
                None => node.link = Link::Down,
                Some(primary) => {
                    let all = primary.data.len();
                    if primary.data.starts_with(&node.data) && node.holds_data {
                        let until = if lag { all.min(node.data.len() + 1) } else { all };
                        node.data = primary.data[..until].to_vec();
                    } else {
                        node.data.clone_from(&primary.data);
                    }
                    node.history.clone_from(&primary.history);
                    node.holds_data = true;
                    node.link = Link::Up;
                }
            }
            if (old.link, old.holds_data) != (node.link, node.holds_data) {
                self.observe(id);
            }
            moved |= old.link != self.nodes[&id].link || old.data != self.nodes[&id].data;
        }
        moved
    }

    fn carry_out(&mut self, step: &Step) -> Result<Outcome, StepError> {
        let fails = self.random.chance(self.trouble);
        if fails && !matches!(step, Step::Handover { .. }) {
            return Err(StepError::Failed("trouble".into()));
        }
        let outcome = match step {
            Step::Start { node, spec } => {
                let file = self.nodes.get(node).map(|node| node.file.clone()).unwrap_or_default();
                if self.nodes.get(node).is_none_or(|node| node.life == Life::Dead) {
                    let limit = maxmemory(&spec.parameters).unwrap();
                    self.nodes.insert(*node, fresh(file, spec.revision, limit));
                }
                Ok(Outcome::Done)
            }
            Step::Kill { node } => {
                self.kill(*node);
                Ok(Outcome::Done)
            }
            Step::Stop { node } => {
                if let Some(node) = self.nodes.get_mut(node) {
                    node.file = node.data.clone();
                }
                self.kill(*node);
                Ok(Outcome::Done)
            }
            Step::Remove { node } => {
                let gone = self.nodes.remove(node);
                self.closed += gone.map_or(0, |node| node.clients.values().sum());
                Ok(Outcome::Done)
            }
            Step::Assign { node, epoch, role } => self.assign(*node, *epoch, *role),
            Step::Drain { node, epoch } => {
                let it = self.running(*node, *epoch)?;
                if it.role == Role::Primary || it.role == Role::Unassigned {
                    return Err(StepError::Refused(Refusal::WrongRole(format!("{:?}", it.role))));
                }
                (it.role, it.link) = (Role::Drained, Link::Down);
                let position = position(it);
                Ok(Outcome::Position { position, holds_data: it.holds_data })
            }
            Step::Handover { from, from_address, to, to_address, epoch } => {
                let pieces = if fails { self.random.below(4) } else { 4 };
                self.hand_over((*from, *from_address), (*to, *to_address), *epoch, pieces)
            }
            Step::Listen { node, endpoint, address } => {
                if self.taken.contains(address) {
                    return Err(StepError::AddressInUse(*address));
                }
                let it = self.running(*node, u64::MAX)?;
                let listening = Listening { endpoint: *endpoint, address: *address };
                if !it.listening.contains(&listening) {
                    it.listening.push(listening);
                }
                Ok(Outcome::Done)
            }
            Step::Unlisten { node, endpoint } => {
                let it = self.running(*node, u64::MAX)?;
                it.listening.retain(|one| one.endpoint != *endpoint);
                let closed = it.clients.remove(endpoint);
                self.closed += closed.unwrap_or(0);
                Ok(Outcome::Done)
            }
            Step::Configure { node, parameters, at_once } => {
                let it = self.running(*node, u64::MAX)?;
                it.revision.at_once = *at_once;
                it.maxmemory_bytes = maxmemory(parameters).unwrap();
                Ok(Outcome::Done)
            }
            Step::Close { .. } => Ok(Outcome::Done),
        };
        if let Some(node) = step.node() {
            self.observe(node);
        }
        if let Step::Handover { from, .. } = step {
            self.observe(*from);
        }
        outcome
    }

    fn hand_over(
        &mut self,
        from: (NodeId, SocketAddr),
        to: (NodeId, SocketAddr),
        epoch: u64,
        pieces: u64,
    ) -> Result<Outcome, StepError> {
        let failed = || Err(StepError::Failed("half way".into()));
        if pieces == 0 {
            return failed();
        }
        let old = self.running(from.0, epoch)?;
        if old.role == Role::Primary {
            old.paused = true;
            let data = old.data.clone();
            let new = self.running(to.0, epoch)?;
            if pieces == 1 {
                self.nodes.get_mut(&from.0).unwrap().paused = false;
                return failed();
            }
            new.data = data;
            self.assign(from.0, epoch, Assignment::Replica { of: to.0, address: to.1 })?;
        }
        if pieces == 2 {
            return failed();
        }
        self.assign(to.0, epoch, Assignment::Primary)?;
        if pieces == 3 { failed() } else { Ok(Outcome::Done) }
    }

    fn assign(&mut self, id: NodeId, epoch: u64, role: Assignment) -> Result<Outcome, StepError> {
        self.histories += 1;
        let history = format!("h{}", self.histories);
        let node = self.running(id, epoch)?;
        node.epoch = epoch;
        node.paused = false;
        match role {
            Assignment::Primary => {
                if node.role != Role::Primary {
                    node.history = history;
                }
                (node.role, node.link, node.holds_data) = (Role::Primary, Link::Down, true);
            }
            Assignment::Replica { of, address } => {
                let upstream = Upstream { node: of.to_string(), socket: "socket".into(), address };
                if node.role == Role::Unassigned {
                    node.holds_data = false;
                }
                (node.role, node.link) = (Role::Replica(upstream), Link::Down);
                node.listening.retain(|one| one.endpoint != Endpoint::Primary);
                let closed = node.clients.remove(&Endpoint::Primary);
                self.closed += closed.unwrap_or(0);
            }
        }
        Ok(Outcome::Done)
    }

    fn running(&mut self, id: NodeId, epoch: u64) -> Result<&mut Node, StepError> {
        let node = self.nodes.get_mut(&id).filter(|node| node.life == Life::Running);
        let node = node.ok_or(StepError::NodeGone)?;
        if epoch < node.epoch {
            return Err(StepError::Refused(Refusal::OldEpoch { seen: node.epoch }));
        }
        if epoch != u64::MAX {
            node.epoch = epoch;
        }
        Ok(node)
    }

    /// The nodes that a client of the primary endpoint could write to.
    pub(crate) fn writable(&self) -> Vec<NodeId> {
        let reached = |node: &Node| node.listening.iter().any(|one| one.endpoint == Endpoint::Primary);
        let takes = |node: &Node| node.role == Role::Primary && node.life != Life::Dead && reached(node);
        self.nodes.iter().filter(|(_, node)| takes(node)).map(|(id, _)| *id).collect()
    }

    /// A client writes; the number of the write, if somebody took it.
    pub(crate) fn client_writes(&mut self) -> Option<u64> {
        let node = *self.writable().first()?;
        let node = self.nodes.get_mut(&node)?;
        if node.life != Life::Running || node.paused {
            return None;
        }
        self.writes += 1;
        node.data.push(self.writes);
        Some(self.writes)
    }

    pub(crate) fn deployments(&self) -> Vec<&Deployment> {
        self.fleet.deployments().map(|(_, deployment)| deployment).collect()
    }
}

fn maxmemory(parameters: &[(String, String)]) -> Option<u64> {
    parameters.iter().find(|(name, _)| name == "maxmemory")?.1.parse().ok()
}

fn fresh(data: Vec<u64>, revision: Revision, maxmemory_bytes: u64) -> Node {
    Node {
        life: Life::Running,
        epoch: 0,
        role: Role::Unassigned,
        link: Link::Down,
        holds_data: !data.is_empty(),
        paused: false,
        history: "none".into(),
        data,
        listening: Vec::new(),
        clients: BTreeMap::new(),
        revision,
        maxmemory_bytes,
        file: Vec::new(),
    }
}

fn position(node: &Node) -> Position {
    Position { history: node.history.clone(), offset: node.data.len() as u64 }
}

fn status(id: NodeId, node: &Node) -> Status {
    Status {
        node: id.to_string(),
        pid: 1,
        epoch: node.epoch,
        role: node.role.clone(),
        link: node.link,
        holds_data: node.holds_data,
        loading: false,
        position: position(node),
        listening: node.listening.clone(),
        writes_paused: node.paused,
        workers: Vec::new(),
        used_memory_bytes: node.data.len() as u64 * WRITE_BYTES,
        maxmemory_bytes: node.maxmemory_bytes,
        keys: node.data.len() as u64,
        clients: node.clients.values().sum(),
        endpoint_clients: node.clients.clone(),
        connected_replicas: 0,
        revision: Some(node.revision),
    }
}
