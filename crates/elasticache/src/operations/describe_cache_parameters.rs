//! `DescribeCacheParameters`: the parameters of a group.

use super::parameter_list::{self, List, Parameter, Specific};
use crate::parameters;
use crate::{Cx, Operation, faults, parameter_groups};
use aws_protocol::{Fault, Members};
use serde::{Deserialize, Serialize};

pub(crate) struct DescribeCacheParameters;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_parameter_group_name: String,
    source: Option<String>,
    max_records: Option<i32>,
    marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    marker: Option<String>,
    parameters: Members<Parameter>,
    cache_node_type_specific_parameters: Members<Specific>,
}

impl Operation for DescribeCacheParameters {
    const NAME: &'static str = "DescribeCacheParameters";
    type Input = Input;
    type Output = Output;

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let group = parameter_groups::described(cx, &input.cache_parameter_group_name)?;
        let set_by_user =
            |row: &&parameters::Parameter| !group.is_default && group.kept.values.contains_key(row.name);
        let mut rows = group.rows();
        match input.source.as_deref().filter(|source| !source.is_empty()) {
            None => {}
            Some("user") => rows.retain(set_by_user),
            Some("system") => rows.retain(|row| !set_by_user(row)),
            // The service's own root group, which is nobody's.
            Some("engine-default") => rows.clear(),
            Some(source) => {
                return Err(faults::value(format!(
                    "Invalid value {source} for Source. Must be one of user, system, engine-default"
                )));
            }
        }
        let List { marker, parameters, cache_node_type_specific_parameters } =
            parameter_list::page(Self::NAME, rows, Some(&group), input.marker.as_deref(), input.max_records)?;
        Ok(Output { marker, parameters, cache_node_type_specific_parameters })
    }
}
