//! `ModifyCacheParameterGroup`: values of up to 20 parameters. Running nodes of the group are given them at once.

use crate::parameter_groups::{self, NameResult, NamedValue};
use crate::{Cx, Operation, faults};
use aws_protocol::Fault;
use fleet::Command;
use serde::Deserialize;

pub(crate) struct ModifyCacheParameterGroup;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_parameter_group_name: String,
    parameter_name_values: Vec<NamedValue>,
}

impl Operation for ModifyCacheParameterGroup {
    const NAME: &'static str = "ModifyCacheParameterGroup";
    type Input = Input;
    type Output = NameResult;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let mut group = parameter_groups::changeable(cx, &input.cache_parameter_group_name)?;
        if input.parameter_name_values.is_empty() {
            return Err(faults::value("The parameter ParameterNameValues must be provided."));
        }
        for (row, value) in parameter_groups::named(cx, &group, &input.parameter_name_values)? {
            let value = value.unwrap_or_default();
            parameter_groups::check(&group.family, row, value)?;
            group.values.insert(row.name.to_owned(), value.to_owned());
        }
        Ok(parameter_groups::change(cx, group))
    }

    fn answer(_: &Cx<'_>, input: &Input) -> Result<NameResult, Fault> {
        NameResult::of(&input.cache_parameter_group_name)
    }
}
