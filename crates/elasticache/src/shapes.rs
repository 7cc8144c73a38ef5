//! Outputs that several operations share. Names and order are those of the service model (elasticache 2015-02-02).

use crate::Cx;
use crate::lookup::Lookup;
use aws_protocol::{Fault, Item, Members, Timestamp};
use fleet::{Deployment, DeploymentId, Engine, Member, NodeSize, ParameterStatus, Phase, Shard};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: Option<String>,
}

impl Item for Tag {
    const NAME: &'static str = "Tag";
}

/// Where something is reached.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Endpoint {
    address: String,
    port: u16,
}

impl From<SocketAddr> for Endpoint {
    fn from(address: SocketAddr) -> Endpoint {
        Endpoint { address: address.ip().to_string(), port: address.port() }
    }
}

/// `ClusterId` in `MemberClusters`.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct ClusterId(String);

impl Item for ClusterId {
    const NAME: &'static str = "ClusterId";
}

/// `CacheNodeId` in lists of them.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct CacheNodeId(pub(crate) String);

impl Item for CacheNodeId {
    const NAME: &'static str = "CacheNodeId";
}

/// Nothing is ever in such a list yet.
#[derive(Clone, Debug, Serialize)]
pub(crate) enum Never {}

impl Item for Never {
    const NAME: &'static str = "member";
}

/// `ReplicationGroup`
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ReplicationGroup {
    replication_group_id: String,
    description: String,
    global_replication_group_info: Empty,
    status: &'static str,
    pending_modified_values: GroupPending,
    member_clusters: Members<ClusterId>,
    node_groups: Members<NodeGroup>,
    snapshotting_cluster_id: Option<String>,
    automatic_failover: &'static str,
    #[serde(rename = "MultiAZ")]
    multi_az: &'static str,
    snapshot_retention_limit: u32,
    snapshot_window: String,
    cluster_enabled: bool,
    cache_node_type: String,
    auth_token_enabled: bool,
    transit_encryption_enabled: bool,
    at_rest_encryption_enabled: bool,
    #[serde(rename = "ARN")]
    arn: String,
    user_group_ids: Members<Never>,
    log_delivery_configurations: Members<Never>,
    replication_group_create_time: Timestamp,
    data_tiering: &'static str,
    auto_minor_version_upgrade: bool,
    network_type: &'static str,
    ip_discovery: &'static str,
    cluster_mode: &'static str,
    engine: String,
}

impl Item for ReplicationGroup {
    const NAME: &'static str = "ReplicationGroup";
}

/// The result of what makes or changes a group.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GroupResult {
    replication_group: ReplicationGroup,
}

impl GroupResult {
    /// The group as it is behind the call.
    pub(crate) fn of(cx: &Cx<'_>, id: &str) -> Result<GroupResult, Fault> {
        Ok(GroupResult { replication_group: replication_group(cx, cx.group(id)?) })
    }
}

/// An element without content.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Empty {}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct GroupPending {
    primary_cluster_id: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NodeGroup {
    node_group_id: String,
    status: &'static str,
    primary_endpoint: Option<Endpoint>,
    reader_endpoint: Option<Endpoint>,
    node_group_members: Members<NodeGroupMember>,
}

