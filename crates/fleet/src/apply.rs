//! How commands change the fleet. The same commands in the same order give the same state, byte for byte.

use crate::address::AddressPool;
use crate::command::{Changes, Command, NewDeployment, NewMember};
use crate::event::{Happening, Source};
use crate::model::{
    Deployment, DeploymentId, Fleet, Member, MemberState, Node, NodeSize, ParameterStatus, Phase, Region,
    Shard,
};
use crate::record::{HostId, NodeRecord, Origin};
use crate::step::NodeId;
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use supervision::Endpoint;

/// Why a command cannot be applied. Commands are decided against the state they are applied to, so this is a bug, or a log
/// that was tampered with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// It names what is not there.
    #[error("{0} is not there")]
    Missing(String),
    /// It makes what is there already.
    #[error("{0} is there already")]
    Exists(String),
    /// It makes a deployment of nobody.
    #[error("{0} has no members")]
    Empty(String),
    /// The host has no address that nobody uses.
    #[error("there is no free address")]
    NoAddress,
}

impl Fleet {
    /// Lets a command happen in a region at a time (Unix ms).
    ///
    /// # Errors
    /// See [`ApplyError`]. The state is of no use then: who is not sure of a command applies it to a copy first.
    pub fn apply(&mut self, at_ms: u64, region: &str, command: &Command) -> Result<(), ApplyError> {
        match command {
            Command::Create(new) => self.create(at_ms, region, new)?,
            Command::Modify { id, changes } => self.modify(at_ms, region, id, changes)?,
            Command::Defer { id, size } => {
                self.deployment_mut(region, id)?.deferred_size.clone_from(size);
            }
            Command::AddMembers { id, members } => self.add_members(at_ms, region, id, members)?,
            Command::RemoveMembers { id, members } => {
                let deployment = self.deployment_mut(region, id)?;
                deployment.phase = Phase::Modifying;
                for member in all_members(deployment).filter(|member| members.contains(&member.name)) {
                    member.state = MemberState::Deleting;
                }
            }
            Command::Promote { id, member } => {
                let deployment = self.deployment_mut(region, id)?;
                let shard = shard_of(deployment, member)?;
                if shard.primary_member().is_none_or(|primary| primary.name != *member) {
                    shard.wanted_primary = Some(member.clone());
                    deployment.phase = Phase::Modifying;
                }
            }
            Command::TestFailover { id, shard } => {
                let deployment = self.deployment_mut(region, id)?;
                shard_mut(deployment, shard)?.test_failover = true;
                deployment.phase = Phase::Modifying;
                let tested = Happening::FailoverTested { shard };
                self.tell(at_ms, region, Source::ReplicationGroup, id.name(), tested);
            }
            Command::Reboot { id, member } => {
                self.member_mut(region, id, member)?.state = MemberState::Rebooting { kill: true };
            }
            Command::Delete { id, retain_primary } => self.delete(at_ms, region, id, *retain_primary)?,
            Command::Tag { id, member, tags } => {
                self.tags(region, id, member.as_deref())?.extend(tags.clone());
            }
            Command::Untag { id, member, keys } => {
                self.tags(region, id, member.as_deref())?.retain(|key, _| !keys.contains(key));
            }
            Command::SetSubnetGroup(group) => {
                let here = self.regions.entry(region.to_owned()).or_default();
                here.set_subnet_group(at_ms, region, group);
            }
            Command::DeleteSubnetGroup { name } => {
                self.region_mut(region)?.delete_subnet_group(at_ms, name)?;
            }
            Command::SetParameterGroup(group) => {
                let region = self.regions.entry(region.to_owned()).or_default();
                region.set_parameter_group(at_ms, group);
            }
            Command::DeleteParameterGroup { name } => {
                self.region_mut(region)?.delete_parameter_group(at_ms, name)?;
            }
            Command::Configured { id, member, status } => {
                let at_start = self.deployment_mut(region, id)?.parameters.at_start.clone();
                let of = self.member_mut(region, id, member)?;
                if *status == ParameterStatus::InSync {
                    of.at_start = at_start;
                }
                let before = std::mem::replace(&mut of.parameters, *status);
                if before == ParameterStatus::Applying {
                    self.tell(at_ms, region, Source::CacheCluster, member, Happening::ParametersChanged);
                }
            }
            Command::Serves { id, member } => self.serves(at_ms, region, id, member)?,
            Command::Lost { id, member } => self.lost(at_ms, region, id, member)?,
            Command::Killed { id, member } => {
                self.member_mut(region, id, member)?.state = MemberState::Rebooting { kill: false };
                self.tell(at_ms, region, Source::CacheCluster, member, Happening::NodeShutdown);
            }
            Command::BeginHandover { id, shard, to } => {
                let shard = shard_mut(self.deployment_mut(region, id)?, shard)?;
                shard.epoch += 1;
                shard.handover = Some(*to);
            }
            Command::Elect { id, shard, node, epoch, stands_in } => {
                self.elect(at_ms, region, id, shard, *node, *epoch, *stands_in)?;
            }
            Command::Replace { id, member } => self.replace(at_ms, region, id, member)?,
            Command::Leave { id, member } => self.leave(at_ms, region, id, member)?,
            Command::Settle { id } => self.settle(at_ms, region, id)?,
            Command::FailCreation { id, reason } => {
                let deployment = self.deployment_mut(region, id)?;
                deployment.phase = Phase::CreateFailed;
                let nodes = deployment.members().flat_map(|(_, member)| member.nodes());
                let gone: Vec<NodeId> = nodes.map(|node| node.id).collect();
                self.retired.extend(gone);
                let source = Source::of(id);
                self.tell(at_ms, region, source, id.name(), Happening::NotCreated { source, reason });
            }
            Command::Forget { node } => {
                self.retired.remove(node);
                self.nodes.remove(node);
            }
            Command::Stranger { node, origin, moved_to } => {
                self.stranger(at_ms, *node, origin.as_ref(), moved_to.as_deref());
            }
            Command::Closed { endpoint, address } => {
                self.released.remove(&(*endpoint, *address));
            }
        }
        Ok(())
    }

