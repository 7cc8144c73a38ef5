//! `RemoveTagsFromResource`

use super::tags;
use crate::shapes::Tag;
use crate::{Cx, Operation, faults};
use aws_protocol::{Fault, Members};
use fleet::Command;
use serde::{Deserialize, Serialize};

pub(crate) struct RemoveTagsFromResource;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    resource_name: String,
    tag_keys: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    tag_list: Members<Tag>,
}

impl Operation for RemoveTagsFromResource {
    const NAME: &'static str = "RemoveTagsFromResource";
    type Input = Input;
    type Output = Output;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let found = tags::find(cx, &input.resource_name)?;
        if let Some(missing) = input.tag_keys.iter().find(|key| !found.tags().contains_key(*key)) {
            return Err(faults::tag_not_found(missing));
        }
        found.remove(&input.tag_keys)
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        Ok(Output { tag_list: tags::listed(tags::find(cx, &input.resource_name)?.tags()) })
    }
}
