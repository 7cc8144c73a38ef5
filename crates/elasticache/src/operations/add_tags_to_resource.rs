//! `AddTagsToResource`

use super::tags;
use crate::shapes::Tag;
use crate::{Cx, Operation};
use aws_protocol::{Fault, Members};
use fleet::Command;
use serde::{Deserialize, Serialize};

pub(crate) struct AddTagsToResource;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    resource_name: String,
    tags: Vec<Tag>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    tag_list: Members<Tag>,
}

impl Operation for AddTagsToResource {
    const NAME: &'static str = "AddTagsToResource";
    type Input = Input;
    type Output = Output;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let found = tags::find(cx, &input.resource_name)?;
        let tags = tags::checked(cx, &input.tags)?;
        found.add(cx, &tags)
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        Ok(Output { tag_list: tags::listed(tags::find(cx, &input.resource_name)?.tags()) })
    }
}