    fn create(&mut self, at_ms: u64, region: &str, new: &NewDeployment) -> Result<(), ApplyError> {
        if self.deployment(region, &new.id).is_some() {
            return Err(ApplyError::Exists(new.id.to_string()));
        }
        if new.members.is_empty() {
            return Err(ApplyError::Empty(new.id.to_string()));
        }
        let fixed = new.primary_ip.map(|ip| SocketAddr::new(IpAddr::V4(ip), new.port));
        let alone = matches!(new.id, DeploymentId::Cluster(_));
        let mut members = Vec::new();
        let mut taken = Vec::new();
        // A group has endpoints of its own besides those of its members.
        let primary_address = match fixed {
            Some(fixed) => fixed,
            None => self.take_address(new.port, &[])?,
        };
        let reader_address = match alone {
            true => primary_address,
            false => self.take_address(new.port, &[primary_address])?,
        };
        taken.extend([primary_address, reader_address]);
        for member in &new.members {
            let address = if alone { primary_address } else { self.take_address(new.port, &taken)? };
            taken.push(address);
            members.push(self.new_member(at_ms, region, new, member, address));
        }
        let shard = Shard {
            id: "0001".into(),
            epoch: 1,
            primary: members[0].node.id,
            handover: None,
            stands_in_for: None,
            test_failover: false,
            wanted_primary: None,
            primary_address,
            reader_address,
            members,
        };
        let deployment = Deployment {
            id: new.id.clone(),
            description: new.description.clone(),
            engine: new.engine,
            engine_version: new.engine_version.clone(),
            profile: new.profile.clone(),
            size: new.size.clone(),
            deferred_size: None,
            port: new.port,
            phase: Phase::Creating,
            automatic_failover: new.automatic_failover,
            multi_az: new.multi_az,
            settings: new.settings.clone(),
            parameters: new.parameters.clone(),
            tags: new.tags.clone(),
            created_at_ms: at_ms,
            shards: vec![shard],
        };
        self.insert(region, deployment);
        Ok(())
    }

    fn insert(&mut self, region: &str, deployment: Deployment) {
        let region = self.regions.entry(region.to_owned()).or_default();
        let of_kind = match deployment.id {
            DeploymentId::Group(_) => &mut region.groups,
            DeploymentId::Cluster(_) => &mut region.clusters,
        };
        of_kind.insert(deployment.id.name().to_owned(), deployment);
    }

