//! `DescribeEngineDefaultParameters`: the parameters of a family.

use super::parameter_list::{self, List};
use crate::{Cx, Operation, faults, parameters};
use aws_protocol::Fault;
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
    #[serde(flatten)]
    list: List,
}

impl Operation for DescribeEngineDefaultParameters {
    const NAME: &'static str = "DescribeEngineDefaultParameters";
    type Input = Input;
    type Output = Output;

    fn answer(_: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let family = input.cache_parameter_group_family.to_lowercase();
        let rows = parameters::of_family(&family).ok_or_else(|| {
            faults::value(format!(
                "CacheParameterGroupFamily {family} is not a valid parameter group family."
            ))
        })?;
        let (list, marker) = parameter_list::page(rows, false, input.marker.as_deref(), input.max_records)?;
        Ok(Output { engine_defaults: EngineDefaults { cache_parameter_group_family: family, marker, list } })
    }
}
