//! `CreateReplicationGroup`: a primary and its replicas. Cluster mode is off.

use crate::catalogue::{self, EngineVersion, NodeType};
use crate::lookup::{Lookup, MAX_MEMBERS};
use crate::settings::Given;
use crate::shapes::{self, ReplicationGroup, Tag};
use crate::unsupported::{refuse, refuse_items, refuse_on, refuse_other};
use crate::{Cx, Operation, faults, names};
use aws_protocol::Fault;
use fleet::{Command, DeploymentId, Engine, NewDeployment, NewMember, placement};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) struct CreateReplicationGroup;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    replication_group_id: String,
    replication_group_description: String,
    global_replication_group_id: Option<String>,
    primary_cluster_id: Option<String>,
    automatic_failover_enabled: Option<bool>,
    #[serde(rename = "MultiAZEnabled")]
    multi_az_enabled: Option<bool>,
    num_cache_clusters: Option<i32>,
    #[serde(rename = "PreferredCacheClusterAZs")]
    preferred_cache_cluster_azs: Option<Vec<String>>,
    num_node_groups: Option<i32>,
    replicas_per_node_group: Option<i32>,
    node_group_configuration: Option<Vec<NodeGroupConfiguration>>,
    cache_node_type: Option<String>,
    engine: Option<String>,
    engine_version: Option<String>,
    cache_parameter_group_name: Option<String>,
    cache_subnet_group_name: Option<String>,
    cache_security_group_names: Option<Vec<String>>,
    security_group_ids: Option<Vec<String>>,
    tags: Option<Vec<Tag>>,
    snapshot_arns: Option<Vec<String>>,
    snapshot_name: Option<String>,
    preferred_maintenance_window: Option<String>,
    port: Option<i32>,
    notification_topic_arn: Option<String>,
    auto_minor_version_upgrade: Option<bool>,
    snapshot_retention_limit: Option<i32>,
    snapshot_window: Option<String>,
    auth_token: Option<String>,
    transit_encryption_enabled: Option<bool>,
    at_rest_encryption_enabled: Option<bool>,
    kms_key_id: Option<String>,
    user_group_ids: Option<Vec<String>>,
    log_delivery_configurations: Option<Vec<LogDelivery>>,
    data_tiering_enabled: Option<bool>,
    network_type: Option<String>,
    ip_discovery: Option<String>,
    transit_encryption_mode: Option<String>,
    cluster_mode: Option<String>,
    serverless_cache_snapshot_name: Option<String>,
    durability: Option<String>,
}

/// How one shard is to be laid out.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct NodeGroupConfiguration {
    node_group_id: Option<String>,
    slots: Option<String>,
    replica_count: Option<i32>,
    primary_availability_zone: Option<String>,
    replica_availability_zones: Option<Vec<String>>,
    primary_outpost_arn: Option<String>,
    replica_outpost_arns: Option<Vec<String>>,
}

/// Refused whatever is in it; the members are those of the model, so that a wrong one is still told as such.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LogDelivery {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    replication_group: ReplicationGroup,
}

impl Operation for CreateReplicationGroup {
    const NAME: &'static str = "CreateReplicationGroup";
    type Input = Input;
    type Output = Output;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let id = names::replication_group(&input.replication_group_id)?;
        let description = names::description(&input.replication_group_description)?;
        refuse_what_is_not_built(input)?;
        let (version, node_type) = version_and_type(
            input.engine.as_deref(),
            input.engine_version.as_deref(),
            input.cache_node_type.as_deref(),
        )?;
        let layout = layout(cx, input)?;
        let automatic_failover = input.automatic_failover_enabled.unwrap_or(false);
        let multi_az = input.multi_az_enabled.unwrap_or(false);
        check_availability(automatic_failover, multi_az, layout.len())?;
        let given = Given {
            maintenance_window: input.preferred_maintenance_window.as_deref(),
            snapshot_window: input.snapshot_window.as_deref(),
            snapshot_retention: input.snapshot_retention_limit,
            auto_minor_version_upgrade: input.auto_minor_version_upgrade,
            parameter_group: input.cache_parameter_group_name.as_deref(),
            subnet_group: input.cache_subnet_group_name.as_deref(),
            snapshotting_cluster: None,
        };
        let settings = given.of_new(version.default_parameter_group)?;
        let port = names::port(input.port.unwrap_or(6379))?;
        let tags = super::tags::checked(input.tags.as_deref().unwrap_or_default())?;
        if cx.here().is_some_and(|region| region.groups.contains_key(&id)) {
            return Err(faults::replication_group_exists(&id));
        }
        let member = |(at, zone): (usize, String)| {
            let name = format!("{id}-{:03}", at + 1);
            match cx.has_cluster(&name) {
                // The operation declares no error of its own for that.
                true => Err(faults::value(format!(
                    "The replication group {id} cannot be created: the cache cluster {name} already exists."
                ))),
                false => Ok(NewMember { name, availability_zone: zone, tags: BTreeMap::new() }),
            }
        };
        let members: Vec<NewMember> = layout.into_iter().enumerate().map(member).collect::<Result<_, _>>()?;
        cx.check_node_quota(members.len())?;
        Ok(vec![Command::Create(Box::new(NewDeployment {
            id: DeploymentId::Group(id),
            description,
            engine: version.engine,
            engine_version: version.full.to_owned(),
            profile: version.profile.to_owned(),
            size: node_type.size(),
            port,
            automatic_failover,
            multi_az,
            settings,
            tags,
            members,
            primary_ip: None,
        }))])
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let group = cx.group(&input.replication_group_id)?;
        Ok(Output { replication_group: shapes::replication_group(cx, group) })
    }
}

