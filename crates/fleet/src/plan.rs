//! The plan: from the desired and the observed state to the next steps.
//!
//! The plan has no memory: it looks at the fleet and at the last report of every node, and says which facts to write down and which
//! steps to take. The process that carries it out may die at any point; the next process plans again, from the log and the nodes as
//! they are then. So what must not be decided twice is written down *before* it is done (an epoch, a handover), and what has been
//! done is written down when it is *seen*.
//!
//! **A shard's life**, in the order of the questions that are asked:
//!
//! ```text
//!  a handover has begun? ──▶ finish it, or give it up                          (plan/handover.rs)
//!  is the primary lost? ───▶ replicas with data: kill · drain · elect          (failover)
//!                            none: start it, make it the primary again
//!  does it serve? ─────────▶ others follow it; sizes, removals and wishes lead to a handover
//!  then ───────────────────▶ listeners by role, states of members, is everything there?
//! ```
//! **Invariant:** no node is made primary while the previous primary may still serve: that one is dead, has lost its role, or was
//! restarted and has none.
//!
//! **Invariant:** all replicas that answer are drained before one is chosen, and the one with the highest offset is chosen.

mod handover;
mod serving;

use crate::command::Command;
use crate::model::{Deployment, DeploymentId, Fleet, Member, MemberState, Node, Phase, Shard};
use crate::record::NodeRecord;
use crate::step::{Assignment, NodeId, NodeSpec, Observed, Process, Step};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use supervision::{Link, Role, Status};

/// What every node is configured with, whatever its parameter group.
const NODE_PARAMETERS: [(&str, &str); 1] = [
    // Replicas come one at a time here, so there is nobody to wait for before a synchronisation begins.
    ("repl-diskless-sync-delay", "0"),
];

/// What the plan must know of the host that runs nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its cores: a node has no more workers, whatever its type.
    pub cores: u32,
}

/// What is next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// To be written down and applied, each in its region. The plan is made anew afterwards; its steps do not count.
    pub commands: Vec<(String, Command)>,
    /// To be taken, those under way excepted.
    pub steps: Vec<Step>,
}

/// What nodes were last seen to be, and what has been tried in vain.
pub trait Seen {
    /// A node.
    fn node(&self, node: NodeId) -> &Observed;
    /// How often in a row this step has failed.
    fn failures(&self, step: &Step) -> u32;
    /// Whether any step about this node is under way.
    fn is_busy(&self, node: NodeId) -> bool;
    /// Whether somebody else listened there when it was last tried.
    fn is_taken(&self, address: SocketAddr) -> bool;
}

/// Makes the plan.
pub fn plan(fleet: &Fleet, seen: &dyn Seen, host: Host) -> Plan {
    let mut plan = Plan::default();
    for (region, deployment) in fleet.deployments() {
        let mut planner = Planner { seen, host, region, deployment, records: &fleet.nodes, plan: &mut plan };
        planner.deployment(fleet);
    }
    for node in &fleet.retired {
        match seen.node(*node).process {
            // A start that is still under way would bring it back.
            Process::Absent if seen.is_busy(*node) => {}
            Process::Absent => {
                plan.commands.push((String::new(), Command::Forget { node: *node }));
            }
            _ => plan.steps.push(Step::Remove { node: *node }),
        }
    }
    for (endpoint, address) in &fleet.released {
        plan.steps.push(Step::Close { endpoint: *endpoint, address: *address });
    }
    plan
}

/// The plan of one deployment.
struct Planner<'a> {
    seen: &'a dyn Seen,
    host: Host,
    region: &'a str,
    deployment: &'a Deployment,
    records: &'a BTreeMap<NodeId, NodeRecord>,
    plan: &'a mut Plan,
}

