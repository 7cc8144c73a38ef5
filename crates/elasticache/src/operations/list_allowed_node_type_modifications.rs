//! `ListAllowedNodeTypeModifications`: the node types that a cluster or group could change to.

use crate::catalogue::{self, NodeType};
use crate::lookup::Lookup;
use crate::{Cx, Operation, faults};
use aws_protocol::{Fault, Members};
use serde::{Deserialize, Serialize};

pub(crate) struct ListAllowedNodeTypeModifications;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_cluster_id: Option<String>,
    replication_group_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    scale_up_modifications: Members<String>,
    scale_down_modifications: Members<String>,
}

impl Operation for ListAllowedNodeTypeModifications {
    const NAME: &'static str = "ListAllowedNodeTypeModifications";
    type Input = Input;
    type Output = Output;

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let deployment = match (&input.cache_cluster_id, &input.replication_group_id) {
            (Some(id), None) => cx.cluster(id)?.0,
            (None, Some(id)) => cx.group(id)?,
            (None, None) => {
                let text = "Either CacheClusterId or ReplicationGroupId must be specified.";
                return Err(faults::combination(text));
            }
            (Some(_), Some(_)) => {
                return Err(faults::combination(
                    "CacheClusterId and ReplicationGroupId cannot be specified together.",
                ));
            }
        };
        let present = &deployment.size;
        let others = || {
            let types = catalogue::node_types().iter().filter(|other| other.name != present.node_type);
            types.filter(|other| other.is_open_to(deployment.engine, &deployment.engine_version))
        };
        let names = |fits: fn(u64, u64) -> bool| -> Members<String> {
            let fitting = |other: &&NodeType| fits(other.maxmemory_bytes, present.memory_bytes);
            let mut names: Vec<String> =
                others().filter(fitting).map(|other| other.name.to_owned()).collect();
            names.sort();
            names.into()
        };
        Ok(Output {
            scale_up_modifications: names(|other, present| other >= present),
            scale_down_modifications: names(|other, present| other < present),
        })
    }
}
