//! `DescribeCacheParameterGroups`: the default ones, and those that users made.

use crate::parameter_groups::{self, CacheParameterGroup};
use crate::{Cx, Operation, paging};
use aws_protocol::{Fault, Members};
use serde::{Deserialize, Serialize};

pub(crate) struct DescribeCacheParameterGroups;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_parameter_group_name: Option<String>,
    max_records: Option<i32>,
    marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    marker: Option<String>,
    cache_parameter_groups: Members<CacheParameterGroup>,
}

impl Operation for DescribeCacheParameterGroups {
    const NAME: &'static str = "DescribeCacheParameterGroups";
    type Input = Input;
    type Output = Output;

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let groups = match input.cache_parameter_group_name.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => vec![parameter_groups::described(cx, name)?],
            None => parameter_groups::all(cx).into_values().collect(),
        };
        let groups = groups.iter().map(|group| CacheParameterGroup::of(cx, group)).collect();
        let key = |group: &CacheParameterGroup| group.cache_parameter_group_name.clone();
        let (page, marker) =
            paging::page(Self::NAME, groups, key, input.marker.as_deref(), input.max_records)?;
        Ok(Output { marker, cache_parameter_groups: page.into() })
    }
}
