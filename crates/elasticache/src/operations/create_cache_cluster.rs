//! `CreateCacheCluster`: one node alone, or one more replica of a group.

use super::create_replication_group::{LogDelivery, version_and_type};
use crate::lookup::{Lookup, MAX_MEMBERS, shard};
use crate::settings::Given;
use crate::shapes::{self, CacheCluster, Tag};
use crate::unsupported::{refuse, refuse_items, refuse_on, refuse_other};
use crate::{Cx, Operation, faults, names};
use aws_protocol::Fault;
use fleet::{Command, DeploymentId, NewDeployment, NewMember, placement};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) struct CreateCacheCluster;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_cluster_id: String,
    replication_group_id: Option<String>,
    #[serde(rename = "AZMode")]
    az_mode: Option<String>,
    preferred_availability_zone: Option<String>,
    preferred_availability_zones: Option<Vec<String>>,
    num_cache_nodes: Option<i32>,
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
    outpost_mode: Option<String>,
    preferred_outpost_arn: Option<String>,
    preferred_outpost_arns: Option<Vec<String>>,
    log_delivery_configurations: Option<Vec<LogDelivery>>,
    transit_encryption_enabled: Option<bool>,
    network_type: Option<String>,
    ip_discovery: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    cache_cluster: CacheCluster,
}

impl Operation for CreateCacheCluster {
    const NAME: &'static str = "CreateCacheCluster";
    type Input = Input;
    type Output = Output;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let id = names::cache_cluster(&input.cache_cluster_id)?;
        refuse_what_is_not_built(input)?;
        let tags = super::tags::checked(input.tags.as_deref().unwrap_or_default())?;
        let command = match input.replication_group_id.as_deref().filter(|group| !group.is_empty()) {
            Some(group) => replica(cx, input, &id, group, tags)?,
            None => alone(cx, input, &id, tags)?,
        };
        cx.check_node_quota(1)?;
        match cx.has_cluster(&id) {
            true => Err(faults::cache_cluster_exists(&id)),
            false => Ok(vec![command]),
        }
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let (deployment, _, member) = cx.cluster(&input.cache_cluster_id)?;
        Ok(Output { cache_cluster: shapes::cache_cluster(cx, deployment, member, false) })
    }
}

fn alone(cx: &Cx<'_>, input: &Input, id: &str, tags: BTreeMap<String, String>) -> Result<Command, Fault> {
    let (version, node_type) = version_and_type(
        Some(input.engine.as_deref().ok_or_else(|| Fault::parameter_is_null("Engine"))?),
        input.engine_version.as_deref(),
        input.cache_node_type.as_deref(),
    )?;
    let nodes = input.num_cache_nodes.ok_or_else(|| Fault::parameter_is_null("NumCacheNodes"))?;
    if nodes != 1 {
        return Err(faults::value(format!("NumCacheNodes should be 1 if engine is {}", version.engine)));
    }
    let given = Given {
        maintenance_window: input.preferred_maintenance_window.as_deref(),
        snapshot_window: input.snapshot_window.as_deref(),
        snapshot_retention: input.snapshot_retention_limit,
        auto_minor_version_upgrade: input.auto_minor_version_upgrade,
        parameter_group: input.cache_parameter_group_name.as_deref(),
        subnet_group: input.cache_subnet_group_name.as_deref(),
        snapshotting_cluster: None,
    };
    let zone = zone(cx, input)?.unwrap_or_else(|| placement::zones(cx.region).remove(0));
    let member = NewMember { name: id.to_owned(), availability_zone: zone, tags: BTreeMap::new() };
    Ok(Command::Create(Box::new(NewDeployment {
        id: DeploymentId::Cluster(id.to_owned()),
        description: String::new(),
        engine: version.engine,
        engine_version: version.full.to_owned(),
        profile: version.profile.to_owned(),
        size: node_type.size(),
        port: names::port(input.port.unwrap_or(6379))?,
        automatic_failover: false,
        multi_az: false,
        settings: given.of_new(version.default_parameter_group)?,
        tags,
        members: vec![member],
        primary_ip: None,
    })))
}

