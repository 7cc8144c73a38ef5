//! `GetCallerIdentity`: the account's root, since its is the only access key.

use aws_operations::{Cx, Operation};
use aws_protocol::Fault;
use serde::{Deserialize, Serialize};

pub(crate) struct GetCallerIdentity;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    user_id: String,
    account: String,
    arn: String,
}

impl Operation for GetCallerIdentity {
    const NAME: &'static str = "GetCallerIdentity";
    type Input = Input;
    type Output = Output;

    fn answer(cx: &Cx<'_>, _: &Input) -> Result<Output, Fault> {
        let account = cx.account.to_owned();
        Ok(Output { user_id: account.clone(), arn: format!("arn:aws:iam::{account}:root"), account })
    }
}
