//! `DeleteCacheParameterGroup`: of a group that nothing uses.

use crate::parameter_groups;
use crate::{Cx, Operation, faults};
use aws_protocol::Fault;
use fleet::Command;
use serde::Deserialize;

pub(crate) struct DeleteCacheParameterGroup;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_parameter_group_name: String,
}

impl Operation for DeleteCacheParameterGroup {
    const NAME: &'static str = "DeleteCacheParameterGroup";
    type Input = Input;
    type Output = ();

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let asked = &input.cache_parameter_group_name;
        parameter_groups::named_at_all(asked)?;
        let group = parameter_groups::find(cx, asked);
        let group = group.ok_or_else(|| faults::parameter_group_to_delete_not_found(asked))?;
        let name = group.kept.name;
        if group.is_default {
            let text = format!("The parameter group {name} is a default group and cannot be deleted.");
            return Err(faults::value(text));
        }
        match parameter_groups::users(cx, &name).is_empty() {
            true => Ok(vec![Command::DeleteParameterGroup { name }]),
            false => Err(faults::parameter_group_in_use(&name)),
        }
    }

    fn answer(_: &Cx<'_>, _: &Input) -> Result<(), Fault> {
        Ok(())
    }
}
