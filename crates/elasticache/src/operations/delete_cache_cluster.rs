//! `DeleteCacheCluster`: a cluster alone, or a replica of a group.

use super::decrease_replica_count::leaves_nobody_to_fail_over_to;
use crate::lookup::{Lookup, may_be_deleted};
use crate::shapes::ClusterResult;
use crate::{Cx, Operation, faults};
use aws_protocol::{Blank, Fault, NotYet};
use fleet::{Command, DeploymentId};
use serde::Deserialize;

pub(crate) struct DeleteCacheCluster;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_cluster_id: String,
    _final_snapshot_identifier: NotYet<Blank>,
}

impl Operation for DeleteCacheCluster {
    const NAME: &'static str = "DeleteCacheCluster";
    type Input = Input;
    type Output = ClusterResult;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let (deployment, shard, member) = cx.cluster(&input.cache_cluster_id)?;
        let id = deployment.id.clone();
        let DeploymentId::Group(group) = &deployment.id else {
            may_be_deleted(deployment)?;
            return Ok(vec![Command::Delete { id, retain_primary: false }]);
        };
        let name = &member.name;
        if shard.members.len() == 1 {
            // Text as the service answers.
            return Err(faults::invalid_cluster_state(
                "Cannot delete the cache cluster since it is the only member of a replication group. \
                 Delete the replication group instead.",
            ));
        }
        if shard.is_primary(member) {
            return Err(faults::invalid_cluster_state(format!(
                "Cluster {name} is serving as primary for replication group {group} and cannot be deleted."
            )));
        }
        if deployment.status() != "available" {
            return Err(faults::invalid_cluster_state(format!(
                "Cluster {name} cannot be deleted while replication group {group} is in {} state.",
                deployment.status()
            )));
        }
        if leaves_nobody_to_fail_over_to(deployment, 1)? {
            // Text as the service answers.
            return Err(faults::invalid_cluster_state(format!(
                "Cannot delete the cache cluster because it is the only read replica for replication group {group} \
                 which has autofailover enabled or pending. You can disable autofailover and then delete this cache \
                 cluster. Alternatively, to delete the entire replication group, use DeleteReplicationGroup."
            )));
        }
        Ok(vec![Command::RemoveMembers { id, members: vec![name.clone()] }])
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<ClusterResult, Fault> {
        ClusterResult::of(cx, &input.cache_cluster_id)
    }
}