impl<'a> Planner<'a> {
    fn deployment(&mut self, fleet: &Fleet) {
        match self.deployment.phase {
            Phase::Deleting => {
                let mut nodes = self.deployment.members().flat_map(|(_, member)| member.nodes());
                if !nodes.any(|node| fleet.retired.contains(&node.id)) {
                    self.write(Command::Settle { id: self.id() });
                }
            }
            Phase::CreateFailed => {}
            Phase::Creating | Phase::Available | Phase::Modifying => {
                for shard in &self.deployment.shards {
                    self.shard(shard);
                }
                self.settle();
            }
        }
    }

    fn shard(&mut self, shard: &'a Shard) {
        self.start_nodes(shard);
        self.kill_on_demand(shard);
        if let Some(to) = shard.handover {
            self.go_on_with_handover(shard, to);
        } else if self.is_serving_primary(shard.primary) {
            self.lead(shard);
        } else {
            self.regain_primary(shard);
        }
        self.listeners(shard);
        self.states(shard);
        self.parameters(shard);
    }

    /// Whatever is not running starts, but for those whose end is not dealt with yet.
    fn start_nodes(&mut self, shard: &Shard) {
        let takeover = self.can_take_over(shard);
        for member in &shard.members {
            let stays_down =
                never_starts(shard, member) || member.state == (MemberState::Rebooting { kill: true });
            for node in member.nodes() {
                // A lost primary waits until another one is elected, so as not to delay that.
                let waits = node.id == shard.primary && takeover;
                let down = matches!(self.process(node.id), Process::Absent | Process::Ended);
                if down && !stays_down && !waits {
                    self.step(Step::Start { node: node.id, spec: self.spec(member, node) });
                }
            }
        }
    }

    /// What is to be killed by wish of the user, or because it hangs.
    fn kill_on_demand(&mut self, shard: &Shard) {
        for member in &shard.members {
            if member.state == (MemberState::Rebooting { kill: true }) {
                match self.process(member.node.id) {
                    Process::Absent | Process::Ended => {
                        self.write(Command::Killed { id: self.id(), member: member.name.clone() });
                    }
                    _ => self.step(Step::Kill { node: member.node.id }),
                }
            }
            for node in member.nodes() {
                if self.process(node.id) == Process::Hung {
                    self.step(Step::Kill { node: node.id });
                }
            }
        }
        if shard.test_failover && shard.handover.is_none() && self.is_serving_primary(shard.primary) {
            if self.candidates(shard).next().is_some() {
                self.step(Step::Kill { node: shard.primary });
            } else {
                // Its replicas were lost since it was asked for: the primary stays.
                self.elect(shard, shard.primary, shard.epoch, shard.stands_in_for.is_some());
            }
        }
    }

    /// The primary does not serve.
    fn regain_primary(&mut self, shard: &'a Shard) {
        match self.process(shard.primary) {
            // It may be alive, or even serve: the agent is finding out, or killing it.
            Process::Starting | Process::Hung => return,
            Process::Absent | Process::Ended | Process::Running => {}
        }
        if self.can_take_over(shard) {
            self.fail_over(shard);
        } else if self.process(shard.primary) == Process::Running && !self.someone_is_unknown(shard) {
            if self.came_without_data(shard.primary) {
                if self.someone_may_come_with_data(shard) {
                    return;
                }
                if let Some(loaded) = self.came_with_data(shard) {
                    return self.take_over(shard, loaded, shard.epoch + 1);
                }
            }
            self.assign(shard.primary, self.highest_epoch(shard), Assignment::Primary);
        }
    }

    /// Drains all replicas that answer, and elects the one that has most.
    fn fail_over(&mut self, shard: &'a Shard) {
        let epoch = shard.epoch + 1;
        let mut waiting = false;
        for node in self.candidates(shard) {
            let drained = self.status(node).is_some_and(|s| s.role == Role::Drained && s.epoch >= epoch);
            let step = Step::Drain { node, epoch };
            // One that cannot be drained must not hold up the others for ever.
            if !drained && self.seen.failures(&step) < 2 {
                waiting = true;
                self.plan.steps.push(step);
            }
        }
        if waiting {
            return;
        }
        if let Some(best) = self.best(shard) {
            self.take_over(shard, best, epoch);
        }
    }

