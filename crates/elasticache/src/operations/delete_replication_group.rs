//! `DeleteReplicationGroup`: all of it, or all but the primary.

use crate::lookup::{Lookup, may_be_deleted};
use crate::shapes::GroupResult;
use crate::{Cx, Operation};
use aws_protocol::{Blank, Fault, NotYet};
use fleet::Command;
use serde::Deserialize;

pub(crate) struct DeleteReplicationGroup;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    replication_group_id: String,
    retain_primary_cluster: Option<bool>,
    _final_snapshot_identifier: NotYet<Blank>,
}

impl Operation for DeleteReplicationGroup {
    const NAME: &'static str = "DeleteReplicationGroup";
    type Input = Input;
    type Output = GroupResult;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let group = cx.group(&input.replication_group_id)?;
        may_be_deleted(group)?;
        let retain_primary = input.retain_primary_cluster.unwrap_or(false);
        Ok(vec![Command::Delete { id: group.id.clone(), retain_primary }])
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<GroupResult, Fault> {
        GroupResult::of(cx, &input.replication_group_id)
    }
}
