//! `CreateReplicationGroup`: a primary and its replicas. Cluster mode is off.

use super::increase_replica_count::replicas_in_range;
use crate::catalogue::{self, EngineVersion, NodeType};
use crate::inputs::{Disabled, NewNodes, Nodes, NotDurable};
use crate::lookup::Lookup;
use crate::settings::Given;
use crate::shapes::{self, GroupResult};
use crate::{Cx, Operation, faults, names, parameter_groups, quotas, subnet_groups};
use aws_protocol::{Empty, Fault, NotYet, Off, With};
use fleet::{Command, Deployment, DeploymentId, Engine, NewDeployment, NewMember, NodeSize, placement};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(crate) struct CreateReplicationGroup;

pub(crate) type Input = With<With<Own, NewNodes>, Nodes>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Own {
    replication_group_id: String,
    replication_group_description: String,
    automatic_failover_enabled: Option<bool>,
    #[serde(rename = "MultiAZEnabled")]
    multi_az_enabled: Option<bool>,
    num_cache_clusters: Option<i32>,
    #[serde(rename = "PreferredCacheClusterAZs")]
    preferred_cache_cluster_azs: Option<Vec<String>>,
    num_node_groups: Option<i32>,
    replicas_per_node_group: Option<i32>,
    node_group_configuration: Option<Vec<NodeGroupConfiguration>>,
    _global_replication_group_id: NotYet,
    _primary_cluster_id: NotYet,
    _transit_encryption_enabled: NotYet<Off>,
    _transit_encryption_mode: NotYet,
    _at_rest_encryption_enabled: NotYet<Off>,
    _kms_key_id: NotYet,
    _user_group_ids: NotYet<Empty>,
    _data_tiering_enabled: NotYet<Off>,
    _cluster_mode: NotYet<Disabled>,
    _serverless_cache_snapshot_name: NotYet,
    _durability: NotYet<NotDurable>,
}

/// How one shard is to be laid out.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct NodeGroupConfiguration {
    node_group_id: Option<String>,
    _slots: NotYet,
    replica_count: Option<i32>,
    primary_availability_zone: Option<String>,
    replica_availability_zones: Option<Vec<String>>,
    _primary_outpost_arn: NotYet,
    _replica_outpost_arns: NotYet<Empty>,
}

impl Operation for CreateReplicationGroup {
    const NAME: &'static str = "CreateReplicationGroup";
    type Input = Input;
    type Output = GroupResult;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let id = names::replication_group(&input.replication_group_id)?;
        let description =
            names::description("ReplicationGroupDescription", &input.replication_group_description)?;
        let (new, nodes) = (&input.own.shared, &input.shared);
        let (version, node_type) = version_and_type(
            nodes.engine.as_deref(),
            nodes.engine_version.as_deref(),
            nodes.cache_node_type.as_deref(),
        )?;
        let subnets = cx.subnet_group(new.cache_subnet_group_name.as_deref())?;
        let layout = layout(cx, &subnet_groups::zones(cx.region, &subnets), input)?;
        let automatic_failover = input.automatic_failover_enabled.unwrap_or(false);
        let multi_az = input.multi_az_enabled.unwrap_or(false);
        if automatic_failover && layout.len() < 2 {
            // Text as the service answers.
            return Err(faults::combination(
                "When using automatic failover, there must be at least 2 cache clusters in the replication group.",
            ));
        }
        check_zones(automatic_failover, multi_az)?;
        let parameters = parameter_groups::for_group(cx, version, nodes.parameter_group())?;
        let given = Given {
            subnet_group: Some(&subnets.name),
            parameter_group: Some(&parameters.kept.name),
            ..nodes.given()
        };
        let settings = given.of_new()?;
        let port = new.port()?;
        let tags = super::tags::checked(cx, new.tags.as_deref().unwrap_or_default())?;
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
        quotas::NODES_PER_CLUSTER.check(cx, members.len())?;
        cx.check_node_quota(members.len())?;
        // Those of the members, the primary's and the readers'.
        cx.check_addresses(port, members.len() + 2)?;
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
            parameters: parameters.node_parameters(),
            tags,
            members,
            primary_ip: None,
        }))])
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<GroupResult, Fault> {
        GroupResult::of(cx, &input.replication_group_id)
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
    Ok((version, node_type_for(name, engine, version.asked)?))
}

