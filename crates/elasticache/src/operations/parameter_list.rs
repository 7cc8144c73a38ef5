//! Parameters, as answers list them.

use crate::parameters::{Default, Parameter as Row};
use crate::{catalogue, paging};
use aws_protocol::{Fault, Item, Members};
use serde::Serialize;

/// A page of parameters: first those that are the same on all node types, then the others.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    pub(super) parameters: Members<Parameter>,
    pub(super) cache_node_type_specific_parameters: Members<Specific>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Parameter {
    parameter_name: &'static str,
    parameter_value: Option<&'static str>,
    source: &'static str,
    data_type: &'static str,
    allowed_values: Option<&'static str>,
    is_modifiable: bool,
    minimum_engine_version: &'static str,
    change_type: &'static str,
}

impl Item for Parameter {
    const NAME: &'static str = "Parameter";
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Specific {
    parameter_name: &'static str,
    source: &'static str,
    data_type: &'static str,
    allowed_values: Option<&'static str>,
    is_modifiable: bool,
    minimum_engine_version: &'static str,
    cache_node_type_specific_values: Members<Value>,
    change_type: &'static str,
}

impl Item for Specific {
    const NAME: &'static str = "CacheNodeTypeSpecificParameter";
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Value {
    cache_node_type: &'static str,
    value: String,
}

impl Item for Value {
    const NAME: &'static str = "CacheNodeTypeSpecificValue";
}

/// One page, with the marker of the next. In a group for cluster mode, `cluster-enabled` is on.
pub(super) fn page(
    rows: Vec<&'static Row>,
    for_cluster_mode: bool,
    marker: Option<&str>,
    max_records: Option<i32>,
) -> Result<(List, Option<String>), Fault> {
    let (rows, next) = paging::page(rows, |row| row.name.to_owned(), marker, max_records)?;
    let shown = |text: &'static str| (!text.is_empty()).then_some(text);
    let mut list =
        List { parameters: Members::default(), cache_node_type_specific_parameters: Members::default() };
    for row in rows {
        match row.default {
            Default::Is(default) => list.parameters.0.push(Parameter {
                parameter_name: row.name,
                parameter_value: match row.name {
                    "cluster-enabled" if for_cluster_mode => Some("yes"),
                    _ => shown(default),
                },
                source: SOURCE,
                data_type: row.data_type,
                allowed_values: shown(row.allowed),
                is_modifiable: row.is_modifiable,
                minimum_engine_version: row.since,
                change_type: row.change,
            }),
            default => list.cache_node_type_specific_parameters.0.push(Specific {
                parameter_name: row.name,
                source: SOURCE,
                data_type: row.data_type,
                allowed_values: shown(row.allowed),
                is_modifiable: row.is_modifiable,
                minimum_engine_version: row.since,
                cache_node_type_specific_values: catalogue::node_types()
                    .iter()
                    .filter_map(|one| Some(Value { cache_node_type: one.name, value: default.on(one)? }))
                    .collect(),
                change_type: row.change,
            }),
        }
    }
    Ok((list, next))
}

/// Where a value comes from that no user has set.
pub(super) const SOURCE: &str = "system";