/// A replica is like its group in everything but its name, zone and tags.
fn replica(
    cx: &Cx<'_>,
    input: &Input,
    id: &str,
    group: &str,
    tags: BTreeMap<String, String>,
) -> Result<Command, Fault> {
    let group = cx.available_group(group)?;
    let shard = shard(group)?;
    let of_the_group = [
        ("CacheNodeType", input.cache_node_type.as_ref().is_some_and(|name| *name != group.size.node_type)),
        ("Engine", input.engine.as_deref().is_some_and(|name| shapes::engine(name) != Some(group.engine))),
        ("EngineVersion", input.engine_version.is_some()),
        ("NumCacheNodes", input.num_cache_nodes.is_some_and(|nodes| nodes != 1)),
        ("Port", input.port.is_some_and(|port| port != i32::from(group.port))),
        ("SnapshotRetentionLimit", input.snapshot_retention_limit.is_some()),
        ("SnapshotWindow", input.snapshot_window.is_some()),
        ("CacheParameterGroupName", input.cache_parameter_group_name.is_some()),
        ("CacheSubnetGroupName", input.cache_subnet_group_name.is_some()),
        ("PreferredMaintenanceWindow", input.preferred_maintenance_window.is_some()),
    ];
    if let Some((name, _)) = of_the_group.iter().find(|(_, differs)| *differs) {
        return Err(faults::combination(format!(
            "{name} cannot be specified for a cache cluster that joins a replication group."
        )));
    }
    if shard.members.len() >= MAX_MEMBERS {
        return Err(faults::node_quota_for_cluster(format!(
            "The replication group {} has {} nodes, which is the most that a shard can have.",
            group.id.name(),
            shard.members.len()
        )));
    }
    let present: Vec<&str> = shard.members.iter().map(|member| member.availability_zone.as_str()).collect();
    let zone = match zone(cx, input)? {
        Some(zone) => zone,
        None => placement::place(cx.region, &present, 1, true).remove(0),
    };
    let member = NewMember { name: id.to_owned(), availability_zone: zone, tags };
    Ok(Command::AddMembers { id: group.id.clone(), members: vec![member] })
}

fn zone(cx: &Cx<'_>, input: &Input) -> Result<Option<String>, Fault> {
    let zones = input.preferred_availability_zones.as_deref().unwrap_or_default();
    match (input.preferred_availability_zone.as_deref(), zones) {
        (None, []) => Ok(None),
        (Some(zone), []) => names::zone(cx.region, zone).map(Some),
        (None, [zone]) => names::zone(cx.region, zone).map(Some),
        (Some(_), _) => Err(faults::combination(
            "PreferredAvailabilityZone and PreferredAvailabilityZones cannot be specified together.",
        )),
        (None, _) => Err(faults::combination(
            "The number of PreferredAvailabilityZones must equal the number of cache nodes.",
        )),
    }
}

fn refuse_what_is_not_built(input: &Input) -> Result<(), Fault> {
    if input.az_mode.as_deref() == Some("cross-az") {
        return Err(faults::combination("AZMode cross-az needs more than one cache node."));
    }
    refuse_other("AZMode", input.az_mode.as_ref(), &["single-az"])?;
    refuse_items("CacheSecurityGroupNames", input.cache_security_group_names.as_ref())?;
    refuse_items("SecurityGroupIds", input.security_group_ids.as_ref())?;
    refuse_items("SnapshotArns", input.snapshot_arns.as_ref())?;
    refuse("SnapshotName", input.snapshot_name.is_some())?;
    refuse("NotificationTopicArn", input.notification_topic_arn.is_some())?;
    refuse("AuthToken", input.auth_token.is_some())?;
    refuse("OutpostMode", input.outpost_mode.is_some())?;
    refuse("PreferredOutpostArn", input.preferred_outpost_arn.is_some())?;
    refuse_items("PreferredOutpostArns", input.preferred_outpost_arns.as_ref())?;
    refuse_items("LogDeliveryConfigurations", input.log_delivery_configurations.as_ref())?;
    refuse_on("TransitEncryptionEnabled", input.transit_encryption_enabled)?;
    refuse_other("NetworkType", input.network_type.as_ref(), &["ipv4"])?;
    refuse_other("IpDiscovery", input.ip_discovery.as_ref(), &["ipv4"])
}
