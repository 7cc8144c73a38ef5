//! `DeleteCacheSubnetGroup`: of a group that nothing is in.

use crate::lookup::Lookup;
use crate::subnet_groups::{self, DEFAULT};
use crate::{Cx, Operation, faults, names};
use aws_protocol::Fault;
use fleet::Command;
use serde::Deserialize;

pub(crate) struct DeleteCacheSubnetGroup;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_subnet_group_name: String,
}

impl Operation for DeleteCacheSubnetGroup {
    const NAME: &'static str = "DeleteCacheSubnetGroup";
    type Input = Input;
    type Output = ();

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let name = names::subnet_group(&input.cache_subnet_group_name)?;
        cx.subnet_group(Some(&name))?;
        if name == DEFAULT {
            return Err(faults::value("The default cache subnet group cannot be deleted."));
        }
        match subnet_groups::members(cx, &name).is_empty() {
            true => Ok(vec![Command::DeleteSubnetGroup { name }]),
            false => Err(faults::subnet_group_in_use(&name)),
        }
    }

    fn answer(_: &Cx<'_>, _: &Input) -> Result<(), Fault> {
        Ok(())
    }
}
