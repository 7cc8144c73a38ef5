//! What a change would do, without doing it.
//!
//! The plan is carried out on two copies of the fleet as it is now, one without the change and one with it, by nodes that do at once what
//! they are asked for. The forecast is how the two differ in the end: the very steps that the change brings if nothing fails, and what is
//! there or lost only because of them. What is under way already happens in both, so it counts in neither.
//!
//! **Invariant:** the change meets the fleet in the middle of what is under way. A replica that has no data yet takes over from nobody, and
//! copying takes longer than any step: links come up only once no step is left.

use crate::apply::ApplyError;
use crate::command::{Changes, Command};
use crate::model::{Deployment, DeploymentId, Fleet, Node, NodeSize, ParameterStatus};
use crate::pace::Pace;
use crate::plan::{Host, Plan, Reports, Seen, plan};
use crate::step::{Assignment, NodeId, NodeSpec, Observed, Process, Step};
use crate::window::MaintenanceWindow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
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
    /// Members of what is touched whose processes have not answered yet: what they hold, and lose, nobody knows.
    pub unknown: Vec<String>,
    /// Whether the plan comes to rest.
    pub settles: bool,
    /// How long ago the nodes told what they hold, at most.
    pub age: Duration,
}

/// What happens at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stage {
    /// When it begins, Unix ms; `None` for now.
    pub window_ms: Option<u64>,
    /// Steps that are taken together, one set after the other.
    pub rounds: Vec<Vec<Foreseen>>,
    /// How long it takes, with what is under way and waited for.
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
    let mut without = World::of(present);
    let (under_way, quiet) = without.settle()?;
    let before = Outlook::of(&without);
    let mut with = World::of(present);
    // What leaves with the change is to be named too.
    with.learn_labels();
    for command in commands {
        with.fleet.apply(with.now_ms, region, command)?;
    }
    let (rounds, settles) = with.settle()?;
    let mut stages = vec![Stage::of(None, rounds, under_way)];
    let mut settles = settles && quiet;
    while let Some((at_ms, region, id, changes)) = with.next_deferred(&before) {
        let begins = Command::Modify { id, changes };
        with.fleet.apply(at_ms, &region, &begins)?;
        let (rounds, rests) = with.settle()?;
        settles &= rests;
        stages.push(Stage::of(Some(at_ms), rounds, Vec::new()));
    }
    let after = Outlook::of(&with);
    let restarts = with.started.iter().filter(|(place, times)| {
        let stays = before.members.contains_key(*place) && after.members.contains_key(*place);
        stays && without.started.get(*place).is_none_or(|under_way| under_way < *times)
    });
    let restarts = restarts.map(|((_, name), _)| name.clone()).collect();
    let disconnects = with.disconnects.saturating_sub(without.disconnects);
    let unknown = with.unknown_of_touched(present, &stages);
    Ok(Forecast { stages, settles, restarts, disconnects, unknown, ..before.compared_with(&after) })
}

/// Steps that are taken together, and how long the longest takes.
type Round = (Vec<Foreseen>, Duration);

impl Stage {
    /// Of rounds that hold steps which are under way: those are left out, and what the others wait for counts only in the time.
    fn of(window_ms: Option<u64>, rounds: Vec<Round>, under_way: Vec<Round>) -> Stage {
        let mut known: HashMap<Step, usize> = HashMap::new();
        for foreseen in under_way.into_iter().flat_map(|(steps, _)| steps) {
            *known.entry(foreseen.step).or_default() += 1;
        }
        let mut stage = Stage { window_ms, ..Stage::default() };
        let mut time = Duration::ZERO;
        for (mut steps, takes) in rounds {
            time += takes;
            steps.retain(|foreseen| match known.get_mut(&foreseen.step) {
                Some(times) if *times > 0 => {
                    *times -= 1;
                    false
                }
                _ => true,
            });
            if !steps.is_empty() {
                stage.rounds.push(steps);
                stage.takes = time;
            }
        }
        stage
    }
}

/// A region, and the name of something in it.
type Place = (String, String);