    fn new_member(
        &mut self,
        at_ms: u64,
        region: &str,
        of: &NewDeployment,
        new: &NewMember,
        address: SocketAddr,
    ) -> Member {
        let mut tags = of.tags.clone();
        tags.extend(new.tags.clone());
        Member {
            name: new.name.clone(),
            availability_zone: new.availability_zone.clone(),
            address,
            state: MemberState::Creating,
            node: self.new_node(origin(at_ms, region, &of.id, &new.name), &of.size),
            parameters: ParameterStatus::InSync,
            at_start: of.parameters.at_start.clone(),
            replacement: None,
            tags,
            created_at_ms: at_ms,
        }
    }

    fn new_node(&mut self, origin: Origin, size: &NodeSize) -> Node {
        let id = NodeId(self.next_node);
        self.next_node += 1;
        self.nodes.insert(id, NodeRecord { host: HostId::LOCAL, origin, unmarked: false });
        Node { id, size: size.clone() }
    }

    fn take_address(&mut self, port: u16, also_taken: &[SocketAddr]) -> Result<SocketAddr, ApplyError> {
        let mut in_use: HashSet<SocketAddr> = self.addresses_in_use().collect();
        in_use.extend(also_taken);
        let host = self.hosts.get_mut(&HostId::LOCAL).expect("the local host is always there");
        host.addresses.take(port, |address| in_use.contains(&address)).ok_or(ApplyError::NoAddress)
    }

    fn addresses_in_use(&self) -> impl Iterator<Item = SocketAddr> {
        let shards = self.deployments().flat_map(|(_, deployment)| &deployment.shards);
        let of_shards = shards.flat_map(|shard| {
            let members = shard.members.iter().map(|member| member.address);
            members.chain([shard.primary_address, shard.reader_address])
        });
        of_shards.chain(self.released.iter().map(|(_, address)| *address))
    }

    /// Whether there are addresses for so many more endpoints of a port.
    pub fn has_addresses(&self, port: u16, count: usize) -> bool {
        let pool = &self.hosts[&HostId::LOCAL].addresses;
        let competes = |address: &SocketAddr| match pool {
            AddressPool::Loopback { .. } => address.port() == port,
            AddressPool::Ports { .. } => true,
        };
        let in_use: HashSet<SocketAddr> = self.addresses_in_use().filter(competes).collect();
        in_use.len() + count <= pool.size()
    }

    fn modify(
        &mut self,
        at_ms: u64,
        region: &str,
        id: &DeploymentId,
        changes: &Changes,
    ) -> Result<(), ApplyError> {
        let mut outgrown = Vec::new();
        let mut retired = Vec::new();
        let deployment = self.deployment_mut(region, id)?;
        if let Some(description) = &changes.description {
            deployment.description.clone_from(description);
        }
        let fails_over = changes.automatic_failover.unwrap_or(deployment.automatic_failover);
        let turned = std::mem::replace(&mut deployment.automatic_failover, fails_over) != fails_over;
        deployment.multi_az = changes.multi_az.unwrap_or(deployment.multi_az);
        if let Some(settings) = &changes.settings {
            deployment.settings.clone_from(settings);
        }
        if let Some(parameters) = changes.parameters.as_ref().filter(|new| **new != deployment.parameters) {
            deployment.parameters.clone_from(parameters);
            all_members(deployment).for_each(|member| member.parameters = ParameterStatus::Applying);
        }
        if let Some(size) = &changes.size {
            deployment.size.clone_from(size);
            deployment.deferred_size = None;
            deployment.phase = Phase::Modifying;
            for member in all_members(deployment) {
                if member.replacement.as_ref().is_some_and(|replacement| replacement.size == *size) {
                    continue;
                }
                retired.extend(member.replacement.take().map(|node| node.id));
                if member.node.size != *size {
                    outgrown.push(member.name.clone());
                }
            }
            for name in outgrown {
                let replacement = self.new_node(origin(at_ms, region, id, &name), size);
                self.member_mut(region, id, &name)?.replacement = Some(replacement);
            }
        }
        self.retired.extend(retired);
        if turned {
            let turned = Happening::AutomaticFailover { group: id.name(), on: fails_over };
            self.tell(at_ms, region, Source::ReplicationGroup, id.name(), turned);
        }
        Ok(())
    }

