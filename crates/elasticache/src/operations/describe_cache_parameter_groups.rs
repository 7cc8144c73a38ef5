//! `DescribeCacheParameterGroups`: the defaults, one for each family.

use crate::shapes::arn;
use crate::{Cx, Operation, catalogue, faults, paging};
use aws_protocol::{Fault, Item, Members};
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

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct CacheParameterGroup {
    cache_parameter_group_name: &'static str,
    cache_parameter_group_family: &'static str,
    description: String,
    is_global: bool,
    #[serde(rename = "ARN")]
    arn: String,
}

impl Item for CacheParameterGroup {
    const NAME: &'static str = "CacheParameterGroup";
}

impl Operation for DescribeCacheParameterGroups {
    const NAME: &'static str = "DescribeCacheParameterGroups";
    type Input = Input;
    type Output = Output;

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let name = input.cache_parameter_group_name.as_deref().filter(|name| !name.is_empty());
        let all = catalogue::versions().iter();
        let is_named = |group: &str| name.is_none_or(|name| group.eq_ignore_ascii_case(name));
        let mut groups: Vec<_> = all.filter(|version| is_named(version.default_parameter_group)).collect();
        groups.dedup_by_key(|version| version.default_parameter_group);
        if let (Some(name), true) = (name, groups.is_empty()) {
            return Err(faults::parameter_group_not_found(name));
        }
        let (page, marker) = paging::page(
            groups,
            |version| version.default_parameter_group.to_owned(),
            input.marker.as_deref(),
            input.max_records,
        )?;
        let describe = |version: &catalogue::EngineVersion| CacheParameterGroup {
            cache_parameter_group_name: version.default_parameter_group,
            cache_parameter_group_family: version.family,
            description: format!("Default parameter group for {}", version.family),
            is_global: false,
            arn: arn(cx, "parametergroup", version.default_parameter_group),
        };
        Ok(Output { marker, cache_parameter_groups: page.into_iter().map(describe).collect() })
    }
}
