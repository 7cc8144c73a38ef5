//! `DescribeCacheParameters`: the parameters of a group.

use super::parameter_list::{self, List, SOURCE};
use crate::{Cx, Operation, catalogue, faults, parameters};
use aws_protocol::Fault;
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
    #[serde(flatten)]
    list: List,
}

impl Operation for DescribeCacheParameters {
    const NAME: &'static str = "DescribeCacheParameters";
    type Input = Input;
    type Output = Output;

    fn answer(_: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        let name = &input.cache_parameter_group_name;
        let family = catalogue::family_of(name).filter(|_| catalogue::has_parameter_group(name));
        let rows = family.and_then(parameters::of_family);
        let mut rows = rows.ok_or_else(|| faults::parameter_group_not_found(name))?;
        match input.source.as_deref().filter(|source| !source.is_empty()) {
            None | Some(SOURCE) => {}
            // A default group has nothing that a user has set.
            Some("user" | "engine-default") => rows.clear(),
            Some(source) => {
                return Err(faults::value(format!(
                    "Invalid value {source} for Source. Must be one of user, system, engine-default"
                )));
            }
        }
        let is_for_cluster_mode = name.to_lowercase().ends_with(".cluster.on");
        let marker = input.marker.as_deref();
        let (list, marker) = parameter_list::page(rows, is_for_cluster_mode, marker, input.max_records)?;
        Ok(Output { marker, list })
    }
}
