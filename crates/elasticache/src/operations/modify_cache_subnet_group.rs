//! `ModifyCacheSubnetGroup`: another description, or other subnets in place of those there are.

use crate::subnet_groups::{self, SubnetGroupResult};
use crate::{Cx, Operation, faults, names};
use aws_protocol::Fault;
use fleet::Command;
use serde::Deserialize;

pub(crate) struct ModifyCacheSubnetGroup;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_subnet_group_name: String,
    cache_subnet_group_description: Option<String>,
    subnet_ids: Option<Vec<String>>,
}

impl Operation for ModifyCacheSubnetGroup {
    const NAME: &'static str = "ModifyCacheSubnetGroup";
    type Input = Input;
    type Output = SubnetGroupResult;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let mut group = subnet_groups::existing(cx, &input.cache_subnet_group_name)?;
        if let Some(text) = &input.cache_subnet_group_description {
            group.description = names::description("CacheSubnetGroupDescription", text)?;
        }
        if let Some(ids) = &input.subnet_ids {
            group.subnets = subnet_groups::checked(cx, ids)?;
        }
        let zones = subnet_groups::zones(cx.region, &group);
        let members = subnet_groups::members(cx, &group.name);
        match members.into_iter().find(|(_, zone)| !zones.iter().any(|other| other == zone)) {
            Some((member, zone)) => Err(faults::subnet_in_use(zone, member)),
            None => Ok(vec![Command::SetSubnetGroup(Box::new(group))]),
        }
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<SubnetGroupResult, Fault> {
        SubnetGroupResult::of(cx, &input.cache_subnet_group_name)
    }
}