/// A node type that nodes of this engine and version can have.
fn node_type_for(name: &str, engine: Engine, version: &str) -> Result<&'static NodeType, Fault> {
    let found = catalogue::node_type(name)
        .ok_or_else(|| faults::value(format!("The parameter CacheNodeType has an invalid value: {name}.")))?;
    found.check(engine, version)?;
    Ok(found)
}

/// The size of nodes that get another type. Those that there are may keep a type that no new ones can have.
pub(super) fn resized(deployment: &Deployment, name: &str) -> Result<NodeSize, Fault> {
    if name == deployment.size.node_type {
        return Ok(deployment.size.clone());
    }
    Ok(node_type_for(name, deployment.engine, &deployment.engine_version)?.size())
}

/// Nodes in several zones ask for failover.
pub(super) fn check_zones(automatic_failover: bool, multi_az: bool) -> Result<(), Fault> {
    match multi_az && !automatic_failover {
        true => Err(faults::combination("Automatic failover must be enabled to enable Multi-AZ.")),
        false => Ok(()),
    }
}

/// The zones of the members, the primary's first.
fn layout(cx: &Cx<'_>, among: &[String], input: &Input) -> Result<Vec<String>, Fault> {
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
            Some(replicas) => members_of(cx, replicas)?,
            None => i64::from(input.num_cache_clusters.unwrap_or(1)),
        };
        let preferred = input.preferred_cache_cluster_azs.as_deref().unwrap_or_default();
        return zones(cx, among, count, preferred, "PreferredCacheClusterAZs");
    };
    first.layout(cx, among, input.replicas_per_node_group)
}

impl NodeGroupConfiguration {
    fn layout(
        &self,
        cx: &Cx<'_>,
        among: &[String],
        replicas_per_node_group: Option<i32>,
    ) -> Result<Vec<String>, Fault> {
        if let Some(id) = self.node_group_id.as_deref().filter(|id| id.parse() != Ok(1_u16)) {
            return Err(faults::value(format!("The node group id {id} is not valid: the only one is 0001.")));
        }
        let replicas = self.replica_availability_zones.as_deref().unwrap_or_default();
        let named = (!replicas.is_empty()).then_some(replicas.len() as i32);
        let count = self.replica_count.or(replicas_per_node_group).or(named).unwrap_or(0);
        let members = members_of(cx, count)?;
        let mut preferred: Vec<String> = self.primary_availability_zone.iter().cloned().collect();
        if preferred.is_empty() && replicas.is_empty() {
            return zones(cx, among, members, &[], "ReplicaAvailabilityZones");
        }
        if preferred.is_empty() {
            preferred = placement::place(among, &[], 1, true);
        }
        if replicas.is_empty() {
            let home = names::zone(among, &preferred[0])?;
            let others = placement::place(among, &[&home], members as usize - 1, true);
            return Ok(std::iter::once(home).chain(others).collect());
        }
        preferred.extend(replicas.iter().cloned());
        zones(cx, among, members, &preferred, "ReplicaAvailabilityZones")
    }
}

/// How many members a shard has with so many replicas.
fn members_of(cx: &Cx<'_>, replicas: i32) -> Result<i64, Fault> {
    replicas_in_range(cx, replicas.into())?;
    Ok(i64::from(replicas) + 1)
}

/// So many zones: those that were preferred, or spread.
fn zones(
    cx: &Cx<'_>,
    among: &[String],
    count: i64,
    preferred: &[String],
    parameter: &str,
) -> Result<Vec<String>, Fault> {
    let most = quotas::NODES_PER_SHARD.limit(cx);
    if !(1..=most as i64).contains(&count) {
        return Err(faults::value(format!(
            "The number of cache clusters must be between 1 and {most}, not {count}."
        )));
    }
    if preferred.is_empty() {
        return Ok(placement::place(among, &[], count as usize, true));
    }
    if preferred.len() as i64 != count {
        return Err(faults::combination(format!(
            "The number of availability zones in {parameter} must equal the number of cache clusters."
        )));
    }
    preferred.iter().map(|zone| names::zone(among, zone)).collect()
}
