//! `DescribeCacheSubnetGroups`

use crate::subnet_groups::{self, CacheSubnetGroup};
use crate::{Cx, Operation, paging};
use aws_protocol::{Fault, Members};
use serde::{Deserialize, Serialize};

pub(crate) struct DescribeCacheSubnetGroups;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_subnet_group_name: Option<String>,
    max_records: Option<i32>,
    marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    marker: Option<String>,
    cache_subnet_groups: Members<CacheSubnetGroup>,
}

impl Operation for DescribeCacheSubnetGroups {
    const NAME: &'static str = "DescribeCacheSubnetGroups";
    type Input = Input;
    type Output = Output;

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let groups = match input.cache_subnet_group_name.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => vec![subnet_groups::existing(cx, name)?],
            None => subnet_groups::all(cx).into_values().collect(),
        };
        let groups = groups.iter().map(|group| CacheSubnetGroup::of(cx, group)).collect();
        let key = |group: &CacheSubnetGroup| group.cache_subnet_group_name.clone();
        let (page, marker) =
            paging::page(Self::NAME, groups, key, input.marker.as_deref(), input.max_records)?;
        Ok(Output { marker, cache_subnet_groups: page.into() })
    }
}
