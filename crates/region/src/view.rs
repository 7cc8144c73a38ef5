//! What `engram status` shows: deployments as they are meant to be, with what is seen of their nodes.

use fleet::step::{NodeId, Process};
use fleet::{Deployment, DeploymentId, Fleet, Member, Reconciler, Shard};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegionView {
    /// `us-east-1`
    pub name: String,
    /// Its deployments, groups first, by id.
    pub deployments: Vec<DeploymentView>,
}

/// A deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeploymentView {
    /// Its id.
    pub id: String,
    /// `replication-group` or `cache-cluster`
    pub kind: String,
    /// As AWS shows it.
    pub status: String,
    /// `valkey`
    pub engine: String,
    /// `8.0.1`
    pub engine_version: String,
    /// `cache.t4g.micro`
    pub node_type: String,
    /// Where writes go.
    pub primary_endpoint: String,
    /// Where reads may go; none for a cluster alone.
    pub reader_endpoint: Option<String>,
    /// Its nodes.
    pub nodes: Vec<NodeView>,
}

/// A node of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeView {
    /// `web-001`
    pub member: String,
    /// `n17`, the name of its directory.
    pub node: String,
    /// `primary` or `replica`, as users see it.
    pub role: String,
    /// As AWS shows it.
    pub status: String,
    /// `running`, `starting`, `hung`, `ended` or `absent`
    pub process: String,
    /// Its process id, while there is one.
    pub pid: Option<u32>,
    /// `us-east-1a`
    pub availability_zone: String,
    /// Its own endpoint.
    pub endpoint: String,
    /// Memory in use, in bytes.
    pub used_memory_bytes: u64,
    /// Its limit, in bytes.
    pub maxmemory_bytes: u64,
    /// Keys in all databases.
    pub keys: u64,
    /// Connections of clients.
    pub clients: u64,
    /// Bytes of the stream that it has.
    pub offset: u64,
}

/// Everything.
pub(crate) fn look(fleet: &Fleet, seen: &Reconciler) -> Vec<RegionView> {
    let mut regions: BTreeMap<&str, Vec<DeploymentView>> = BTreeMap::new();
    for (region, deployment) in fleet.deployments() {
        regions.entry(region).or_default().push(view(deployment, seen));
    }
    let view = |(name, deployments): (&str, _)| RegionView { name: name.to_owned(), deployments };
    regions.into_iter().map(view).collect()
}

fn view(deployment: &Deployment, seen: &Reconciler) -> DeploymentView {
    let (kind, is_group) = match deployment.id {
        DeploymentId::Group(_) => ("replication-group", true),
        DeploymentId::Cluster(_) => ("cache-cluster", false),
    };
    let address = |of: fn(&Shard) -> std::net::SocketAddr| {
        deployment.shards.first().map(|shard| of(shard).to_string()).unwrap_or_default()
    };
    DeploymentView {
        id: deployment.id.name().to_owned(),
        kind: kind.to_owned(),
        status: deployment.status().to_owned(),
        engine: deployment.engine.to_string(),
        engine_version: deployment.engine_version.clone(),
        node_type: deployment.size.node_type.clone(),
        primary_endpoint: address(|shard| shard.primary_address),
        reader_endpoint: is_group.then(|| address(|shard| shard.reader_address)),
        nodes: deployment.members().map(|(shard, member)| node(deployment, shard, member, seen)).collect(),
    }
}

fn node(deployment: &Deployment, shard: &Shard, member: &Member, seen: &Reconciler) -> NodeView {
    let id: NodeId = member.node.id;
    let observed = seen.seen(id);
    let status = observed.status.as_ref().filter(|_| observed.process == Process::Running);
    NodeView {
        member: member.name.clone(),
        node: id.to_string(),
        role: if shard.is_primary(member) { "primary" } else { "replica" }.to_owned(),
        status: member.status(deployment).to_owned(),
        process: format!("{:?}", observed.process).to_lowercase(),
        pid: status.map(|status| status.pid),
        availability_zone: member.availability_zone.clone(),
        endpoint: member.address.to_string(),
        used_memory_bytes: status.map_or(0, |status| status.used_memory_bytes),
        maxmemory_bytes: member.node.size.maxmemory_bytes,
        keys: status.map_or(0, |status| status.keys),
        clients: status.map_or(0, |status| status.clients),
        offset: status.map_or(0, |status| status.position.offset),
    }
}