impl Item for NodeGroup {
    const NAME: &'static str = "NodeGroup";
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NodeGroupMember {
    cache_cluster_id: String,
    cache_node_id: &'static str,
    read_endpoint: Option<Endpoint>,
    preferred_availability_zone: String,
    current_role: Option<&'static str>,
}

impl Item for NodeGroupMember {
    const NAME: &'static str = "NodeGroupMember";
}

/// The one node that a cluster of Redis or Valkey has.
pub(crate) const NODE_ID: &str = "0001";

/// A group as it is.
pub(crate) fn replication_group(cx: &Cx<'_>, group: &Deployment) -> ReplicationGroup {
    let settings = &group.settings;
    let is_made = !matches!(group.phase, Phase::Creating | Phase::CreateFailed);
    let switch = |on: bool| if on { "enabled" } else { "disabled" };
    let shard = group.shards.first();
    ReplicationGroup {
        replication_group_id: group.id.name().to_owned(),
        description: group.description.clone(),
        global_replication_group_info: Empty {},
        status: group.status(),
        pending_modified_values: GroupPending {
            primary_cluster_id: shard.and_then(|shard| shard.wanted_primary.clone()),
        },
        member_clusters: group.members().map(|(_, member)| ClusterId(member.name.clone())).collect(),
        node_groups: group.shards.iter().filter(|_| is_made).map(|shard| node_group(group, shard)).collect(),
        snapshotting_cluster_id: settings.snapshotting_cluster.clone(),
        automatic_failover: switch(group.automatic_failover),
        multi_az: switch(group.multi_az),
        snapshot_retention_limit: settings.snapshot_retention_days,
        snapshot_window: settings.snapshot_window.clone(),
        cluster_enabled: false,
        cache_node_type: node_type(group),
        auth_token_enabled: false,
        transit_encryption_enabled: false,
        at_rest_encryption_enabled: false,
        arn: arn(cx, "replicationgroup", group.id.name()),
        user_group_ids: Members::default(),
        log_delivery_configurations: Members::default(),
        replication_group_create_time: Timestamp::from_unix_ms(group.created_at_ms as i64),
        data_tiering: "disabled",
        auto_minor_version_upgrade: settings.auto_minor_version_upgrade,
        network_type: "ipv4",
        ip_discovery: "ipv4",
        cluster_mode: "disabled",
        engine: group.engine.to_string(),
    }
}

/// The type that the primary has: a change shows when it has happened.
fn node_type(deployment: &Deployment) -> String {
    let primary = deployment.shards.first().and_then(Shard::primary_member);
    primary.map_or_else(|| deployment.size.node_type.clone(), |member| member.node.size.node_type.clone())
}

fn node_group(group: &Deployment, shard: &Shard) -> NodeGroup {
    NodeGroup {
        node_group_id: shard.id.clone(),
        status: match group.status() {
            "deleting" => "deleting",
            "available" => "available",
            _ => "modifying",
        },
        primary_endpoint: Some(shard.primary_address.into()),
        reader_endpoint: Some(shard.reader_address.into()),
        node_group_members: shard.members.iter().map(|member| node_group_member(shard, member)).collect(),
    }
}

fn node_group_member(shard: &Shard, member: &Member) -> NodeGroupMember {
    NodeGroupMember {
        cache_cluster_id: member.name.clone(),
        cache_node_id: NODE_ID,
        read_endpoint: Some(member.address.into()),
        preferred_availability_zone: member.availability_zone.clone(),
        current_role: Some(if shard.is_primary(member) { "primary" } else { "replica" }),
    }
}

/// `CacheCluster`
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CacheCluster {
    cache_cluster_id: String,
    client_download_landing_page: &'static str,
    cache_node_type: String,
    engine: String,
    engine_version: String,
    cache_cluster_status: &'static str,
    num_cache_nodes: u32,
    preferred_availability_zone: String,
    cache_cluster_create_time: Timestamp,
    preferred_maintenance_window: String,
    pending_modified_values: ClusterPending,
    cache_security_groups: Members<Never>,
    cache_parameter_group: ParameterGroupStatus,
    cache_subnet_group_name: String,
    cache_nodes: Option<Members<CacheNode>>,
    auto_minor_version_upgrade: bool,
    security_groups: Members<Never>,
    replication_group_id: Option<String>,
    snapshot_retention_limit: u32,
    snapshot_window: String,
    auth_token_enabled: bool,
    transit_encryption_enabled: bool,
    at_rest_encryption_enabled: bool,
    #[serde(rename = "ARN")]
    arn: String,
    replication_group_log_delivery_enabled: bool,
    log_delivery_configurations: Members<Never>,
    network_type: &'static str,
    ip_discovery: &'static str,
}

impl Item for CacheCluster {
    const NAME: &'static str = "CacheCluster";
}

/// The result of what makes or changes a cluster.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ClusterResult {
    cache_cluster: CacheCluster,
}

