//! `ModifyReplicationGroup`: description, size, failover, zones, windows, and who is the primary.

use super::create_replication_group::{LogDelivery, check_availability, node_type_named};
use crate::catalogue;
use crate::lookup::{Lookup, shard};
use crate::settings::Given;
use crate::shapes::{self, ReplicationGroup};
use crate::unsupported::{refuse, refuse_items, refuse_on, refuse_other};
use crate::{Cx, Operation, faults, names};
use aws_protocol::Fault;
use fleet::{Changes, Command, Deployment};
use serde::{Deserialize, Serialize};

pub(crate) struct ModifyReplicationGroup;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    replication_group_id: String,
    replication_group_description: Option<String>,
    primary_cluster_id: Option<String>,
    snapshotting_cluster_id: Option<String>,
    automatic_failover_enabled: Option<bool>,
    #[serde(rename = "MultiAZEnabled")]
    multi_az_enabled: Option<bool>,
    node_group_id: Option<String>,
    cache_security_group_names: Option<Vec<String>>,
    security_group_ids: Option<Vec<String>>,
    preferred_maintenance_window: Option<String>,
    notification_topic_arn: Option<String>,
    cache_parameter_group_name: Option<String>,
    notification_topic_status: Option<String>,
    apply_immediately: Option<bool>,
    engine: Option<String>,
    engine_version: Option<String>,
    auto_minor_version_upgrade: Option<bool>,
    snapshot_retention_limit: Option<i32>,
    snapshot_window: Option<String>,
    cache_node_type: Option<String>,
    auth_token: Option<String>,
    auth_token_update_strategy: Option<String>,
    user_group_ids_to_add: Option<Vec<String>>,
    user_group_ids_to_remove: Option<Vec<String>>,
    remove_user_groups: Option<bool>,
    log_delivery_configurations: Option<Vec<LogDelivery>>,
    ip_discovery: Option<String>,
    transit_encryption_enabled: Option<bool>,
    transit_encryption_mode: Option<String>,
    cluster_mode: Option<String>,
    durability: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    replication_group: ReplicationGroup,
}

impl Operation for ModifyReplicationGroup {
    const NAME: &'static str = "ModifyReplicationGroup";
    type Input = Input;
    type Output = Output;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let group = cx.group(&input.replication_group_id)?;
        refuse_what_is_not_built(input)?;
        if !asks_for_anything(input) {
            return Err(faults::combination("No modifications were requested"));
        }
        let group = cx.available_group(group.id.name())?;
        check_version(group, input)?;
        let description =
            input.replication_group_description.as_deref().map(names::description).transpose()?;
        let automatic_failover = input.automatic_failover_enabled.unwrap_or(group.automatic_failover);
        let multi_az = input.multi_az_enabled.unwrap_or(group.multi_az);
        check_availability(automatic_failover, multi_az, shard(group)?.members.len())?;
        let given = given(input);
        let settings = given.changed(&group.settings)?;
        if let Some(name) = &settings.snapshotting_cluster
            && shard(group)?.member(name).is_none()
        {
            return Err(faults::cache_cluster_not_found(name));
        }
        let size = new_size(group, input)?;
        let changes = Changes {
            description,
            size,
            automatic_failover: Some(automatic_failover),
            multi_az: Some(multi_az),
            settings: Some(settings),
        };
        let mut commands = vec![Command::Modify { id: group.id.clone(), changes: Box::new(changes) }];
        if let Some(member) = &input.primary_cluster_id {
            commands.extend(promotion(group, automatic_failover, member)?);
        }
        Ok(commands)
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let group = cx.group(&input.replication_group_id)?;
        Ok(Output { replication_group: shapes::replication_group(cx, group) })
    }
}

fn given(input: &Input) -> Given<'_> {
    Given {
        maintenance_window: input.preferred_maintenance_window.as_deref(),
        snapshot_window: input.snapshot_window.as_deref(),
        snapshot_retention: input.snapshot_retention_limit,
        snapshotting_cluster: input.snapshotting_cluster_id.as_deref(),
        auto_minor_version_upgrade: input.auto_minor_version_upgrade,
        parameter_group: input.cache_parameter_group_name.as_deref(),
        subnet_group: None,
    }
}

