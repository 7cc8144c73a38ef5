//! `DecreaseReplicaCount`: fewer replicas, those that are named or the newest.

use super::increase_replica_count::{self, immediately, wanted};
use crate::lookup::{Lookup, shard};
use crate::shapes::GroupResult;
use crate::{Cx, Operation, faults};
use aws_protocol::{Fault, With};
use fleet::{Command, Deployment};
use serde::Deserialize;

pub(crate) struct DecreaseReplicaCount;

pub(crate) type Input = With<Own, increase_replica_count::Input>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Own {
    replicas_to_remove: Option<Vec<String>>,
}

impl Operation for DecreaseReplicaCount {
    const NAME: &'static str = "DecreaseReplicaCount";
    type Input = Input;
    type Output = GroupResult;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let shared = &input.shared;
        let group = cx.available_group(&shared.replication_group_id)?;
        immediately(shared.apply_immediately)?;
        let named = input.replicas_to_remove.as_deref().unwrap_or_default();
        let has_count = shared.new_replica_count.is_some() || shared.replica_configuration.is_some();
        let members = match (named.is_empty(), has_count) {
            (false, true) => {
                return Err(faults::combination(
                    "ReplicasToRemove cannot be specified with NewReplicaCount or ReplicaConfiguration.",
                ));
            }
            (false, false) => those_named(group, named)?,
            (true, _) => the_newest(group, wanted(group, shared)?.replicas)?,
        };
        if leaves_nobody_to_fail_over_to(group, members.len())? {
            // Text as the service answers.
            return Err(faults::value(
                "Must have at least 1 replica when cluster mode is disabled with auto failover enabled.",
            ));
        }
        Ok(vec![Command::RemoveMembers { id: group.id.clone(), members }])
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<GroupResult, Fault> {
        GroupResult::of(cx, &input.shared.replication_group_id)
    }
}

fn those_named(group: &Deployment, named: &[String]) -> Result<Vec<String>, Fault> {
    let shard = shard(group)?;
    let mut members = Vec::new();
    for name in named {
        let name = name.to_ascii_lowercase();
        let Some(member) = shard.member(&name) else {
            return Err(faults::cache_cluster_not_found(&name));
        };
        if shard.is_primary(member) {
            return Err(faults::value(format!(
                "The cache cluster {name} is the primary of replication group {} and cannot be removed.",
                group.id.name()
            )));
        }
        if !members.contains(&name) {
            members.push(name);
        }
    }
    Ok(members)
}

fn the_newest(group: &Deployment, replicas: i64) -> Result<Vec<String>, Fault> {
    let shard = shard(group)?;
    let present = shard.members.len() as i64 - 1;
    if replicas >= present {
        return Err(faults::no_operation(format!(
            "The replication group {} has {present} replicas already.",
            group.id.name()
        )));
    }
    let newest_first = shard.members.iter().rev().filter(|member| !shard.is_primary(member));
    Ok(newest_first.take((present - replicas) as usize).map(|member| member.name.clone()).collect())
}

/// Whether a group that fails over by itself would have nobody left to fail over to.
pub(super) fn leaves_nobody_to_fail_over_to(group: &Deployment, removed: usize) -> Result<bool, Fault> {
    let stay = shard(group)?.members.len() - removed;
    Ok(group.automatic_failover && stay < 2)
}