    /// Elects another node in place of the lost primary, in this epoch or a later one.
    fn take_over(&mut self, shard: &Shard, node: NodeId, epoch: u64) {
        // Without automatic failover the same member is to be the primary again, unless it is to go anyway.
        let lost = shard.primary_member();
        let comes_back = |lost: &Member| lost.state != MemberState::Deleting && !lost.runs(node);
        let stands_in = !self.deployment.automatic_failover && lost.is_some_and(comes_back);
        let epoch = epoch.max(self.highest_epoch(shard));
        self.elect(shard, node, epoch, stands_in);
    }

    /// Started, without a file of a clean end: an empty primary would empty its replicas too.
    fn came_without_data(&self, node: NodeId) -> bool {
        let empty =
            |status: &Status| status.role == Role::Unassigned && !status.holds_data && !status.loading;
        self.status(node).is_some_and(empty)
    }

    /// Whether somebody beside the primary is still to start or to load, and may have a file.
    fn someone_may_come_with_data(&self, shard: &Shard) -> bool {
        let may = |member: &Member, node: &Node| match self.process(node.id) {
            // One that cannot be started must not hold up the others for ever.
            Process::Absent | Process::Ended => {
                self.seen.failures(&Step::Start { node: node.id, spec: self.spec(member, node) }) < 2
            }
            Process::Running => self.status(node.id).is_some_and(|status| status.loading),
            Process::Starting | Process::Hung => false,
        };
        let may_start =
            |member: &&Member| member.state != MemberState::Creating && !never_starts(shard, member);
        let others = shard.members.iter().filter(may_start);
        let mut others = others.flat_map(|member| member.nodes().map(move |node| (member, node)));
        others.any(|(member, node)| node.id != shard.primary && may(member, node))
    }

