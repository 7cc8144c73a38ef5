//! `CreateCacheSubnetGroup`

use crate::shapes::Tag;
use crate::subnet_groups::{self, SubnetGroupResult};
use crate::{Cx, Operation, faults, names, quotas};
use aws_protocol::Fault;
use fleet::{Command, SubnetGroup};
use serde::Deserialize;

pub(crate) struct CreateCacheSubnetGroup;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_subnet_group_name: String,
    cache_subnet_group_description: String,
    subnet_ids: Vec<String>,
    tags: Option<Vec<Tag>>,
}

impl Operation for CreateCacheSubnetGroup {
    const NAME: &'static str = "CreateCacheSubnetGroup";
    type Input = Input;
    type Output = SubnetGroupResult;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let name = names::subnet_group(&input.cache_subnet_group_name)?;
        let description =
            names::description("CacheSubnetGroupDescription", &input.cache_subnet_group_description)?;
        let subnets = subnet_groups::checked(cx, &input.subnet_ids)?;
        let tags = super::tags::checked(cx, input.tags.as_deref().unwrap_or_default())?;
        let present = subnet_groups::all(cx);
        if present.contains_key(&name) {
            return Err(faults::subnet_group_exists(&name));
        }
        quotas::SUBNET_GROUPS.check(cx, present.len() + 1)?;
        Ok(vec![Command::SetSubnetGroup(Box::new(SubnetGroup { name, description, subnets, tags }))])
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<SubnetGroupResult, Fault> {
        SubnetGroupResult::of(cx, &input.cache_subnet_group_name)
    }
}
