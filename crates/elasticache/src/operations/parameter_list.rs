//! Parameters, as answers list them.

use crate::parameter_groups::Group;
use crate::parameters::{Default, Parameter as Row};
use crate::{catalogue, paging};
use aws_protocol::{Fault, Item, Members};
use serde::Serialize;

/// A page of parameters: first those that are the same on all node types, then the others.
#[derive(Debug)]
pub(super) struct List {
    pub(super) parameters: Members<Parameter>,
    pub(super) cache_node_type_specific_parameters: Members<Specific>,
    pub(super) marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Parameter {
    parameter_name: &'static str,
    parameter_value: Option<String>,
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

/// One page of an operation: of a group, or of what its family begins with.
pub(super) fn page(
    operation: &str,
    rows: Vec<&'static Row>,
    group: Option<&Group>,
    marker: Option<&str>,
    max_records: Option<i32>,
) -> Result<List, Fault> {
    let (rows, next) = paging::page(operation, rows, |row| row.name.to_owned(), marker, max_records)?;
    let shown = |text: &'static str| (!text.is_empty()).then_some(text);
    let mut list = List {
        parameters: Members::default(),
        cache_node_type_specific_parameters: Members::default(),
        marker: next,
    };
    for row in rows {
        let own = group.and_then(|group| group.kept.values.get(row.name)).map(String::as_str);
        let source = match (own, group) {
            (Some(_), Some(group)) if !group.is_default => "user",
            _ => "system",
        };
        match row.default {
            Default::Is(default) => list.parameters.0.push(Parameter {
                parameter_name: row.name,
                parameter_value: own.or(shown(default)).map(str::to_owned),
                source,
                data_type: row.data_type,
                allowed_values: shown(row.allowed),
                is_modifiable: row.is_modifiable,
                minimum_engine_version: row.since,
                change_type: row.change,
            }),
            default => list.cache_node_type_specific_parameters.0.push(Specific {
                parameter_name: row.name,
                source,
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
    Ok(list)
}
