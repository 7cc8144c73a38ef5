//! `ModifyReplicationGroup`: description, size, failover, zones, windows, and who is the primary.

use super::create_replication_group::{check_zones, resized};
use crate::catalogue;
use crate::deferral::Resize;
use crate::inputs::{ChangedNodes, Disabled, Nodes, NotDurable};
use crate::lookup::{Lookup, shard};
use crate::settings::Given;
use crate::shapes::{self, GroupResult};
use crate::unsupported::refuse;
use crate::{Cx, Operation, faults, names, parameter_groups};
use aws_protocol::{Empty, Fault, NotYet, Off, With};
use fleet::{Changes, Command, Deployment};
use serde::Deserialize;

pub(crate) struct ModifyReplicationGroup;

pub(crate) type Input = With<With<Own, ChangedNodes>, Nodes>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Own {
    replication_group_id: String,
    replication_group_description: Option<String>,
    primary_cluster_id: Option<String>,
    snapshotting_cluster_id: Option<String>,
    automatic_failover_enabled: Option<bool>,
    #[serde(rename = "MultiAZEnabled")]
    multi_az_enabled: Option<bool>,
    _node_group_id: NotYet,
    _user_group_ids_to_add: NotYet<Empty>,
    _user_group_ids_to_remove: NotYet<Empty>,
    _remove_user_groups: NotYet<Off>,
    _transit_encryption_enabled: NotYet<Off>,
    _transit_encryption_mode: NotYet,
    _cluster_mode: NotYet<Disabled>,
    _durability: NotYet<NotDurable>,
}

impl Operation for ModifyReplicationGroup {
    const NAME: &'static str = "ModifyReplicationGroup";
    type Input = Input;
    type Output = GroupResult;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let group = cx.group(&input.replication_group_id)?;
        let immediately = input.own.shared.apply_immediately == Some(true);
        let brings_what_waits = immediately && group.deferred_size.is_some();
        if !asks_for_anything(input) && !brings_what_waits {
            return Err(faults::combination("No modifications were requested"));
        }
        if group.status() != "available" {
            return Err(faults::group_not_to_be_modified());
        }
        check_version(group, &input.shared)?;
        let description = match input.replication_group_description.as_deref() {
            Some(text) => Some(names::description("ReplicationGroupDescription", text)?),
            None => None,
        };
        let automatic_failover = input.automatic_failover_enabled.unwrap_or(group.automatic_failover);
        let multi_az = input.multi_az_enabled.unwrap_or(group.multi_az);
        if automatic_failover && shard(group)?.members.len() < 2 {
            // Text as the service answers.
            let text = "Replication group must have at least one read replica to enable autofailover.";
            return Err(faults::value(text));
        }
        check_zones(automatic_failover, multi_az)?;
        let parameters = parameter_groups::for_deployment(cx, group, input.shared.parameter_group())?;
        let given = given(input);
        let settings = given.changed(&group.settings)?;
        if settings.snapshot_retention_days > 0
            && group.settings.snapshot_retention_days == 0
            && settings.snapshotting_cluster.is_none()
        {
            // Text as the service answers.
            return Err(faults::combination(
                "Must specify both SnapshotRetentionLimit and SnapshottingClusterId to turn on snapshots",
            ));
        }
        if let Some(name) = &settings.snapshotting_cluster
            && shard(group)?.member(name).is_none()
        {
            return Err(faults::cache_cluster_not_found(name));
        }
        let asked = input.shared.cache_node_type.as_deref();
        let asked = asked.map(|name| resized(group, name)).transpose()?;
        let resize = Resize::of(group, asked, immediately);
        let changes = Changes {
            description,
            size: resize.now,
            automatic_failover: Some(automatic_failover),
            multi_az: Some(multi_az),
            settings: Some(settings),
            parameters: parameters.map(|group| group.node_parameters()),
        };
        let mut commands = vec![Command::Modify { id: group.id.clone(), changes: Box::new(changes) }];
        commands.extend(resize.later);
        if let Some(member) = &input.primary_cluster_id {
            commands.extend(promotion(group, automatic_failover, member)?);
        }
        Ok(commands)
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<GroupResult, Fault> {
        GroupResult::of(cx, &input.replication_group_id)
    }
}

fn given(input: &Input) -> Given<'_> {
    let snapshotting_cluster = input.snapshotting_cluster_id.as_deref();
    Given { snapshotting_cluster, ..input.shared.given() }
}

fn asks_for_anything(input: &Input) -> bool {
    !input.shared.is_empty()
        || input.snapshotting_cluster_id.is_some()
        || input.replication_group_description.is_some()
        || input.primary_cluster_id.is_some()
        || input.automatic_failover_enabled.is_some()
        || input.multi_az_enabled.is_some()
}

/// The engine and version that the group has may be named; others are not to be had yet.
fn check_version(group: &Deployment, asked: &Nodes) -> Result<(), Fault> {
    if let Some(engine) = asked.engine.as_deref().filter(|name| shapes::engine(name) != Some(group.engine)) {
        return match shapes::engine(engine) {
            None => Err(faults::value(format!("Invalid value for Engine: {engine}"))),
            Some(_) => refuse("Engine", true),
        };
    }
    if let Some(version) = &asked.engine_version {
        let version = catalogue::find_version(group.engine, version)?;
        refuse("EngineVersion", version.full != group.engine_version)?;
    }
    Ok(())
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