/// Nodes that do at once what they are asked for, but for copying.
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
    /// Members whose processes were started, and how often.
    started: BTreeMap<Place, u32>,
    /// Members, by the nodes that they have or had.
    labels: BTreeMap<NodeId, Place>,
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

impl<'a> World<'a> {
    /// As it is now.
    fn of(present: Present<'a>) -> World<'a> {
        let mut world = World {
            fleet: present.fleet.clone(),
            nodes: present.nodes.clone(),
            saved: BTreeMap::new(),
            unknown: Observed::default(),
            host: present.host,
            pace: present.pace,
            now_ms: present.now_ms,
            disconnects: 0,
            started: BTreeMap::new(),
            labels: BTreeMap::new(),
        };
        world.catch_up();
        world
    }

    /// Carries the plan out until it asks for nothing; whether it came to that.
    fn settle(&mut self) -> Result<(Vec<Round>, bool), ApplyError> {
        let mut rounds = Vec::new();
        for _ in 0..MAX_ROUNDS {
            self.learn_labels();
            let Plan { commands, steps } = plan(&self.fleet, self, self.host);
            if commands.is_empty() && steps.is_empty() {
                if self.wait() {
                    continue;
                }
                return Ok((rounds, true));
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
                let member = step.node().map(|node| self.label(node).1).unwrap_or_default();
                let copies_bytes = self.carry_out(&step)?;
                longest = longest.max(self.pace.of(&step, copies_bytes));
                round.push(Foreseen { member, copies_bytes, step });
            }
            rounds.push((round, longest));
        }
        Ok((rounds, false))
    }

    /// Lets happen what no step is needed for: links come up, files are loaded. Whether anything did.
    fn wait(&mut self) -> bool {
        let mut happened = false;
        let held: HashMap<String, (u64, u64)> = self.nodes.iter().filter_map(primary_data).collect();
        for observed in self.nodes.values_mut() {
            if observed.process == Process::Starting {
                // How it comes up is not known before it answers, so it is asked for anew.
                *observed = Observed { process: Process::Ended, ..Observed::default() };
                happened = true;
            }
            let Some(status) = &mut observed.status else { continue };
            if std::mem::take(&mut status.loading) {
                status.holds_data = true;
                happened = true;
            }
            if let Role::Replica(upstream) = &status.role
                && status.link != Link::Up
                && let Some(holds) = held.get(&upstream.node)
            {
                (status.link, status.holds_data) = (Link::Up, true);
                (status.keys, status.used_memory_bytes) = *holds;
                happened = true;
            }
        }
        happened
    }

    /// The next change that a maintenance window is to bring, and would not have brought then before.
    fn next_deferred(&self, before: &Outlook) -> Option<(u64, String, DeploymentId, Box<Changes>)> {
        let mut next: Option<(u64, String, DeploymentId, Box<Changes>)> = None;
        for (region, one) in self.fleet.deployments() {
            let Some((size, at_ms)) = self.deferred(one) else { continue };
            let known = before.deferred.get(&(region.to_owned(), one.id.clone()));
            if known.is_some_and(|known| *known == (size.clone(), at_ms)) {
                continue;
            }
            if next.as_ref().is_none_or(|(earliest, ..)| at_ms < *earliest) {
                let changes = Box::new(Changes { size: Some(size.clone()), ..Changes::default() });
                next = Some((at_ms, region.to_owned(), one.id.clone(), changes));
            }
        }
        next
    }

    /// The members of deployments with steps in these stages that run at present and have told nothing yet.
    fn unknown_of_touched(&self, present: Present<'_>, stages: &[Stage]) -> Vec<String> {
        let steps = stages.iter().flat_map(|stage| &stage.rounds).flatten();
        let touched: BTreeSet<Place> =
            steps.filter_map(|foreseen| Some(self.label(foreseen.step.node()?))).collect();
        let is_touched =
            |region: &str, member: &str| touched.contains(&(region.to_owned(), member.to_owned()));
        let is_unknown = |node: &Node| {
            let starts = |observed: &Observed| observed.process == Process::Starting;
            present.nodes.get(&node.id).is_some_and(starts)
        };
        let deployments = present
            .fleet
            .deployments()
            .filter(|(region, one)| one.members().any(|(_, member)| is_touched(region, &member.name)));
        let members = deployments.flat_map(|(_, one)| one.members()).map(|(_, member)| member);
        let unknown = members.filter(|member| member.nodes().any(is_unknown));
        unknown.map(|member| member.name.clone()).collect()
    }

    /// What a maintenance window is to bring to a deployment, and when.
    fn deferred(&self, deployment: &Deployment) -> Option<(NodeSize, u64)> {
        let size = deployment.deferred_size.clone()?;
        let window = MaintenanceWindow::parse(&deployment.settings.maintenance_window)?;
        let open = window.contains(self.now_ms);
        Some((size, if open { self.now_ms } else { window.next_start(self.now_ms) }))
    }

    /// Has replicas whose links are up hold what their primaries hold: the reports of the two are not of the same moment.
    fn catch_up(&mut self) {
        let held: HashMap<String, (u64, u64)> = self.nodes.iter().filter_map(primary_data).collect();
        for status in self.nodes.values_mut().filter_map(|observed| observed.status.as_mut()) {
            if let (Role::Replica(upstream), Link::Up) = (&status.role, status.link)
                && let Some(holds) = held.get(&upstream.node)
            {
                (status.keys, status.used_memory_bytes) = *holds;
            }
        }
    }

    /// Remembers whose each node is: one that its member has no longer is still to be named when it goes.
    fn learn_labels(&mut self) {
        for (region, one) in self.fleet.deployments() {
            for (_, member) in one.members() {
                let place = || (region.to_owned(), member.name.clone());
                self.labels.extend(member.nodes().map(|node| (node.id, place())));
            }
        }
    }

    fn label(&self, node: NodeId) -> Place {
        self.labels.get(&node).cloned().unwrap_or_else(|| (String::new(), node.to_string()))
    }

    /// Makes a step true; the bytes that are copied by it.
    fn carry_out(&mut self, step: &Step) -> Result<u64, ApplyError> {
        match step {
            Step::Start { node, spec } => {
                *self.started.entry(self.label(*node)).or_default() += 1;
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
                self.hand_over(*from, (*to, *to_address), *epoch);
            }
            Step::Listen { node, endpoint, address } => {
                let listening = Listening { endpoint: *endpoint, address: *address };
                self.change(*node, |status| status.listening.push(listening));
            }
            Step::Unlisten { node, endpoint } => {
                self.change(*node, |status| status.listening.retain(|one| one.endpoint != *endpoint));
                self.close_clients(*node, *endpoint);
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
            endpoint_clients: BTreeMap::new(),
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

    /// Whoever came by an endpoint is closed with it.
    fn close_clients(&mut self, node: NodeId, endpoint: Endpoint) {
        let mut closed = 0;
        self.change(node, |status| {
            closed = status.endpoint_clients.remove(&endpoint).unwrap_or(0).min(status.clients);
            status.clients -= closed;
        });
        self.disconnects += closed;
    }

    /// One of the two may have ended in this very round: then nothing changes hands.
    fn hand_over(&mut self, from: NodeId, (to, address): (NodeId, SocketAddr), epoch: u64) {
        let Some(held) = self.node(from).status.as_ref().filter(|_| self.node(to).status.is_some()) else {
            return;
        };
        if held.role == Role::Primary {
            let holds = (held.keys, held.used_memory_bytes);
            self.change(to, |status| (status.keys, status.used_memory_bytes) = holds);
        }
        self.assign(to, epoch, Assignment::Primary);
        self.assign(from, epoch, Assignment::Replica { of: to, address });
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
                        status.holds_data = false;
                        // What an empty one uses is its own.
                        copied = if keys == 0 { 0 } else { bytes };
                    }
                    (status.role, status.link) = (Role::Replica(upstream), Link::Down);
                    (status.epoch, status.writes_paused) = (epoch, false);
                    status.listening.retain(|one| one.endpoint != Endpoint::Primary);
                });
                self.close_clients(node, Endpoint::Primary);
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

/// What a node that leads holds: keys and bytes, by its name.
fn primary_data((node, observed): (&NodeId, &Observed)) -> Option<(String, (u64, u64))> {
    let status = observed.status.as_ref()?;
    let leads = status.role == Role::Primary && observed.process == Process::Running;
    leads.then(|| (node.to_string(), (status.keys, status.used_memory_bytes)))
}

fn maxmemory(parameters: &[(String, String)]) -> Option<u64> {
    let (_, value) = parameters.iter().find(|(name, _)| name == "maxmemory")?;
    value.parse().ok()
}

/// What the forecast compares: how everything is before, and how it is afterwards.
struct Outlook {
    /// All members, and whether some of their parameters wait for a reboot.
    members: BTreeMap<Place, bool>,
    /// The members that are primaries, by region, deployment and shard.
    primaries: BTreeMap<(String, DeploymentId, String), String>,
    /// By region and deployment.
    data: BTreeMap<(String, DeploymentId), Data>,
    /// What waits for maintenance windows, and until when (Unix ms).
    deferred: BTreeMap<(String, DeploymentId), (NodeSize, u64)>,
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
            if let Some(deferred) = world.deferred(one) {
                outlook.deferred.insert(place.clone(), deferred);
            }
            for (_, member) in one.members() {
                let waits = member.parameters == ParameterStatus::PendingReboot;
                outlook.members.insert((region.to_owned(), member.name.clone()), waits);
            }
            for shard in &one.shards {
                if let Some(member) = shard.primary_member() {
                    let shard = (region.to_owned(), one.id.clone(), shard.id.clone());
                    outlook.primaries.insert(shard, member.name.clone());
                }
            }
            outlook.data.insert(place, Data::of(world, one));
        }
        outlook
    }

    fn compared_with(&self, after: &Outlook) -> Forecast {
        let gone = |all: &BTreeMap<Place, bool>, from: &BTreeMap<Place, bool>| -> Vec<String> {
            from.keys().filter(|place| !all.contains_key(*place)).map(|(_, name)| name.clone()).collect()
        };
        let primaries = self.primaries.iter().filter_map(|(shard, member)| {
            let now = after.primaries.get(shard).filter(|now| *now != member)?;
            Some((member.clone(), now.clone()))
        });
        let waits = after
            .members
            .iter()
            .filter(|(place, waits)| **waits && self.members.get(*place).is_some_and(|before| !before));
        Forecast {
            joins: gone(&self.members, &after.members),
            leaves: gone(&after.members, &self.members),
            primaries: primaries.collect(),
            waits_for_reboot: waits.map(|((_, name), _)| name.clone()).collect(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn kills(nodes: &[u64], ms: u64) -> Round {
        let kill = |node: &u64| Foreseen {
            member: format!("m{node}"),
            copies_bytes: 0,
            step: Step::Kill { node: NodeId(*node) },
        };
        (nodes.iter().map(kill).collect(), Duration::from_millis(ms))
    }

    /// What is told of rounds while others are under way: the nodes of each round, and the time in ms.
    fn told(rounds: &[Round], under_way: &[Round]) -> (Vec<Vec<String>>, u128) {
        let stage = Stage::of(None, rounds.to_vec(), under_way.to_vec());
        let members = |round: &Vec<Foreseen>| round.iter().map(|one| one.member.clone()).collect();
        (stage.rounds.iter().map(members).collect(), stage.takes.as_millis())
    }

    #[test]
    fn what_is_under_way_is_left_out_as_often_as_it_is() {
        let nodes =
            |all: &[&[&str]]| all.iter().map(|one| one.iter().map(|n| (*n).to_owned()).collect()).collect();
        let rounds = [kills(&[1, 2], 10), kills(&[3], 200), kills(&[1], 3000)];
        assert_eq!(told(&rounds, &[]), (nodes(&[&["m1", "m2"], &["m3"], &["m1"]]), 3210));
        assert_eq!(told(&rounds, &[kills(&[1], 5)]), (nodes(&[&["m2"], &["m3"], &["m1"]]), 3210));
        // The time goes on up to the last step that is told, whoever takes it.
        assert_eq!(told(&rounds, &[kills(&[1], 5), kills(&[1, 2], 5)]), (nodes(&[&["m3"]]), 210));
        assert_eq!(told(&rounds, &rounds), (nodes(&[]), 0));
    }
}
