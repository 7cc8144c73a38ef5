//! `DescribeReplicationGroups`

use crate::lookup::Lookup;
use crate::shapes::{self, ReplicationGroup};
use crate::{Cx, Operation, paging};
use aws_protocol::{Fault, Members};
use serde::{Deserialize, Serialize};

pub(crate) struct DescribeReplicationGroups;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    replication_group_id: Option<String>,
    max_records: Option<i32>,
    marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    marker: Option<String>,
    replication_groups: Members<ReplicationGroup>,
}

impl Operation for DescribeReplicationGroups {
    const NAME: &'static str = "DescribeReplicationGroups";
    type Input = Input;
    type Output = Output;

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let groups = match input.replication_group_id.as_deref().filter(|id| !id.is_empty()) {
            Some(id) => vec![cx.group(id)?],
            None => cx.here().into_iter().flat_map(|region| region.groups.values()).collect(),
        };
        let (page, marker) = paging::page(
            Self::NAME,
            groups,
            |group| group.id.name().to_owned(),
            input.marker.as_deref(),
            input.max_records,
        )?;
        let replication_groups = page.into_iter().map(|group| shapes::replication_group(cx, group)).collect();
        Ok(Output { marker, replication_groups })
    }
}