impl ClusterResult {
    /// The cluster as it is behind the call.
    pub(crate) fn of(cx: &Cx<'_>, id: &str) -> Result<ClusterResult, Fault> {
        let (deployment, _, member) = cx.cluster(id)?;
        Ok(ClusterResult { cache_cluster: cache_cluster(cx, deployment, member, false) })
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ClusterPending {
    cache_node_type: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ParameterGroupStatus {
    cache_parameter_group_name: String,
    parameter_apply_status: &'static str,
    cache_node_ids_to_reboot: Members<CacheNodeId>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CacheNode {
    cache_node_id: &'static str,
    cache_node_status: &'static str,
    cache_node_create_time: Timestamp,
    endpoint: Option<Endpoint>,
    parameter_group_status: &'static str,
    customer_availability_zone: String,
}

impl Item for CacheNode {
    const NAME: &'static str = "CacheNode";
}

/// A cluster as it is: a member of a group, or alone.
pub(crate) fn cache_cluster(
    cx: &Cx<'_>,
    deployment: &Deployment,
    member: &Member,
    show_nodes: bool,
) -> CacheCluster {
    let settings = &deployment.settings;
    let status = member.status(deployment);
    let group = match &deployment.id {
        DeploymentId::Group(name) => Some(name.clone()),
        DeploymentId::Cluster(_) => None,
    };
    // Automatic snapshots of a group are taken from one member.
    let takes_snapshots = group.is_none() || settings.snapshotting_cluster.as_ref() == Some(&member.name);
    let created = Timestamp::from_unix_ms(member.created_at_ms as i64);
    let node = || CacheNode {
        cache_node_id: NODE_ID,
        cache_node_status: status,
        cache_node_create_time: created,
        endpoint: (status != "creating").then(|| member.address.into()),
        parameter_group_status: member.parameters.name(),
        customer_availability_zone: member.availability_zone.clone(),
    };
    CacheCluster {
        cache_cluster_id: member.name.clone(),
        client_download_landing_page: "https://console.aws.amazon.com/elasticache/home#client-download:",
        cache_node_type: member.node.size.node_type.clone(),
        engine: deployment.engine.to_string(),
        engine_version: deployment.engine_version.clone(),
        cache_cluster_status: status,
        num_cache_nodes: 1,
        preferred_availability_zone: member.availability_zone.clone(),
        cache_cluster_create_time: created,
        preferred_maintenance_window: settings.maintenance_window.clone(),
        pending_modified_values: ClusterPending {
            cache_node_type: pending_size(deployment, member).map(|size| size.node_type.clone()),
        },
        cache_security_groups: Members::default(),
        cache_parameter_group: ParameterGroupStatus {
            cache_parameter_group_name: settings.parameter_group.clone(),
            parameter_apply_status: member.parameters.name(),
            cache_node_ids_to_reboot: (member.parameters == ParameterStatus::PendingReboot)
                .then_some(CacheNodeId(NODE_ID.to_owned()))
                .into_iter()
                .collect(),
        },
        cache_subnet_group_name: settings.subnet_group.clone(),
        cache_nodes: show_nodes.then(|| std::iter::once(node()).collect()),
        auto_minor_version_upgrade: settings.auto_minor_version_upgrade,
        security_groups: Members::default(),
        replication_group_id: group,
        snapshot_retention_limit: if takes_snapshots { settings.snapshot_retention_days } else { 0 },
        snapshot_window: settings.snapshot_window.clone(),
        auth_token_enabled: false,
        transit_encryption_enabled: false,
        at_rest_encryption_enabled: false,
        arn: arn(cx, "cluster", &member.name),
        replication_group_log_delivery_enabled: false,
        log_delivery_configurations: Members::default(),
        network_type: "ipv4",
        ip_discovery: "ipv4",
    }
}

/// The size that a member gets: it is on its way, or waits for the maintenance window.
fn pending_size<'a>(deployment: &'a Deployment, member: &'a Member) -> Option<&'a NodeSize> {
    let replacement = member.replacement.as_ref().map(|node| &node.size);
    replacement.or(deployment.deferred_size.as_ref())
}

/// `arn:aws:elasticache:<region>:<account>:<kind>:<name>`
pub(crate) fn arn(cx: &Cx<'_>, kind: &str, name: &str) -> String {
    format!("arn:aws:elasticache:{}:{}:{kind}:{name}", cx.region, cx.account)
}

/// An engine by its name on the wire.
pub(crate) fn engine(name: &str) -> Option<Engine> {
    [Engine::Valkey, Engine::Redis].into_iter().find(|engine| engine.to_string().eq_ignore_ascii_case(name))
}
