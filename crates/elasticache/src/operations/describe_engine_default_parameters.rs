//! `DescribeEngineDefaultParameters`: the parameters of a family.

use super::parameter_list::{self, List, Parameter, Specific};
use crate::{Cx, Operation, faults, parameters};
use aws_protocol::{Fault, Members};
use serde::{Deserialize, Serialize};

pub(crate) struct DescribeEngineDefaultParameters;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_parameter_group_family: String,
    max_records: Option<i32>,
    marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    engine_defaults: EngineDefaults,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct EngineDefaults {
    cache_parameter_group_family: String,
    marker: Option<String>,
    parameters: Members<Parameter>,
    cache_node_type_specific_parameters: Members<Specific>,
}

impl Operation for DescribeEngineDefaultParameters {
    const NAME: &'static str = "DescribeEngineDefaultParameters";
    type Input = Input;
    type Output = Output;

    fn answer(_: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let family = input.cache_parameter_group_family.to_ascii_lowercase();
        let rows = parameters::of_family(&family);
        let rows = rows.ok_or_else(|| faults::no_such_family(&input.cache_parameter_group_family))?;
        let List { marker, parameters, cache_node_type_specific_parameters } =
            parameter_list::page(Self::NAME, rows, None, input.marker.as_deref(), input.max_records)?;
        Ok(Output {
            engine_defaults: EngineDefaults {
                cache_parameter_group_family: family,
                marker,
                parameters,
                cache_node_type_specific_parameters,
            },
        })
    }
}