/// The version and the size of new nodes. Redis is the service's default engine.
pub(super) fn version_and_type(
    engine: Option<&str>,
    version: Option<&str>,
    node_type: Option<&str>,
) -> Result<(&'static EngineVersion, &'static NodeType), Fault> {
    let engine = match engine {
        None => Engine::Redis,
        Some(name) if name.eq_ignore_ascii_case("memcached") => {
            return Err(faults::value("The engine memcached is not supported by Engram yet."));
        }
        Some(name) => {
            shapes::engine(name).ok_or_else(|| faults::value(format!("Invalid value for Engine: {name}")))?
        }
    };
    let version = match version {
        None => catalogue::default_version(engine),
        Some(version) => catalogue::find_version(engine, version)?,
    };
    let name = node_type.ok_or_else(|| Fault::parameter_is_null("CacheNodeType"))?;
    Ok((version, node_type_named(name)?))
}

/// A node type that something can be made of.
pub(super) fn node_type_named(name: &str) -> Result<&'static NodeType, Fault> {
    let found = catalogue::node_type(name)
        .ok_or_else(|| faults::value(format!("The parameter CacheNodeType has an invalid value: {name}.")))?;
    match found.has_tiering {
        true => Err(faults::combination(format!(
            "The node type {name} needs DataTieringEnabled, which is not supported by Engram yet."
        ))),
        false => Ok(found),
    }
}

/// What failover and zones ask for.
pub(super) fn check_availability(
    automatic_failover: bool,
    multi_az: bool,
    nodes: usize,
) -> Result<(), Fault> {
    if automatic_failover && nodes < 2 {
        return Err(faults::combination(
            "When automatic failover is enabled, the replication group must have at least 2 cache clusters.",
        ));
    }
    if multi_az && !automatic_failover {
        return Err(faults::combination("Automatic failover must be enabled to enable Multi-AZ."));
    }
    Ok(())
}

/// The zones of the members, the primary's first.
fn layout(cx: &Cx<'_>, input: &Input) -> Result<Vec<String>, Fault> {
    let by_shard = input.num_node_groups.is_some() || input.replicas_per_node_group.is_some();
    let configuration = input.node_group_configuration.as_deref().unwrap_or_default();
    if input.num_cache_clusters.is_some() && (by_shard || !configuration.is_empty()) {
        return Err(faults::combination(
            "Cannot specify NumCacheClusters with NumNodeGroups, ReplicasPerNodeGroup or NodeGroupConfiguration.",
        ));
    }
    if let Some(shards) = input.num_node_groups.filter(|shards| *shards != 1) {
        return Err(match shards {
            ..1 => faults::value(format!("The number of node groups {shards} is not valid.")),
            _ => faults::value("Cluster mode (NumNodeGroups greater than 1) is not supported by Engram yet."),
        });
    }
    let [first] = configuration else {
        if !configuration.is_empty() {
            return Err(faults::value(
                "Cluster mode (more than one NodeGroupConfiguration) is not supported by Engram yet.",
            ));
        }
        let count = match input.replicas_per_node_group {
            Some(replicas) => 1 + i64::from(replicas_in_range(replicas)?),
            None => i64::from(input.num_cache_clusters.unwrap_or(1)),
        };
        let preferred = input.preferred_cache_cluster_azs.as_deref().unwrap_or_default();
        return zones(cx, count, preferred, "PreferredCacheClusterAZs");
    };
    first.layout(cx, input.replicas_per_node_group)
}

