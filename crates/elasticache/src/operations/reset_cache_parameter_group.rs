//! `ResetCacheParameterGroup`: some parameters, or all, have the family's defaults again.

use crate::parameter_groups::{self, NameResult, NamedValue};
use crate::{Cx, Operation, faults};
use aws_protocol::Fault;
use fleet::Command;
use serde::Deserialize;

pub(crate) struct ResetCacheParameterGroup;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_parameter_group_name: String,
    reset_all_parameters: Option<bool>,
    parameter_name_values: Option<Vec<NamedValue>>,
}

impl Operation for ResetCacheParameterGroup {
    const NAME: &'static str = "ResetCacheParameterGroup";
    type Input = Input;
    type Output = NameResult;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let mut group = parameter_groups::changeable(cx, &input.cache_parameter_group_name)?;
        let given = input.parameter_name_values.as_deref().unwrap_or_default();
        match (input.reset_all_parameters == Some(true), given.is_empty()) {
            (true, true) => {
                for name in group.values.keys() {
                    parameter_groups::check_may_change(cx, &group, name)?;
                }
                group.values.clear();
            }
            (true, false) => {
                return Err(faults::combination(
                    "ParameterNameValues cannot be specified when ResetAllParameters is true.",
                ));
            }
            (false, true) => {
                return Err(faults::combination(
                    "Either ResetAllParameters or ParameterNameValues must be specified.",
                ));
            }
            (false, false) => {
                for (row, _) in parameter_groups::named(cx, &group, given)? {
                    group.values.remove(row.name);
                }
            }
        }
        Ok(parameter_groups::change(cx, group))
    }

    fn answer(_: &Cx<'_>, input: &Input) -> Result<NameResult, Fault> {
        NameResult::of(&input.cache_parameter_group_name)
    }
}
