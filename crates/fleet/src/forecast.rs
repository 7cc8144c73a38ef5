//! What a change would do, without doing it.
//!
//! The change is applied to a copy of the fleet, and the plan is carried out on nodes that do at once what they are asked for. What the
//! plan asks of them is the forecast: the very steps that would be taken if nothing failed. What is under way already is carried
//! out before, and does not count.

use crate::apply::ApplyError;
use crate::command::{Changes, Command};
use crate::model::{Deployment, DeploymentId, Fleet, NodeSize, ParameterStatus};
use crate::pace::Pace;
use crate::plan::{Host, Plan, Reports, Seen, plan};
use crate::step::{Assignment, NodeId, NodeSpec, Observed, Process, Step};
use crate::window::MaintenanceWindow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;
use supervision::{Endpoint, Link, Listening, Position, Role, Status, Upstream};

/// Plans that follow each other. More is a plan that never comes to rest.
const MAX_ROUNDS: usize = 2_000;

/// What a change comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Forecast {
    /// What happens now, and then what maintenance windows bring.
    pub stages: Vec<Stage>,
    /// Members that are made.
    pub joins: Vec<String>,
    /// Members that go.
    pub leaves: Vec<String>,
    /// Members that stay, and whose process ends and is followed by another.
    pub restarts: Vec<String>,
    /// Primaries of shards, before and afterwards, where they differ.
    pub primaries: Vec<(String, String)>,
    /// Members that have some of their parameters only after a reboot that nobody has asked for.
    pub waits_for_reboot: Vec<String>,
    /// Connections of clients to processes that end.
    pub disconnects: u64,
    /// What is gone afterwards.
    pub losses: Vec<Loss>,
    /// Whether the plan comes to rest.
    pub settles: bool,
}

/// What happens at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stage {
    /// When it begins, Unix ms; `None` for now.
    pub window_ms: Option<u64>,
    /// Steps that are taken together, one set after the other.
    pub rounds: Vec<Vec<Foreseen>>,
    /// How long it takes.
    pub takes: Duration,
}

/// A step that would be taken.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreseen {
    /// The member; empty for a step about no node.
    pub member: String,
    /// What is copied with it, in bytes: a new replica's data.
    pub copies_bytes: u64,
    /// The step.
    pub step: Step,
}

/// What a deployment has no longer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Its name.
    pub deployment: String,
    /// Keys that are gone.
    pub keys: u64,
    /// Data beyond the limit that a node then has, in bytes: evicted by its policy, or no room for writes.
    pub bytes_over_limit: u64,
}

/// What the forecast is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Present<'a> {
    /// What is desired.
    pub(crate) fleet: &'a Fleet,
    /// What nodes were last seen to be.
    pub(crate) nodes: &'a BTreeMap<NodeId, Observed>,
    /// The host that runs them.
    pub(crate) host: Host,
    /// How long steps take here.
    pub(crate) pace: &'a Pace,
    /// The region's time, Unix ms.
    pub(crate) now_ms: u64,
}

/// Says what commands in a region would do.
///
/// # Errors
/// When they cannot be applied.
pub(crate) fn forecast(
    present: Present<'_>,
    region: &str,
    commands: &[Command],
) -> Result<Forecast, ApplyError> {
    let mut world = World {
        fleet: present.fleet.clone(),
        nodes: present.nodes.clone(),
        saved: BTreeMap::new(),
        unknown: Observed::default(),
        host: present.host,
        pace: present.pace,
        now_ms: present.now_ms,
        disconnects: 0,
        started: BTreeSet::new(),
        labels: BTreeMap::new(),
    };
    let (_, quiet) = world.settle(None)?;
    world.catch_up();
    world.disconnects = 0;
    world.started.clear();
    let before = Outlook::of(&world);
    for command in commands {
        world.fleet.apply(world.now_ms, region, command)?;
    }
    let (now, settles) = world.settle(None)?;
    let mut stages = vec![now];
    let mut settles = settles && quiet;
    while let Some((at_ms, region, id, changes)) = world.next_deferred(&before) {
        let begins = Command::Modify { id, changes };
        world.fleet.apply(at_ms, &region, &begins)?;
        let (stage, rests) = world.settle(Some(at_ms))?;
        settles &= rests;
        stages.push(stage);
    }
    let after = Outlook::of(&world);
    let stays = |name: &String| before.members.contains_key(name) && after.members.contains_key(name);
    let restarts = world.started.iter().filter(|name| stays(name)).cloned().collect();
    let disconnects = world.disconnects;
    Ok(Forecast { stages, settles, restarts, disconnects, ..before.compared_with(&after) })
}