impl NodeGroupConfiguration {
    fn layout(&self, cx: &Cx<'_>, replicas_per_node_group: Option<i32>) -> Result<Vec<String>, Fault> {
        refuse("NodeGroupConfiguration.Slots", self.slots.is_some())?;
        refuse("NodeGroupConfiguration.PrimaryOutpostArn", self.primary_outpost_arn.is_some())?;
        refuse_items("NodeGroupConfiguration.ReplicaOutpostArns", self.replica_outpost_arns.as_ref())?;
        if let Some(id) = self.node_group_id.as_deref().filter(|id| id.parse() != Ok(1_u16)) {
            return Err(faults::value(format!("The node group id {id} is not valid: the only one is 0001.")));
        }
        let replicas = self.replica_availability_zones.as_deref().unwrap_or_default();
        let named = (!replicas.is_empty()).then_some(replicas.len() as i32);
        let count = self.replica_count.or(replicas_per_node_group).or(named).unwrap_or(0);
        let count = i64::from(replicas_in_range(count)?);
        let mut preferred: Vec<String> = self.primary_availability_zone.iter().cloned().collect();
        if preferred.is_empty() && replicas.is_empty() {
            return zones(cx, count + 1, &[], "ReplicaAvailabilityZones");
        }
        if preferred.is_empty() {
            preferred = placement::place(cx.region, &[], 1, true);
        }
        if replicas.is_empty() {
            let home = names::zone(cx.region, &preferred[0])?;
            let others = placement::place(cx.region, &[&home], count as usize, true);
            return Ok(std::iter::once(home).chain(others).collect());
        }
        preferred.extend(replicas.iter().cloned());
        zones(cx, count + 1, &preferred, "ReplicaAvailabilityZones")
    }
}

fn replicas_in_range(replicas: i32) -> Result<i32, Fault> {
    match replicas {
        0..=5 => Ok(replicas),
        _ => Err(faults::value(format!("Replicas per node group must be between 0 and 5, not {replicas}."))),
    }
}

/// So many zones: those that were preferred, or spread.
fn zones(cx: &Cx<'_>, count: i64, preferred: &[String], parameter: &str) -> Result<Vec<String>, Fault> {
    if !(1..=MAX_MEMBERS as i64).contains(&count) {
        return Err(faults::value(format!(
            "The number of cache clusters must be between 1 and {MAX_MEMBERS}, not {count}."
        )));
    }
    if preferred.is_empty() {
        return Ok(placement::place(cx.region, &[], count as usize, true));
    }
    if preferred.len() as i64 != count {
        return Err(faults::combination(format!(
            "The number of availability zones in {parameter} must equal the number of cache clusters."
        )));
    }
    preferred.iter().map(|zone| names::zone(cx.region, zone)).collect()
}

fn refuse_what_is_not_built(input: &Input) -> Result<(), Fault> {
    refuse("GlobalReplicationGroupId", input.global_replication_group_id.is_some())?;
    refuse("PrimaryClusterId", input.primary_cluster_id.is_some())?;
    refuse_items("CacheSecurityGroupNames", input.cache_security_group_names.as_ref())?;
    refuse_items("SecurityGroupIds", input.security_group_ids.as_ref())?;
    refuse_items("SnapshotArns", input.snapshot_arns.as_ref())?;
    refuse("SnapshotName", input.snapshot_name.is_some())?;
    refuse("ServerlessCacheSnapshotName", input.serverless_cache_snapshot_name.is_some())?;
    refuse("NotificationTopicArn", input.notification_topic_arn.is_some())?;
    refuse("AuthToken", input.auth_token.is_some())?;
    refuse_on("TransitEncryptionEnabled", input.transit_encryption_enabled)?;
    refuse("TransitEncryptionMode", input.transit_encryption_mode.is_some())?;
    refuse_on("AtRestEncryptionEnabled", input.at_rest_encryption_enabled)?;
    refuse("KmsKeyId", input.kms_key_id.is_some())?;
    refuse_items("UserGroupIds", input.user_group_ids.as_ref())?;
    refuse_items("LogDeliveryConfigurations", input.log_delivery_configurations.as_ref())?;
    refuse_on("DataTieringEnabled", input.data_tiering_enabled)?;
    refuse_other("NetworkType", input.network_type.as_ref(), &["ipv4"])?;
    refuse_other("IpDiscovery", input.ip_discovery.as_ref(), &["ipv4"])?;
    refuse_other("ClusterMode", input.cluster_mode.as_ref(), &["disabled"])?;
    refuse_other("Durability", input.durability.as_ref(), &["default", "disabled"])
}
