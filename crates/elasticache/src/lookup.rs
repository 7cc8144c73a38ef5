//! Finding what a call names, and whether it may be changed now.

use crate::{Cx, faults, names, quotas, subnet_groups};
use aws_protocol::Fault;
use fleet::{Deployment, DeploymentId, Member, Phase, Region, Shard, SubnetGroup};

/// What is there, as calls name it.
pub(crate) trait Lookup<'a> {
    /// What is in the region; nothing, before anything was made there.
    fn here(&self) -> Option<&'a Region>;

    /// A replication group.
    fn group(&self, id: &str) -> Result<&'a Deployment, Fault>;

    /// A replication group whose status is available.
    fn available_group(&self, id: &str) -> Result<&'a Deployment, Fault>;

    /// A cache cluster, alone or a member of a group.
    fn cluster(&self, id: &str) -> Result<(&'a Deployment, &'a Shard, &'a Member), Fault>;

    /// Whether a cluster has this id, alone or as a member.
    fn has_cluster(&self, id: &str) -> bool;

    /// A subnet group that something new is to be in; the default one if none is named.
    fn subnet_group(&self, name: Option<&str>) -> Result<SubnetGroup, Fault>;

    /// The zones that members of a deployment may be in.
    fn zones_of(&self, deployment: &Deployment) -> Result<Vec<String>, Fault>;

    /// Refuses more nodes than the region's quota.
    fn check_node_quota(&self, more: usize) -> Result<(), Fault>;

    /// Refuses more endpoints than the host has addresses for.
    fn check_addresses(&self, port: u16, more: usize) -> Result<(), Fault>;
}

impl<'a> Lookup<'a> for Cx<'a> {
    fn here(&self) -> Option<&'a Region> {
        self.fleet.regions.get(self.region)
    }

    fn group(&self, id: &str) -> Result<&'a Deployment, Fault> {
        let id = names::replication_group(id)?;
        let found = self.here().and_then(|region| region.groups.get(&id));
        found.ok_or_else(|| faults::replication_group_not_found(&id))
    }

    fn available_group(&self, id: &str) -> Result<&'a Deployment, Fault> {
        let group = self.group(id)?;
        match group.status() {
            "available" => Ok(group),
            status => Err(faults::invalid_group_state(group.id.name(), status)),
        }
    }

    fn cluster(&self, id: &str) -> Result<(&'a Deployment, &'a Shard, &'a Member), Fault> {
        let name = names::cache_cluster(id)?;
        let found = self.here().and_then(|region| region.cache_clusters().remove(name.as_str()));
        found.ok_or_else(|| faults::cache_cluster_not_found(id))
    }

    fn has_cluster(&self, id: &str) -> bool {
        self.here().is_some_and(|region| region.cache_clusters().contains_key(id))
    }

    fn subnet_group(&self, name: Option<&str>) -> Result<SubnetGroup, Fault> {
        let name = name.unwrap_or(subnet_groups::DEFAULT).to_ascii_lowercase();
        subnet_groups::find(self, &name).ok_or_else(|| faults::subnet_group_not_found(&name))
    }

    fn zones_of(&self, deployment: &Deployment) -> Result<Vec<String>, Fault> {
        let group = self.subnet_group(Some(&deployment.settings.subnet_group))?;
        Ok(subnet_groups::zones(self.region, &group))
    }

    fn check_node_quota(&self, more: usize) -> Result<(), Fault> {
        let present = self.here().map_or(0, |region| region.cache_clusters().len());
        quotas::NODES_PER_REGION.check(self, present + more)
    }

    fn check_addresses(&self, port: u16, more: usize) -> Result<(), Fault> {
        match self.fleet.has_addresses(port, more) {
            true => Ok(()),
            false => Err(faults::no_addresses(more)),
        }
    }
}

/// The only shard that a group has while cluster mode is off.
pub(crate) fn shard(group: &Deployment) -> Result<&Shard, Fault> {
    group.shards.first().ok_or_else(Fault::internal_failure)
}

/// The names of so many new members of a group: the lowest numbers that are free.
pub(crate) fn new_names(cx: &Cx<'_>, group: &str, count: usize) -> Vec<String> {
    let names = (1..).map(|number| format!("{group}-{number:03}"));
    names.filter(|name| !cx.has_cluster(name)).take(count).collect()
}

/// Refuses to delete what is being made, changed or deleted. What merely recovers may go.
pub(crate) fn may_be_deleted(deployment: &Deployment) -> Result<(), Fault> {
    match (&deployment.phase, &deployment.id) {
        (Phase::Available | Phase::CreateFailed, _) => Ok(()),
        (_, DeploymentId::Group(name)) => Err(faults::invalid_group_state(name, deployment.status())),
        (_, DeploymentId::Cluster(name)) => Err(faults::invalid_cluster_state(format!(
            "Cache cluster {name} is not in a valid state to be deleted, it is in {} state.",
            deployment.status()
        ))),
    }
}