/// Nodes that do at once what they are asked for.
struct World<'a> {
    fleet: Fleet,
    nodes: Reports,
    /// What the files of nodes that have ended hold: keys and bytes.
    saved: BTreeMap<NodeId, (u64, u64)>,
    unknown: Observed,
    host: Host,
    pace: &'a Pace,
    now_ms: u64,
    disconnects: u64,
    /// Members whose processes were started.
    started: BTreeSet<String>,
    /// Names of members, by the nodes that they have or had.
    labels: BTreeMap<NodeId, String>,
}

impl Seen for World<'_> {
    fn node(&self, node: NodeId) -> &Observed {
        self.nodes.get(&node).unwrap_or(&self.unknown)
    }

    fn failures(&self, _: &Step) -> u32 {
        0
    }

    fn is_busy(&self, _: NodeId) -> bool {
        false
    }

    fn is_taken(&self, _: SocketAddr) -> bool {
        false
    }
}

impl World<'_> {
    /// Carries the plan out until it asks for nothing; whether it came to that.
    fn settle(&mut self, window_ms: Option<u64>) -> Result<(Stage, bool), ApplyError> {
        let mut stage = Stage { window_ms, ..Stage::default() };
        for _ in 0..MAX_ROUNDS {
            self.learn_labels();
            let Plan { commands, steps } = plan(&self.fleet, self, self.host);
            if commands.is_empty() && steps.is_empty() {
                return Ok((stage, true));
            }
            if !commands.is_empty() {
                for (region, command) in commands {
                    self.fleet.apply(self.now_ms, &region, &command)?;
                }
                continue;
            }
            let mut round = Vec::new();
            let mut longest = Duration::ZERO;
            for step in steps {
                let member = step.node().map(|node| self.label(node)).unwrap_or_default();
                let copies_bytes = self.carry_out(&step)?;
                longest = longest.max(self.pace.of(&step, copies_bytes));
                round.push(Foreseen { member, copies_bytes, step });
            }
            stage.takes += longest;
            stage.rounds.push(round);
        }
        Ok((stage, false))
    }

    /// The next change that a maintenance window is to bring, and did not have to before.
    fn next_deferred(&self, before: &Outlook) -> Option<(u64, String, DeploymentId, Box<Changes>)> {
        let mut next: Option<(u64, String, DeploymentId, Box<Changes>)> = None;
        for (region, one) in self.fleet.deployments() {
            let known = before.deferred.get(&(region.to_owned(), one.id.clone()));
            let Some(size) = one.deferred_size.as_ref().filter(|size| known != Some(size)) else { continue };
            let Some(window) = MaintenanceWindow::parse(&one.settings.maintenance_window) else { continue };
            let open = window.contains(self.now_ms);
            let at_ms = if open { self.now_ms } else { window.next_start(self.now_ms) };
            if next.as_ref().is_none_or(|(earliest, ..)| at_ms < *earliest) {
                let changes = Box::new(Changes { size: Some(size.clone()), ..Changes::default() });
                next = Some((at_ms, region.to_owned(), one.id.clone(), changes));
            }
        }
        next
    }

    /// Has replicas hold what their primaries hold: the reports of the two are not of the same moment.
    fn catch_up(&mut self) {
        let shards: Vec<(NodeId, Vec<NodeId>)> = (self.fleet.deployments())
            .flat_map(|(_, one)| &one.shards)
            .map(|shard| (shard.primary, shard.members.iter().map(|member| member.node.id).collect()))
            .collect();
        for (primary, nodes) in shards {
            let Some(status) = &self.node(primary).status else { continue };
            let holds = (status.keys, status.used_memory_bytes);
            for node in nodes {
                self.change(node, |status| (status.keys, status.used_memory_bytes) = holds);
            }
        }
    }

    /// Remembers whose each node is: one that its member has no longer is still to be named when it goes.
    fn learn_labels(&mut self) {
        let members = self.fleet.deployments().flat_map(|(_, one)| one.members());
        let labels =
            members.flat_map(|(_, member)| member.nodes().map(|node| (node.id, member.name.clone())));
        self.labels.extend(labels);
    }

    fn label(&self, node: NodeId) -> String {
        self.labels.get(&node).cloned().unwrap_or_else(|| node.to_string())
    }

    /// Makes a step true; the bytes that are copied by it.
    fn carry_out(&mut self, step: &Step) -> Result<u64, ApplyError> {
        match step {
            Step::Start { node, spec } => {
                self.started.insert(spec.label.clone());
                self.start(*node, spec);
            }
            Step::Kill { node } => {
                self.saved.remove(node);
                self.end(*node);
            }
            Step::Stop { node } => {
                if let Some(status) = &self.node(*node).status {
                    let holds = (status.keys, status.used_memory_bytes);
                    self.saved.insert(*node, holds);
                }
                self.end(*node);
            }
            Step::Remove { node } => {
                self.end(*node);
                self.nodes.remove(node);
            }
            Step::Assign { node, epoch, role } => return Ok(self.assign(*node, *epoch, *role)),
            Step::Drain { node, epoch } => {
                self.change(*node, |status| {
                    (status.role, status.link, status.epoch) = (Role::Drained, Link::Down, *epoch);
                });
            }
            Step::Handover { from, to, to_address, epoch, .. } => {
                self.assign(*to, *epoch, Assignment::Primary);
                self.assign(*from, *epoch, Assignment::Replica { of: *to, address: *to_address });
            }
            Step::Listen { node, endpoint, address } => {
                let listening = Listening { endpoint: *endpoint, address: *address };
                self.change(*node, |status| status.listening.push(listening));
            }
            Step::Unlisten { node, endpoint } => {
                self.change(*node, |status| status.listening.retain(|one| one.endpoint != *endpoint));
            }
            Step::Configure { node, parameters, at_once } => {
                let limit = maxmemory(parameters);
                self.change(*node, |status| {
                    status.maxmemory_bytes = limit.unwrap_or(status.maxmemory_bytes);
                    if let Some(revision) = &mut status.revision {
                        revision.at_once = *at_once;
                    }
                });
            }
            Step::Close { endpoint, address } => {
                let closed = Command::Closed { endpoint: *endpoint, address: *address };
                self.fleet.apply(self.now_ms, "", &closed)?;
            }
        }
        Ok(0)
    }

    fn start(&mut self, node: NodeId, spec: &NodeSpec) {
        let file = self.saved.remove(&node);
        let (keys, used_memory_bytes) = file.unwrap_or_default();
        let status = Status {
            node: node.to_string(),
            pid: 0,
            epoch: 0,
            role: Role::Unassigned,
            link: Link::Down,
            holds_data: file.is_some(),
            loading: false,
            position: Position { history: String::new(), offset: 0 },
            listening: Vec::new(),
            writes_paused: false,
            workers: Vec::new(),
            used_memory_bytes,
            maxmemory_bytes: maxmemory(&spec.parameters).unwrap_or_default(),
            keys,
            clients: 0,
            connected_replicas: 0,
            revision: Some(spec.revision),
        };
        let observed = Observed { process: Process::Running, status: Some(status), unreached: None };
        self.nodes.insert(node, observed);
    }

    fn end(&mut self, node: NodeId) {
        let observed = self.nodes.entry(node).or_default();
        self.disconnects += observed.status.take().map_or(0, |status| status.clients);
        *observed = Observed { process: Process::Ended, ..Observed::default() };
    }

    fn assign(&mut self, node: NodeId, epoch: u64, role: Assignment) -> u64 {
        let mut copied = 0;
        match role {
            Assignment::Primary => self.change(node, |status| {
                (status.role, status.link) = (Role::Primary, Link::Down);
                (status.holds_data, status.epoch, status.writes_paused) = (true, epoch, false);
            }),
            Assignment::Replica { of, address } => {
                let source = self.node(of).status.as_ref();
                let (keys, bytes) = source.map_or((0, 0), |status| (status.keys, status.used_memory_bytes));
                let upstream = Upstream { node: of.to_string(), socket: "ideal".into(), address };
                self.change(node, |status| {
                    if status.role == Role::Unassigned {
                        // What an empty one uses is its own.
                        copied = if keys == 0 { 0 } else { bytes };
                    }
                    (status.role, status.link) = (Role::Replica(upstream), Link::Up);
                    (status.holds_data, status.epoch, status.writes_paused) = (true, epoch, false);
                    (status.keys, status.used_memory_bytes) = (keys, bytes);
                    status.listening.retain(|one| one.endpoint != Endpoint::Primary);
                });
            }
        }
        copied
    }

    fn change(&mut self, node: NodeId, change: impl FnOnce(&mut Status)) {
        if let Some(status) = self.nodes.get_mut(&node).and_then(|observed| observed.status.as_mut()) {
            change(status);
        }
    }
}

