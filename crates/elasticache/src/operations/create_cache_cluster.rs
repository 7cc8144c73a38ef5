//! `CreateCacheCluster`: one node alone, or one more replica of a group.

use super::create_replication_group::version_and_type;
use crate::inputs::{NewNodes, Nodes, SingleZone};
use crate::lookup::{Lookup, shard};
use crate::settings::Given;
use crate::shapes::{self, ClusterResult};
use crate::{Cx, Operation, faults, names, parameter_groups, quotas, subnet_groups};
use aws_protocol::{Empty, Fault, NotYet, Off, With};
use fleet::{Command, DeploymentId, NewDeployment, NewMember, placement};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(crate) struct CreateCacheCluster;

pub(crate) type Input = With<With<Own, NewNodes>, Nodes>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Own {
    cache_cluster_id: String,
    replication_group_id: Option<String>,
    #[serde(rename = "AZMode")]
    _az_mode: NotYet<SingleZone>,
    preferred_availability_zone: Option<String>,
    preferred_availability_zones: Option<Vec<String>>,
    num_cache_nodes: Option<i32>,
    _outpost_mode: NotYet,
    _preferred_outpost_arn: NotYet,
    _preferred_outpost_arns: NotYet<Empty>,
    _transit_encryption_enabled: NotYet<Off>,
}

impl Operation for CreateCacheCluster {
    const NAME: &'static str = "CreateCacheCluster";
    type Input = Input;
    type Output = ClusterResult;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let id = names::cache_cluster(&input.cache_cluster_id)?;
        let tags = super::tags::checked(cx, input.own.shared.tags.as_deref().unwrap_or_default())?;
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

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<ClusterResult, Fault> {
        ClusterResult::of(cx, &input.cache_cluster_id)
    }
}

fn alone(cx: &Cx<'_>, input: &Input, id: &str, tags: BTreeMap<String, String>) -> Result<Command, Fault> {
    let (new, nodes) = (&input.own.shared, &input.shared);
    let (version, node_type) = version_and_type(
        Some(nodes.engine.as_deref().ok_or_else(|| Fault::parameter_is_null("Engine"))?),
        nodes.engine_version.as_deref(),
        nodes.cache_node_type.as_deref(),
    )?;
    let count = input.num_cache_nodes.ok_or_else(|| Fault::parameter_is_null("NumCacheNodes"))?;
    if count != 1 {
        return Err(faults::value(format!("NumCacheNodes should be 1 if engine is {}", version.engine)));
    }
    let subnets = cx.subnet_group(new.cache_subnet_group_name.as_deref())?;
    let parameters = parameter_groups::for_cluster(cx, version, nodes.parameter_group())?;
    let given = Given {
        subnet_group: Some(&subnets.name),
        parameter_group: Some(&parameters.kept.name),
        ..nodes.given()
    };
    let port = new.port()?;
    cx.check_addresses(port, 1)?;
    let zones = subnet_groups::zones(cx.region, &subnets);
    let zone = zone(&zones, input)?.unwrap_or_else(|| zones[0].clone());
    let member = NewMember { name: id.to_owned(), availability_zone: zone, tags: BTreeMap::new() };
    Ok(Command::Create(Box::new(NewDeployment {
        id: DeploymentId::Cluster(id.to_owned()),
        description: String::new(),
        engine: version.engine,
        engine_version: version.full.to_owned(),
        profile: version.profile.to_owned(),
        size: node_type.size(),
        port,
        automatic_failover: false,
        multi_az: false,
        settings: given.of_new()?,
        parameters: parameters.node_parameters(),
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
    let (new, nodes) = (&input.own.shared, &input.shared);
    let is_like_the_group = nodes.cache_node_type.as_ref().is_none_or(|name| *name == group.size.node_type)
        && nodes.engine.as_deref().is_none_or(|name| shapes::engine(name) == Some(group.engine))
        && nodes.engine_version.is_none()
        && input.num_cache_nodes.is_none_or(|nodes| nodes == 1)
        && new.port.is_none_or(|port| port == i32::from(group.port))
        && nodes.snapshot_retention_limit.is_none()
        && nodes.snapshot_window.is_none()
        && nodes.parameter_group().is_none()
        && new.cache_subnet_group_name.is_none()
        && nodes.preferred_maintenance_window.is_none();
    if !is_like_the_group {
        // Text as the service answers.
        return Err(faults::combination(
            "Cannot specify additional cache cluster parameters when creating a replica cluster.",
        ));
    }
    quotas::NODES_PER_CLUSTER.check(cx, group.members().count() + 1)?;
    quotas::NODES_PER_SHARD.check(cx, shard.members.len() + 1)?;
    cx.check_addresses(group.port, 1)?;
    let present: Vec<&str> = shard.members.iter().map(|member| member.availability_zone.as_str()).collect();
    let zones = cx.zones_of(group)?;
    let zone = match zone(&zones, input)? {
        Some(zone) => zone,
        None => placement::place(&zones, &present, 1, true).remove(0),
    };
    let member = NewMember { name: id.to_owned(), availability_zone: zone, tags };
    Ok(Command::AddMembers { id: group.id.clone(), members: vec![member] })
}

fn zone(among: &[String], input: &Input) -> Result<Option<String>, Fault> {
    let zones = input.preferred_availability_zones.as_deref().unwrap_or_default();
    match (input.preferred_availability_zone.as_deref(), zones) {
        (None, []) => Ok(None),
        (Some(zone), []) => names::zone(among, zone).map(Some),
        (None, [zone]) => names::zone(among, zone).map(Some),
        (Some(_), _) => Err(faults::combination(
            "PreferredAvailabilityZone and PreferredAvailabilityZones cannot be specified together.",
        )),
        (None, _) => Err(faults::combination(
            "The number of PreferredAvailabilityZones must equal the number of cache nodes.",
        )),
    }
}