fn asks_for_anything(input: &Input) -> bool {
    !given(input).is_empty()
        || input.replication_group_description.is_some()
        || input.primary_cluster_id.is_some()
        || input.automatic_failover_enabled.is_some()
        || input.multi_az_enabled.is_some()
        || input.engine.is_some()
        || input.engine_version.is_some()
        || input.cache_node_type.is_some()
}

/// The engine and version that the group has may be named; others are not to be had yet.
fn check_version(group: &Deployment, input: &Input) -> Result<(), Fault> {
    if let Some(engine) = input.engine.as_deref().filter(|name| shapes::engine(name) != Some(group.engine)) {
        return match shapes::engine(engine) {
            None => Err(faults::value(format!("Invalid value for Engine: {engine}"))),
            Some(_) => refuse("Engine", true),
        };
    }
    if let Some(asked) = &input.engine_version {
        let version = catalogue::find_version(group.engine, asked)?;
        refuse("EngineVersion", version.full != group.engine_version)?;
    }
    Ok(())
}

/// Another size, if one is asked for.
fn new_size(group: &Deployment, input: &Input) -> Result<Option<fleet::NodeSize>, Fault> {
    let Some(name) = &input.cache_node_type else { return Ok(None) };
    let size = node_type_named(name)?.size();
    if size == group.size {
        return Ok(None);
    }
    match input.apply_immediately {
        Some(true) => Ok(Some(size)),
        _ => Err(faults::combination(
            "A new CacheNodeType needs ApplyImmediately: changes in the maintenance window are not supported by Engram yet.",
        )),
    }
}

/// A promotion by hand, for which the group must not fail over by itself.
fn promotion(group: &Deployment, automatic_failover: bool, member: &str) -> Result<Option<Command>, Fault> {
    let name = names::identifier("PrimaryClusterId", member, 50)?;
    let shard = shard(group)?;
    let Some(member) = shard.member(&name) else {
        return Err(faults::cache_cluster_not_found(&name));
    };
    if shard.is_primary(member) {
        return Ok(None);
    }
    if automatic_failover {
        return Err(faults::invalid_group_state_because(format!(
            "Automatic failover must be disabled to promote {name} to be the primary of replication group {}.",
            group.id.name()
        )));
    }
    Ok(Some(Command::Promote { id: group.id.clone(), member: name }))
}

fn refuse_what_is_not_built(input: &Input) -> Result<(), Fault> {
    refuse("NodeGroupId", input.node_group_id.is_some())?;
    refuse_items("CacheSecurityGroupNames", input.cache_security_group_names.as_ref())?;
    refuse_items("SecurityGroupIds", input.security_group_ids.as_ref())?;
    refuse("NotificationTopicArn", input.notification_topic_arn.is_some())?;
    refuse("NotificationTopicStatus", input.notification_topic_status.is_some())?;
    refuse("AuthToken", input.auth_token.is_some())?;
    refuse("AuthTokenUpdateStrategy", input.auth_token_update_strategy.is_some())?;
    refuse_items("UserGroupIdsToAdd", input.user_group_ids_to_add.as_ref())?;
    refuse_items("UserGroupIdsToRemove", input.user_group_ids_to_remove.as_ref())?;
    refuse_on("RemoveUserGroups", input.remove_user_groups)?;
    refuse_items("LogDeliveryConfigurations", input.log_delivery_configurations.as_ref())?;
    refuse_other("IpDiscovery", input.ip_discovery.as_ref(), &["ipv4"])?;
    refuse_on("TransitEncryptionEnabled", input.transit_encryption_enabled)?;
    refuse("TransitEncryptionMode", input.transit_encryption_mode.is_some())?;
    refuse_other("ClusterMode", input.cluster_mode.as_ref(), &["disabled"])?;
    refuse_other("Durability", input.durability.as_ref(), &["default", "disabled"])
}