fn maxmemory(parameters: &[(String, String)]) -> Option<u64> {
    let (_, value) = parameters.iter().find(|(name, _)| name == "maxmemory")?;
    value.parse().ok()
}

/// What the forecast compares: how everything is before, and how it is afterwards.
struct Outlook {
    /// All members, and whether some of their parameters wait for a reboot.
    members: BTreeMap<String, bool>,
    /// The members that are primaries, by deployment and shard.
    primaries: BTreeMap<(DeploymentId, String), String>,
    /// By region and deployment.
    data: BTreeMap<(String, DeploymentId), Data>,
    /// What waits for maintenance windows.
    deferred: BTreeMap<(String, DeploymentId), NodeSize>,
}

/// What the primaries of a deployment hold.
struct Data {
    members: BTreeSet<String>,
    keys: u64,
    bytes_over_limit: u64,
}

impl Outlook {
    fn of(world: &World<'_>) -> Outlook {
        let mut outlook = Outlook {
            members: BTreeMap::new(),
            primaries: BTreeMap::new(),
            data: BTreeMap::new(),
            deferred: BTreeMap::new(),
        };
        for (region, one) in world.fleet.deployments() {
            let place = (region.to_owned(), one.id.clone());
            if let Some(size) = &one.deferred_size {
                outlook.deferred.insert(place.clone(), size.clone());
            }
            for (_, member) in one.members() {
                let waits = member.parameters == ParameterStatus::PendingReboot;
                outlook.members.insert(member.name.clone(), waits);
            }
            for shard in &one.shards {
                if let Some(member) = shard.primary_member() {
                    outlook.primaries.insert((one.id.clone(), shard.id.clone()), member.name.clone());
                }
            }
            outlook.data.insert(place, Data::of(world, one));
        }
        outlook
    }