    /// The replacement of a member is its node from now on.
    fn replace(&mut self, at_ms: u64, region: &str, id: &DeploymentId, name: &str) -> Result<(), ApplyError> {
        let member = self.member_mut(region, id, name)?;
        let Some(replacement) = member.replacement.take() else { return Ok(()) };
        let old = std::mem::replace(&mut member.node, replacement).id;
        let node_type = member.node.size.node_type.clone();
        self.retired.insert(old);
        let applied = Happening::NodeTypeApplied { node_type: &node_type };
        self.tell(at_ms, region, Source::CacheCluster, name, applied);
        let deployment = self.deployment_mut(region, id)?;
        let is_last = deployment.members().all(|(_, member)| member.replacement.is_none());
        if is_last && matches!(id, DeploymentId::Group(_)) {
            self.tell(at_ms, region, Source::ReplicationGroup, id.name(), applied);
        }
        Ok(())
    }

    fn lost(&mut self, at_ms: u64, region: &str, id: &DeploymentId, name: &str) -> Result<(), ApplyError> {
        self.member_mut(region, id, name)?.state = MemberState::Recovering;
        let deployment = self.deployment_mut(region, id)?;
        let is_primary = deployment.members().any(|(shard, one)| one.name == name && one.runs(shard.primary));
        // The service tells of the failover first.
        if !(is_primary && fails_over(deployment)) {
            self.tell(at_ms, region, Source::CacheCluster, name, Happening::Recovering);
        }
        Ok(())
    }

    fn add_members(
        &mut self,
        at_ms: u64,
        region: &str,
        id: &DeploymentId,
        new: &[NewMember],
    ) -> Result<(), ApplyError> {
        let deployment = self.deployment_mut(region, id)?;
        deployment.phase = Phase::Modifying;
        let (size, port, tags) = (deployment.size.clone(), deployment.port, deployment.tags.clone());
        let at_start = deployment.parameters.at_start.clone();
        for new in new {
            if self.deployment(region, id).is_some_and(|one| one.members().any(|(_, m)| m.name == new.name)) {
                return Err(ApplyError::Exists(format!("member {}", new.name)));
            }
            let address = self.take_address(port, &[])?;
            let node = self.new_node(origin(at_ms, region, id, &new.name), &size);
            let mut tags = tags.clone();
            tags.extend(new.tags.clone());
            let member = Member {
                name: new.name.clone(),
                availability_zone: new.availability_zone.clone(),
                address,
                state: MemberState::Creating,
                node,
                parameters: ParameterStatus::InSync,
                at_start: at_start.clone(),
                replacement: None,
                tags,
                created_at_ms: at_ms,
            };
            let deployment = self.deployment_mut(region, id)?;
            let shard = deployment.shards.first_mut();
            shard.ok_or_else(|| ApplyError::Missing("a shard".into()))?.members.push(member);
        }
        Ok(())
    }

    fn delete(
        &mut self,
        at_ms: u64,
        region: &str,
        id: &DeploymentId,
        retain: bool,
    ) -> Result<(), ApplyError> {
        let deployment = self.deployment_mut(region, id)?;
        deployment.phase = Phase::Deleting;
        let kept = if retain { take_primary(deployment) } else { None };
        let gone: Vec<NodeId> =
            deployment.members().flat_map(|(_, member)| member.nodes().map(|node| node.id)).collect();
        self.retired.extend(gone);
        if let Some(kept) = kept {
            let retained = Happening::Retained { group: id };
            self.tell(at_ms, region, Source::CacheCluster, kept.id.name(), retained);
            self.insert(region, kept);
        }
        Ok(())
    }

