//! What the three operations on tags, and those that make something, have in common.

use crate::shapes::Tag;
use crate::{Cx, faults};
use aws_protocol::Fault;
use fleet::DeploymentId;
use std::collections::BTreeMap;

/// Tags of one resource.
const MAX_TAGS: usize = 50;

/// Whose tags: a deployment's, or those of a member of a group.
pub(super) struct Tagged<'a> {
    pub(super) id: DeploymentId,
    pub(super) member: Option<String>,
    pub(super) tags: &'a BTreeMap<String, String>,
}

/// The tags of a request, checked by the rules for keys and values.
pub(super) fn checked(tags: &[Tag]) -> Result<BTreeMap<String, String>, Fault> {
    let mut checked = BTreeMap::new();
    for Tag { key, value } in tags {
        let value = value.clone().unwrap_or_default();
        if key.is_empty() || key.chars().count() > 128 {
            return Err(faults::value(format!(
                "The tag key {key} is not valid: it has 1 to 128 characters."
            )));
        }
        if value.chars().count() > 256 {
            let text = format!("The value of the tag {key} is not valid: it has up to 256 characters.");
            return Err(faults::value(text));
        }
        if key.to_lowercase().starts_with("aws:") {
            return Err(faults::value("Tag keys that begin with aws: are reserved."));
        }
        if checked.insert(key.clone(), value).is_some() {
            return Err(faults::value(format!("The tag key {key} is given twice.")));
        }
    }
    within_quota(checked)
}

/// Refuses more tags than a resource can have.
pub(super) fn within_quota(tags: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Fault> {
    if tags.len() > MAX_TAGS { Err(faults::tag_quota()) } else { Ok(tags) }
}

/// What an ARN of this account and region names.
pub(super) fn find<'a>(cx: &Cx<'a>, arn: &str) -> Result<Tagged<'a>, Fault> {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", "aws", "elasticache", region, account, kind, name] = parts[..] else {
        return Err(faults::invalid_arn(arn));
    };
    if region != cx.region || account != cx.account {
        return Err(faults::invalid_arn(arn));
    }
    match kind {
        "replicationgroup" => {
            let group = cx.group(name)?;
            Ok(Tagged { id: group.id.clone(), member: None, tags: &group.tags })
        }
        "cluster" => {
            let (deployment, _, member) = cx.cluster(name)?;
            Ok(match deployment.id {
                DeploymentId::Group(_) => Tagged {
                    id: deployment.id.clone(),
                    member: Some(member.name.clone()),
                    tags: &member.tags,
                },
                DeploymentId::Cluster(_) => {
                    Tagged { id: deployment.id.clone(), member: None, tags: &deployment.tags }
                }
            })
        }
        // Others have no tags here, since there are only the defaults, if any.
        "parametergroup" => Err(faults::parameter_group_not_found(name)),
        "subnetgroup" => Err(faults::subnet_group_not_found(name)),
        "snapshot" => Err(Fault::sender("SnapshotNotFoundFault", 404, format!("Snapshot {name} not found."))),
        "user" => Err(Fault::sender("UserNotFound", 404, format!("User {name} not found."))),
        "usergroup" => Err(Fault::sender("UserGroupNotFound", 404, format!("User group {name} not found."))),
        "serverlesscache" => {
            let text = format!("Serverless cache {name} not found.");
            Err(Fault::sender("ServerlessCacheNotFoundFault", 404, text))
        }
        "reserved-instance" => {
            let text = format!("Reserved cache node {name} not found.");
            Err(Fault::sender("ReservedCacheNodeNotFound", 404, text))
        }
        _ => Err(faults::invalid_arn(arn)),
    }
}

/// As answers list them.
pub(super) fn listed(tags: &BTreeMap<String, String>) -> aws_protocol::Members<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: Some(value.clone()) }).collect()
}
