//! Planned changes of the primary.
//!
//! A handover is written down with its epoch before the first node hears of it. From then on it is in one of three states: the old
//! primary still has its role; it has lost the role, and the new one has none yet; the new one has it. The nodes' status shows which.
//! From each state there is a way forward and, as long as the new node is not primary, a way back.

use super::Planner;
use crate::command::Command;
use crate::model::{Member, MemberState, Shard};
use crate::step::{Assignment, NodeId, Process, Step};
use std::net::SocketAddr;
use supervision::Role;

/// After so many failures in a row the primary stays who it is.
const TRIES: u32 = 3;

impl<'a> Planner<'a> {
    /// The primary serves: the others follow it, and wishes for another primary begin.
    pub(super) fn lead(&mut self, shard: &'a Shard) {
        let highest = self.highest_epoch(shard);
        if highest > shard.epoch {
            // A failover was begun and not needed: those who heard of it listen to no lower epoch.
            self.elect(shard, shard.primary, highest, shard.stands_in_for.is_some());
            return;
        }
        if self.status(shard.primary).is_some_and(|status| status.epoch != shard.epoch) {
            self.assign(shard.primary, shard.epoch, Assignment::Primary);
        }
        self.follow(shard);
        self.replace_and_leave(shard);
        if let Some(to) = self.wanted_primary(shard)
            && to != shard.primary
            && self.is_in_sync(shard, to)
        {
            let step = self.handover_step(shard, to, shard.epoch + 1);
            if self.seen.failures(&step) == 0 {
                self.write(Command::BeginHandover { id: self.id(), shard: shard.id.clone(), to });
            }
        }
    }

    /// Everybody else follows the primary.
    fn follow(&mut self, shard: &Shard) {
        let primary = shard.primary.to_string();
        let address = address_of(shard, shard.primary);
        for node in shard.members.iter().flat_map(Member::nodes).map(|node| node.id) {
            let Some(status) = self.status(node) else { continue };
            let follows = matches!(&status.role, Role::Replica(up) if up.node == primary);
            let current = follows && status.epoch == shard.epoch;
            if node != shard.primary && self.process(node) == Process::Running && !current {
                self.assign(node, shard.epoch, Assignment::Replica { of: shard.primary, address });
            }
        }
    }

    /// Replacements that are ready take over from the nodes they replace, and members that are to go leave: a former primary not
    /// before the others have from the new one what it had.
    fn replace_and_leave(&mut self, shard: &Shard) {
        let in_sync = self.all_that_stay_are_in_sync(shard);
        for member in &shard.members {
            let ready = member.replacement.as_ref().is_some_and(|replacement| {
                // The primary's replacement first becomes the primary.
                (replacement.id == shard.primary && in_sync)
                    || (member.node.id != shard.primary && self.is_in_sync(shard, replacement.id))
            });
            if ready {
                self.write(Command::Replace { id: self.id(), member: member.name.clone() });
            }
            if member.state == MemberState::Deleting && !member.runs(shard.primary) && in_sync {
                self.write(Command::Leave { id: self.id(), member: member.name.clone() });
            }
        }
    }

    /// The members that answer and stay have what the primary has.
    fn all_that_stay_are_in_sync(&self, shard: &Shard) -> bool {
        let mut stay = shard.members.iter().filter(|member| {
            let answers = self.process(member.node.id) == Process::Running;
            answers && member.state != MemberState::Deleting && !member.runs(shard.primary)
        });
        stay.all(|member| self.is_in_sync(shard, member.node.id))
    }

    /// Who is to be the primary, if not the one who is.
    fn wanted_primary(&self, shard: &Shard) -> Option<NodeId> {
        let newest = |member: &Member| member.replacement.as_ref().unwrap_or(&member.node).id;
        let named = shard.stands_in_for.as_ref().or(shard.wanted_primary.as_ref());
        if let Some(member) = named.and_then(|name| shard.member(name)) {
            return Some(newest(member));
        }
        let primary = shard.primary_member()?;
        if primary.state == MemberState::Deleting {
            let stays =
                |member: &&Member| member.state != MemberState::Deleting && !member.runs(shard.primary);
            let mut others = shard.members.iter().filter(stays).map(newest);
            return others.find(|node| self.is_in_sync(shard, *node));
        }
        // Its replacement, once those of the replicas are in place: each follows one primary less.
        let pending = |member: &&Member| member.replacement.is_some() && member.name != primary.name;
        let alone = shard.members.iter().find(pending).is_none();
        primary.replacement.as_ref().filter(|_| alone).map(|node| node.id)
    }

    /// A handover has begun.
    pub(super) fn go_on_with_handover(&mut self, shard: &'a Shard, to: NodeId) {
        let from = shard.primary;
        let epoch = shard.epoch;
        let is_done =
            self.status(to).is_some_and(|status| status.role == Role::Primary && status.epoch == epoch);
        if is_done && self.process(to) == Process::Running {
            self.elect(shard, to, epoch, false);
            return;
        }
        let lives = |node| matches!(self.process(node), Process::Running);
        let may_succeed = lives(to) && self.status(to).is_some_and(|status| status.holds_data);
        let step = self.handover_step(shard, to, epoch);
        let gives_up = !may_succeed || self.seen.failures(&step) >= TRIES;
        if !lives(from) {
            if matches!(self.process(from), Process::Absent | Process::Ended) {
                // Back to the state before, in which the primary is lost and somebody is elected.
                self.elect(shard, from, epoch, shard.stands_in_for.is_some());
            }
        } else if !gives_up {
            self.step(step);
        } else if self.is_serving_primary(from) {
            self.elect(shard, from, epoch, shard.stands_in_for.is_some());
        } else {
            // It has lost its role already, and the other one cannot have it: it gets it back.
            let epoch = self.highest_epoch(shard) + 1;
            self.elect(shard, from, epoch, shard.stands_in_for.is_some());
        }
    }

    fn handover_step(&self, shard: &Shard, to: NodeId, epoch: u64) -> Step {
        let from = shard.primary;
        let (from_address, to_address) = (address_of(shard, from), address_of(shard, to));
        Step::Handover { from, from_address, to, to_address, epoch }
    }
}

/// The address of the member that a node serves.
fn address_of(shard: &Shard, node: NodeId) -> SocketAddr {
    let member = shard.members.iter().find(|member| member.runs(node));
    member.map_or(shard.primary_address, |member| member.address)
}