    fn serves(&mut self, at_ms: u64, region: &str, id: &DeploymentId, name: &str) -> Result<(), ApplyError> {
        let member = self.member_mut(region, id, name)?;
        let was = std::mem::replace(&mut member.state, MemberState::Available);
        let zone = member.availability_zone.clone();
        let happened: &[Happening<'_>] = match was {
            MemberState::Creating => &[Happening::ClusterCreated, Happening::NodeAdded { zone: &zone }],
            MemberState::Rebooting { .. } => &[Happening::NodeRestarted],
            MemberState::Recovering => &[Happening::Recovered],
            MemberState::Available | MemberState::Deleting => &[],
        };
        for what in happened {
            self.tell(at_ms, region, Source::CacheCluster, name, *what);
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)] // The fields of one command.
    fn elect(
        &mut self,
        at_ms: u64,
        region: &str,
        id: &DeploymentId,
        shard: &str,
        node: NodeId,
        epoch: u64,
        stands_in: bool,
    ) -> Result<(), ApplyError> {
        let deployment = self.deployment_mut(region, id)?;
        let fails_over = fails_over(deployment);
        let shard = shard_mut(deployment, shard)?;
        let lost = shard.primary_member().filter(|one| one.state == MemberState::Recovering);
        let lost = lost.filter(|_| fails_over).map(|one| one.name.clone());
        let name = |node: NodeId| shard.members.iter().find(|one| one.runs(node)).map(|one| one.name.clone());
        let (before, after) = (name(shard.primary), name(node));
        shard.primary = node;
        shard.epoch = epoch;
        shard.handover = None;
        shard.test_failover = false;
        if after == shard.wanted_primary {
            shard.wanted_primary = None;
        }
        if stands_in {
            // For itself nobody stands in: the member it was for has become the primary.
            shard.stands_in_for = shard.stands_in_for.take().or(before);
            if shard.stands_in_for == after {
                shard.stands_in_for = None;
            }
            return Ok(());
        }
        let back = shard.stands_in_for.take();
        let before = back.or(before);
        if let (Some(before), Some(after)) = (before, after)
            && before != after
        {
            let failed_over = Happening::FailedOver { from: &before, to: &after };
            self.tell(at_ms, region, Source::CacheCluster, &before, failed_over);
            self.tell(at_ms, region, Source::ReplicationGroup, id.name(), failed_over);
        }
        if let Some(lost) = lost {
            self.tell(at_ms, region, Source::CacheCluster, &lost, Happening::Recovering);
        }
        Ok(())
    }

    fn leave(&mut self, at_ms: u64, region: &str, id: &DeploymentId, name: &str) -> Result<(), ApplyError> {
        let shard = shard_of(self.deployment_mut(region, id)?, name)?;
        let at = shard.members.iter().position(|member| member.name == name).expect("it is this one's");
        let member = shard.members.remove(at);
        if shard.wanted_primary.as_deref() == Some(name) {
            shard.wanted_primary = None;
        }
        if shard.stands_in_for.as_deref() == Some(name) {
            shard.stands_in_for = None;
        }
        self.retired.extend(member.nodes().map(|node| node.id));
        self.released.insert((Endpoint::Node, member.address));
        self.tell(at_ms, region, Source::CacheCluster, name, Happening::ClusterDeleted);
        Ok(())
    }

    fn settle(&mut self, at_ms: u64, region: &str, id: &DeploymentId) -> Result<(), ApplyError> {
        let deployment = self.deployment_mut(region, id)?;
        let was = std::mem::replace(&mut deployment.phase, Phase::Available);
        match was {
            Phase::Creating => {
                let fails_over = deployment.automatic_failover;
                if let DeploymentId::Group(group) = id {
                    let created = Happening::GroupCreated { group };
                    self.tell(at_ms, region, Source::ReplicationGroup, group, created);
                    if fails_over {
                        let turned = Happening::AutomaticFailover { group, on: true };
                        self.tell(at_ms, region, Source::ReplicationGroup, group, turned);
                    }
                }
            }
            Phase::Deleting => self.drop_deployment(at_ms, region, id),
            Phase::Modifying | Phase::Available | Phase::CreateFailed => {}
        }
        Ok(())
    }

    fn drop_deployment(&mut self, at_ms: u64, region: &str, id: &DeploymentId) {
        let Some(of) = self.regions.get_mut(region) else { return };
        let dropped = match id {
            DeploymentId::Group(name) => of.groups.remove(name),
            DeploymentId::Cluster(name) => of.clusters.remove(name),
        };
        let Some(dropped) = dropped else { return };
        for shard in &dropped.shards {
            if matches!(id, DeploymentId::Group(_)) {
                self.released.insert((Endpoint::Primary, shard.primary_address));
                self.released.insert((Endpoint::Reader, shard.reader_address));
            }
            for member in &shard.members {
                self.released.insert((Endpoint::Node, member.address));
                self.tell(at_ms, region, Source::CacheCluster, &member.name, Happening::ClusterDeleted);
            }
        }
        if let DeploymentId::Group(group) = id {
            self.tell(at_ms, region, Source::ReplicationGroup, group, Happening::GroupDeleted { group });
        }
    }

