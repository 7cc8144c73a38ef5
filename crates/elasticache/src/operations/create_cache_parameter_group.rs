//! `CreateCacheParameterGroup`: a copy of its family's default group, to be changed.

use crate::catalogue::FAMILIES;
use crate::parameter_groups::{self, CacheParameterGroup};
use crate::shapes::Tag;
use crate::{Cx, Operation, faults, names, quotas};
use aws_protocol::Fault;
use fleet::{Command, ParameterGroup};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) struct CreateCacheParameterGroup;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_parameter_group_name: String,
    cache_parameter_group_family: String,
    description: String,
    tags: Option<Vec<Tag>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    cache_parameter_group: CacheParameterGroup,
}

impl Operation for CreateCacheParameterGroup {
    const NAME: &'static str = "CreateCacheParameterGroup";
    type Input = Input;
    type Output = Output;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let name = parameter_groups::new_name(cx, &input.cache_parameter_group_name)?;
        let family = input.cache_parameter_group_family.to_ascii_lowercase();
        if !FAMILIES.iter().any(|one| one.name == family) {
            return Err(faults::no_such_family(&input.cache_parameter_group_family));
        }
        let description = names::description("Description", &input.description)?;
        let tags = super::tags::checked(cx, input.tags.as_deref().unwrap_or_default())?;
        quotas::PARAMETER_GROUPS.check(cx, parameter_groups::kept(cx).count() + 1)?;
        let group = ParameterGroup { name, family, description, values: BTreeMap::new(), tags };
        Ok(vec![Command::SetParameterGroup(Box::new(group))])
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let group = parameter_groups::described(cx, &input.cache_parameter_group_name)?;
        Ok(Output { cache_parameter_group: CacheParameterGroup::of(cx, &group) })
    }
}
