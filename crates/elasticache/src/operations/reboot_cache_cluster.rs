//! `RebootCacheCluster`: its process is ended and started again; what it held is lost, unless a primary has it.

use crate::lookup::Lookup;
use crate::shapes::{ClusterResult, NODE_ID};
use crate::{Cx, Operation, faults};
use aws_protocol::Fault;
use fleet::Command;
use serde::Deserialize;

pub(crate) struct RebootCacheCluster;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_cluster_id: String,
    cache_node_ids_to_reboot: Vec<String>,
}

impl Operation for RebootCacheCluster {
    const NAME: &'static str = "RebootCacheCluster";
    type Input = Input;
    type Output = ClusterResult;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let (deployment, _, member) = cx.cluster(&input.cache_cluster_id)?;
        let nodes = &input.cache_node_ids_to_reboot;
        if nodes.is_empty() {
            return Err(Fault::parameter_is_null("CacheNodeIdsToReboot"));
        }
        if let Some(unknown) = nodes.iter().find(|node| *node != NODE_ID) {
            return Err(faults::value(format!(
                "The cache node {unknown} is not found in cache cluster {}.",
                member.name
            )));
        }
        match member.status(deployment) {
            "available" => {
                Ok(vec![Command::Reboot { id: deployment.id.clone(), member: member.name.clone() }])
            }
            status => Err(faults::invalid_cluster_state(format!(
                "Cache cluster {} is not in available state, it is in {status} state.",
                member.name
            ))),
        }
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<ClusterResult, Fault> {
        ClusterResult::of(cx, &input.cache_cluster_id)
    }
}