    /// A directory was found that is no node's of this fleet. Its number is not given out again.
    fn stranger(&mut self, at_ms: u64, node: NodeId, origin: Option<&Origin>, moved_to: Option<&str>) {
        self.next_node = self.next_node.max(node.0.saturating_add(1));
        let what = origin.map_or_else(|| node.to_string(), |origin| format!("{node} ({origin})"));
        let found = match moved_to {
            Some(place) => Happening::StrangerMoved { what: &what, place },
            None => Happening::StrangerRuns { what: &what },
        };
        let name = origin.map_or_else(|| node.to_string(), |origin| origin.member.clone());
        // Without an origin nobody knows which region it was in.
        let regions: Vec<String> = match origin {
            Some(origin) => vec![origin.region.clone()],
            None => self.regions.keys().cloned().collect(),
        };
        for region in regions {
            self.tell(at_ms, &region, Source::CacheCluster, &name, found);
        }
    }

    fn tell(&mut self, at_ms: u64, region: &str, source: Source, source_id: &str, what: Happening<'_>) {
        self.regions.entry(region.to_owned()).or_default().tell(at_ms, source, source_id, what);
    }

    fn region_mut(&mut self, region: &str) -> Result<&mut Region, ApplyError> {
        self.regions.get_mut(region).ok_or_else(|| ApplyError::Missing(format!("region {region}")))
    }

    fn deployment_mut(&mut self, region: &str, id: &DeploymentId) -> Result<&mut Deployment, ApplyError> {
        self.region_mut(region)?.deployment_mut(id).ok_or_else(|| ApplyError::Missing(id.to_string()))
    }

    fn member_mut(&mut self, region: &str, id: &DeploymentId, name: &str) -> Result<&mut Member, ApplyError> {
        let shard = shard_of(self.deployment_mut(region, id)?, name)?;
        Ok(shard.member_mut(name).expect("it is this shard's"))
    }

    fn tags(
        &mut self,
        region: &str,
        id: &DeploymentId,
        member: Option<&str>,
    ) -> Result<&mut std::collections::BTreeMap<String, String>, ApplyError> {
        Ok(match member {
            Some(name) => &mut self.member_mut(region, id, name)?.tags,
            None => &mut self.deployment_mut(region, id)?.tags,
        })
    }
}

/// Takes the primary's member out of a group, as a cluster alone.
fn take_primary(group: &mut Deployment) -> Option<Deployment> {
    let shard = group.shards.first_mut()?;
    let at = shard.members.iter().position(|member| member.runs(shard.primary))?;
    let member = shard.members.remove(at);
    let (name, address, tags) = (member.name.clone(), member.address, member.tags.clone());
    let shard = Shard {
        handover: None,
        stands_in_for: None,
        test_failover: false,
        wanted_primary: None,
        primary_address: address,
        reader_address: address,
        members: vec![member],
        ..shard.clone()
    };
    Some(Deployment {
        id: DeploymentId::Cluster(name),
        description: String::new(),
        phase: Phase::Modifying,
        automatic_failover: false,
        multi_az: false,
        tags,
        shards: vec![shard],
        ..group.clone()
    })
}

fn origin(made_at_ms: u64, region: &str, deployment: &DeploymentId, member: &str) -> Origin {
    Origin { region: region.into(), deployment: deployment.clone(), member: member.into(), made_at_ms }
}

/// Whether a replica takes over by itself where the primary is lost.
fn fails_over(deployment: &Deployment) -> bool {
    deployment.automatic_failover && deployment.shards.iter().all(|shard| shard.members.len() > 1)
}

fn all_members(deployment: &mut Deployment) -> impl Iterator<Item = &mut Member> {
    deployment.shards.iter_mut().flat_map(|shard| shard.members.iter_mut())
}

fn shard_mut<'a>(deployment: &'a mut Deployment, id: &str) -> Result<&'a mut Shard, ApplyError> {
    deployment
        .shards
        .iter_mut()
        .find(|shard| shard.id == id)
        .ok_or_else(|| ApplyError::Missing(format!("shard {id}")))
}

fn shard_of<'a>(deployment: &'a mut Deployment, member: &str) -> Result<&'a mut Shard, ApplyError> {
    let found = deployment.shards.iter_mut().find(|shard| shard.member(member).is_some());
    found.ok_or_else(|| ApplyError::Missing(format!("member {member}")))
}
