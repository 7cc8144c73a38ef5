//! `ListTagsForResource`

use super::tags;
use crate::shapes::Tag;
use crate::{Cx, Operation};
use aws_protocol::{Fault, Members};
use serde::{Deserialize, Serialize};

pub(crate) struct ListTagsForResource;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    resource_name: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    tag_list: Members<Tag>,
}

impl Operation for ListTagsForResource {
    const NAME: &'static str = "ListTagsForResource";
    type Input = Input;
    type Output = Output;

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        Ok(Output { tag_list: tags::listed(tags::find(cx, &input.resource_name)?.tags()) })
    }
}