    /// The node that has loaded most from a file of its clean end, and has no role yet.
    fn came_with_data(&self, shard: &Shard) -> Option<NodeId> {
        let nodes = shard.members.iter().flat_map(Member::nodes).filter(|node| node.id != shard.primary);
        let loaded = nodes.filter_map(|node| {
            let status = self.status(node.id).filter(|_| self.process(node.id) == Process::Running)?;
            (status.role == Role::Unassigned && status.holds_data).then_some((status.keys, node.id))
        });
        loaded.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, node)| node)
    }

    /// The drained replica that has most of the primary's history.
    fn best(&self, shard: &Shard) -> Option<NodeId> {
        let lost = self.status(shard.primary).map(|status| &status.position.history);
        let drained = self.candidates(shard).filter_map(|node| {
            let status = self.status(node).filter(|status| status.role == Role::Drained)?;
            let same = lost.is_some_and(|history| *history == status.position.history);
            Some(((same, status.position.offset), node))
        });
        // Of equals the first: the order of members is the order of their making.
        drained.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, node)| node)
    }

    /// Whether the primary is lost and somebody has its data.
    fn can_take_over(&self, shard: &Shard) -> bool {
        let lost = match self.process(shard.primary) {
            Process::Absent | Process::Ended => true,
            // Restarted, and empty. One that was elected a moment ago has data and only waits for its role.
            Process::Running => self.status(shard.primary).is_some_and(|s| s.role == Role::Unassigned),
            Process::Starting | Process::Hung => false,
        };
        shard.handover.is_none() && lost && self.candidates(shard).next().is_some()
    }

    /// Nodes other than the primary that answer and have the data.
    fn candidates(&self, shard: &'a Shard) -> impl Iterator<Item = NodeId> + use<'a> {
        let seen = self.seen;
        let nodes = shard.members.iter().flat_map(Member::nodes).map(|node| node.id);
        let primary = shard.primary;
        nodes.filter(move |node| {
            let observed = seen.node(*node);
            let has_data = |status: &Status| {
                status.holds_data && matches!(status.role, Role::Replica(_) | Role::Drained)
            };
            *node != primary
                && observed.process == Process::Running
                && observed.status.as_ref().is_some_and(has_data)
        })
    }

    /// Whether a node is still to be asked what it is: it may have data.
    fn someone_is_unknown(&self, shard: &Shard) -> bool {
        let mut nodes = shard.members.iter().flat_map(Member::nodes);
        nodes.any(|node| node.id != shard.primary && self.process(node.id) == Process::Starting)
    }

    /// The highest epoch that any node of a shard has seen: a failover that was given up may have used one.
    fn highest_epoch(&self, shard: &Shard) -> u64 {
        let nodes = shard.members.iter().flat_map(Member::nodes);
        let seen = nodes.filter_map(|node| self.status(node.id)).map(|status| status.epoch);
        seen.fold(shard.epoch, u64::max)
    }

    /// Runs, and is a primary of whatever epoch.
    fn is_serving_primary(&self, node: NodeId) -> bool {
        let is_primary = self.status(node).is_some_and(|status| status.role == Role::Primary);
        is_primary && self.process(node) == Process::Running
    }

    /// Follows the shard's primary, and has all that it had a moment ago.
    fn is_in_sync(&self, shard: &Shard, node: NodeId) -> bool {
        let follows = |status: &Status| {
            let primary = shard.primary.to_string();
            matches!(&status.role, Role::Replica(upstream) if upstream.node == primary)
                && status.epoch == shard.epoch
                && status.link == Link::Up
                && status.holds_data
        };
        self.process(node) == Process::Running && self.status(node).is_some_and(follows)
    }

    /// Everything that was asked for is there.
    fn settle(&mut self) {
        let deployment = self.deployment;
        if deployment.phase == Phase::Available {
            return;
        }
        let quiet = |shard: &Shard| {
            shard.handover.is_none()
                && shard.stands_in_for.is_none()
                && shard.wanted_primary.is_none()
                && !shard.test_failover
        };
        let done = |member: &Member| member.state == MemberState::Available && member.replacement.is_none();
        if deployment.shards.iter().all(quiet) && deployment.members().all(|(_, member)| done(member)) {
            self.write(Command::Settle { id: self.id() });
        }
    }

    fn spec(&self, member: &Member, node: &Node) -> NodeSpec {
        let of_group = &self.deployment.parameters;
        let mut parameters: Vec<_> =
            NODE_PARAMETERS.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        // The host's limits may have it lower, which a node finds out at its start.
        parameters.push(("maxclients".to_owned(), node.size.maxclients.to_string()));
        parameters.extend(of_group.at_start.clone());
        parameters.extend(of_group.while_running(&node.size));
        NodeSpec {
            profile: self.deployment.profile.clone(),
            workers: node.size.vcpus.min(self.host.cores).max(1),
            parameters,
            revision: of_group.revision(&node.size),
            label: member.name.clone(),
            record: Box::new(self.records.get(&node.id).expect("Fleet::check has seen it").clone()),
        }
    }

    fn assign(&mut self, node: NodeId, epoch: u64, role: Assignment) {
        self.step(Step::Assign { node, epoch, role });
    }

    fn elect(&mut self, shard: &Shard, node: NodeId, epoch: u64, stands_in: bool) {
        self.write(Command::Elect { id: self.id(), shard: shard.id.clone(), node, epoch, stands_in });
    }

    fn id(&self) -> DeploymentId {
        self.deployment.id.clone()
    }

    fn process(&self, node: NodeId) -> Process {
        self.seen.node(node).process
    }

    fn status(&self, node: NodeId) -> Option<&'a Status> {
        self.seen.node(node).status.as_ref()
    }

    fn step(&mut self, step: Step) {
        self.plan.steps.push(step);
    }

    fn write(&mut self, command: Command) {
        self.plan.commands.push((self.region.to_owned(), command));
    }
}

/// A member that is leaving is not started any more, unless it is still the primary.
fn never_starts(shard: &Shard, member: &Member) -> bool {
    member.state == MemberState::Deleting && !member.runs(shard.primary)
}

/// Nothing is known of a node before the first report.
pub(crate) type Reports = BTreeMap<NodeId, Observed>;