    fn compared_with(&self, after: &Outlook) -> Forecast {
        let gone = |all: &BTreeMap<String, bool>, from: &BTreeMap<String, bool>| -> Vec<String> {
            from.keys().filter(|name| !all.contains_key(*name)).cloned().collect()
        };
        let primaries = self.primaries.iter().filter_map(|(shard, member)| {
            let now = after.primaries.get(shard).filter(|now| *now != member)?;
            Some((member.clone(), now.clone()))
        });
        let waits = after
            .members
            .iter()
            .filter(|(name, waits)| **waits && self.members.get(*name).is_some_and(|before| !before));
        Forecast {
            joins: gone(&self.members, &after.members),
            leaves: gone(&after.members, &self.members),
            primaries: primaries.collect(),
            waits_for_reboot: waits.map(|(name, _)| name.clone()).collect(),
            losses: self.data.iter().filter_map(|(place, data)| data.loss(place, after)).collect(),
            ..Forecast::default()
        }
    }
}

impl Data {
    fn of(world: &World<'_>, deployment: &Deployment) -> Data {
        let primaries = deployment.shards.iter().map(|shard| world.node(shard.primary));
        let statuses: Vec<&Status> = primaries.filter_map(|node| node.status.as_ref()).collect();
        let over = |status: &&Status| match status.maxmemory_bytes {
            0 => 0,
            limit => status.used_memory_bytes.saturating_sub(limit),
        };
        Data {
            members: deployment.members().map(|(_, member)| member.name.clone()).collect(),
            keys: statuses.iter().map(|status| status.keys).sum(),
            bytes_over_limit: statuses.iter().map(over).sum(),
        }
    }

    /// What is missing of this where its members are afterwards: a primary may have become a cluster of its own.
    fn loss(&self, place: &(String, DeploymentId), after: &Outlook) -> Option<Loss> {
        let heirs = after.data.iter().filter(|((region, id), data)| {
            *region == place.0 && (*id == place.1 || !data.members.is_disjoint(&self.members))
        });
        let (mut keys, mut over) = (0, 0);
        for (_, data) in heirs {
            keys += data.keys;
            over += data.bytes_over_limit;
        }
        let loss = Loss {
            deployment: place.1.name().to_owned(),
            keys: self.keys.saturating_sub(keys),
            bytes_over_limit: over.saturating_sub(self.bytes_over_limit),
        };
        (loss.keys > 0 || loss.bytes_over_limit > 0).then_some(loss)
    }
}
