//! Listeners by role, and the status that members show.

use super::Planner;
use crate::command::Command;
use crate::model::{DeploymentId, Member, MemberState, ParameterStatus, Phase, Shard};
use crate::step::{NodeId, Process, Step};
use supervision::{Endpoint, Link, Listening, Role, Status};

impl<'a> Planner<'a> {
    /// Gives every node the endpoints of its role, and takes others away.
    pub(super) fn listeners(&mut self, shard: &Shard) {
        for member in &shard.members {
            for node in member.nodes().map(|node| node.id) {
                let Some(status) = self.status(node) else { continue };
                if self.process(node) != Process::Running {
                    continue;
                }
                let wanted = self.wanted_listeners(shard, member, node, status);
                for listening in &wanted {
                    if !status.listening.contains(listening) {
                        self.listen(node, *listening);
                    }
                }
                for listening in &status.listening {
                    if !wanted.contains(listening) {
                        self.step(Step::Unlisten { node, endpoint: listening.endpoint });
                    }
                }
            }
        }
    }

    fn listen(&mut self, node: NodeId, listening: Listening) {
        let Listening { endpoint, address } = listening;
        let step = Step::Listen { node, endpoint, address };
        if self.deployment.phase == Phase::Creating && self.seen.is_taken(address) {
            let reason = format!("{address} is already in use");
            self.write(Command::FailCreation { id: self.id(), reason });
        }
        self.step(step);
    }

    fn wanted_listeners(
        &self,
        shard: &Shard,
        member: &Member,
        node: NodeId,
        status: &Status,
    ) -> Vec<Listening> {
        let mut wanted = Vec::new();
        let group = matches!(self.deployment.id, DeploymentId::Group(_));
        let is_primary = node == shard.primary && status.role == Role::Primary;
        let serves = status.holds_data && !matches!(status.role, Role::Unassigned);
        if serves && node == member.node.id && (group || is_primary) {
            wanted.push(Listening { endpoint: Endpoint::Node, address: member.address });
        }
        if !group {
            return wanted;
        }
        let leads = is_primary && status.epoch == shard.epoch && shard.handover.is_none();
        let keeps = is_primary && has(status, Endpoint::Primary);
        if (leads || keeps) && shard.stands_in_for.is_none() {
            wanted.push(Listening { endpoint: Endpoint::Primary, address: shard.primary_address });
        }
        let reads = match self.readers(shard) {
            readers if readers.is_empty() => is_primary,
            readers => readers.contains(&node),
        };
        if reads {
            wanted.push(Listening { endpoint: Endpoint::Reader, address: shard.reader_address });
        }
        wanted
    }

    /// The nodes that serve the reader endpoint: replicas that are in sync, and those that have been and answer still. A broken
    /// link is no reason to close the connections of readers.
    fn readers(&self, shard: &Shard) -> Vec<NodeId> {
        let stays = |member: &&Member| member.state != MemberState::Deleting;
        let nodes = shard.members.iter().filter(stays).map(|member| member.node.id);
        let reads = |node: &NodeId| {
            let keeps = |status: &Status| {
                let follows = matches!(status.role, Role::Replica(_) | Role::Drained);
                follows && status.holds_data && (status.link == Link::Up || has(status, Endpoint::Reader))
            };
            self.process(*node) == Process::Running && self.status(*node).is_some_and(keeps)
        };
        nodes.filter(reads).collect()
    }

    /// Writes down which members serve and which were lost.
    pub(super) fn states(&mut self, shard: &Shard) {
        for member in &shard.members {
            let node = member.node.id;
            let gone = match self.process(node) {
                Process::Absent | Process::Ended | Process::Hung => true,
                // It was restarted behind our back.
                Process::Running => self.status(node).is_some_and(|status| status.role == Role::Unassigned),
                Process::Starting => false,
            };
            match member.state {
                MemberState::Available if gone => {
                    self.write(Command::Lost { id: self.id(), member: member.name.clone() });
                }
                MemberState::Creating | MemberState::Recovering | MemberState::Rebooting { kill: false }
                    if self.serves(shard, member) =>
                {
                    self.write(Command::Serves { id: self.id(), member: member.name.clone() });
                }
                _ => {}
            }
        }
    }

    /// Gives running nodes the parameters that they lack, and writes down who has them.
    pub(super) fn parameters(&mut self, shard: &Shard) {
        let of_group = &self.deployment.parameters;
        for member in &shard.members {
            for node in member.nodes() {
                let running = self.status(node.id).filter(|_| self.process(node.id) == Process::Running);
                let Some(status) = running else { continue };
                let wanted = of_group.revision(&node.size);
                let present = match status.revision {
                    Some(has) if has.at_once != wanted.at_once => {
                        let parameters = of_group.while_running(&node.size);
                        self.step(Step::Configure { node: node.id, parameters, at_once: wanted.at_once });
                        continue;
                    }
                    Some(has) if has == wanted => ParameterStatus::InSync,
                    // Without a revision nobody knows what it has: the program that started it knew none.
                    Some(_) | None => ParameterStatus::PendingReboot,
                };
                let stays = member.state != MemberState::Deleting;
                if stays && node.id == member.node.id && present != member.parameters {
                    let member = member.name.clone();
                    self.write(Command::Configured { id: self.id(), member, status: present });
                }
            }
        }
    }

    /// A member's node has its role, its data and its listeners.
    fn serves(&self, shard: &Shard, member: &Member) -> bool {
        let node = member.node.id;
        let Some(status) = self.status(node) else { return false };
        let in_role = match node == shard.primary {
            true => {
                self.is_serving_primary(node) && status.epoch == shard.epoch && shard.stands_in_for.is_none()
            }
            // The replacement that has become the primary takes this node's place in a moment.
            false if member.runs(shard.primary) => false,
            false => self.is_in_sync(shard, node) || self.stands_in(shard, node),
        };
        let wanted = self.wanted_listeners(shard, member, node, status);
        in_role && wanted.iter().all(|listening| status.listening.contains(listening))
    }

    /// The primary only keeps the data for another member.
    fn stands_in(&self, shard: &Shard, node: NodeId) -> bool {
        shard.stands_in_for.is_some() && node == shard.primary && self.is_serving_primary(node)
    }
}

fn has(status: &Status, endpoint: Endpoint) -> bool {
    status.listening.iter().any(|listening| listening.endpoint == endpoint)
}
