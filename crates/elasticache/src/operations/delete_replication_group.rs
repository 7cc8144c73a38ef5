//! `DeleteReplicationGroup`: all of it, or all but the primary.

use crate::lookup::{Lookup, may_be_deleted};
use crate::shapes::{self, ReplicationGroup};
use crate::unsupported::refuse;
use crate::{Cx, Operation};
use aws_protocol::Fault;
use fleet::Command;
use serde::{Deserialize, Serialize};

pub(crate) struct DeleteReplicationGroup;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    replication_group_id: String,
    retain_primary_cluster: Option<bool>,
    final_snapshot_identifier: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    replication_group: ReplicationGroup,
}

impl Operation for DeleteReplicationGroup {
    const NAME: &'static str = "DeleteReplicationGroup";
    type Input = Input;
    type Output = Output;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let group = cx.group(&input.replication_group_id)?;
        let snapshot = input.final_snapshot_identifier.as_deref().unwrap_or_default();
        refuse("FinalSnapshotIdentifier", !snapshot.is_empty())?;
        may_be_deleted(group)?;
        let retain_primary = input.retain_primary_cluster.unwrap_or(false);
        Ok(vec![Command::Delete { id: group.id.clone(), retain_primary }])
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let group = cx.group(&input.replication_group_id)?;
        Ok(Output { replication_group: shapes::replication_group(cx, group) })
    }
}
