//! What the three operations on tags and the operations that create something share.

use crate::lookup::Lookup;
use crate::shapes::Tag;
use crate::{Cx, faults, model, parameter_groups, quotas, subnet_groups};
use aws_protocol::Fault;
use fleet::{Command, Deployment, DeploymentId, Member, ParameterGroup, SubnetGroup};
use std::collections::BTreeMap;

/// Whose tags.
pub(super) enum Tagged<'a> {
    /// A deployment's; of a group its members get and lose them too.
    Deployment(&'a Deployment),
    /// A member's of a group, as a cache cluster.
    Member(&'a Deployment, &'a Member),
    /// A subnet group's.
    SubnetGroup(SubnetGroup),
    /// A parameter group's.
    ParameterGroup(ParameterGroup),
    /// What is the same for everybody has none.
    Default,
}

impl<'a> Tagged<'a> {
    /// The tags that it has.
    pub(super) fn tags(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        match self {
            Tagged::Deployment(deployment) => &deployment.tags,
            Tagged::Member(_, member) => &member.tags,
            Tagged::SubnetGroup(group) => &group.tags,
            Tagged::ParameterGroup(group) => &group.tags,
            Tagged::Default => &NONE,
        }
    }

    /// The commands that give it tags.
    pub(super) fn add(&self, cx: &Cx<'_>, tags: &BTreeMap<String, String>) -> Result<Vec<Command>, Fault> {
        let with = |before: &BTreeMap<String, String>| {
            let mut all = before.clone();
            all.extend(tags.clone());
            within_quota(cx, all)
        };
        if let Some(command) = self.whole(with(self.tags())?) {
            return Ok(vec![command]);
        }
        let place = |(id, member, before): Place<'_>| {
            with(before)?;
            Ok(Command::Tag { id, member, tags: tags.clone() })
        };
        self.with_members()?.into_iter().map(place).collect()
    }

    /// The commands that take tags from it.
    pub(super) fn remove(&self, keys: &[String]) -> Result<Vec<Command>, Fault> {
        let mut rest = self.tags().clone();
        rest.retain(|key, _| !keys.contains(key));
        if let Some(command) = self.whole(rest) {
            return Ok(vec![command]);
        }
        let place = |(id, member, _): Place<'_>| Command::Untag { id, member, keys: keys.to_vec() };
        Ok(self.with_members()?.into_iter().map(place).collect())
    }

    /// The command that puts what is kept as a whole in its place, with other tags.
    fn whole(&self, tags: BTreeMap<String, String>) -> Option<Command> {
        match self {
            Tagged::SubnetGroup(group) => {
                Some(Command::SetSubnetGroup(Box::new(SubnetGroup { tags, ..group.clone() })))
            }
            Tagged::ParameterGroup(group) => {
                Some(Command::SetParameterGroup(Box::new(ParameterGroup { tags, ..group.clone() })))
            }
            Tagged::Deployment(_) | Tagged::Member(..) | Tagged::Default => None,
        }
    }

    /// Everything whose tags change with these: the deployment, the member's name, the tags.
    fn with_members(&self) -> Result<Vec<Place<'a>>, Fault> {
        match self {
            Tagged::Deployment(deployment) => {
                let own = (deployment.id.clone(), None, &deployment.tags);
                let is_group = matches!(deployment.id, DeploymentId::Group(_));
                let members = deployment
                    .members()
                    .filter(|_| is_group)
                    .map(|(_, member)| (deployment.id.clone(), Some(member.name.clone()), &member.tags));
                Ok(std::iter::once(own).chain(members).collect())
            }
            Tagged::Member(deployment, member) => {
                Ok(vec![(deployment.id.clone(), Some(member.name.clone()), &member.tags)])
            }
            Tagged::SubnetGroup(_) | Tagged::ParameterGroup(_) => Ok(Vec::new()),
            Tagged::Default => {
                Err(faults::value("Tags of default parameter groups are not supported by Engram yet."))
            }
        }
    }
}

/// A bearer of tags, as commands name it.
type Place<'a> = (DeploymentId, Option<String>, &'a BTreeMap<String, String>);

/// The tags of a request, checked by the rules for keys and values.
pub(super) fn checked(cx: &Cx<'_>, tags: &[Tag]) -> Result<BTreeMap<String, String>, Fault> {
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
        if !key.chars().all(is_allowed) || !value.chars().all(is_allowed) {
            return Err(faults::value(format!(
                "The tag {key} is not valid: keys and values have letters, digits, spaces, and any of _ . : / = + - @."
            )));
        }
        if key.to_lowercase().starts_with("aws:") {
            return Err(faults::value("Tag keys that begin with aws: are reserved."));
        }
        if checked.insert(key.clone(), value).is_some() {
            return Err(faults::value(format!("The tag key {key} is given twice.")));
        }
    }
    within_quota(cx, checked)
}

/// The characters of the guide's page on tags: those of any language, and some signs.
fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c)
}

/// Refuses more tags than a resource can have.
fn within_quota(cx: &Cx<'_>, tags: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Fault> {
    quotas::TAGS_PER_RESOURCE.check(cx, tags.len())?;
    Ok(tags)
}

/// What an ARN of this account and region names, if its tags can be seen and changed now.
pub(super) fn find<'a>(cx: &Cx<'a>, arn: &str) -> Result<Tagged<'a>, Fault> {
    // Texts as the service answers. Who it expects at the beginning of all, nobody has seen it say.
    let parts: Vec<&str> = arn.split(':').collect();
    let [scheme, partition, service, region, account, kind, name] = parts[..] else {
        return Err(faults::invalid_arn("Input ARN string does not have 7 components."));
    };
    for (field, value, expected) in
        [("scheme", scheme, "arn"), ("partition", partition, "aws"), ("service", service, "elasticache")]
    {
        if value != expected {
            return Err(faults::invalid_arn(format!("{field} field is wrong. Expected value is {expected}")));
        }
    }
    if region != cx.region || account != cx.account {
        return Err(faults::value("Unauthorized call. Please check the region or customer id"));
    }
    let available = |status: &str, found: Tagged<'a>| match status {
        "available" => Ok(found),
        _ => Err(faults::not_to_be_tagged()),
    };
    match kind {
        "replicationgroup" => {
            let group = cx.group(name)?;
            available(group.status(), Tagged::Deployment(group))
        }
        "cluster" => {
            let (deployment, _, member) = cx.cluster(name)?;
            match deployment.id {
                DeploymentId::Group(_) => {
                    available(member.status(deployment), Tagged::Member(deployment, member))
                }
                DeploymentId::Cluster(_) => available(deployment.status(), Tagged::Deployment(deployment)),
            }
        }
        "parametergroup" => match parameter_groups::find(cx, name) {
            Some(group) if group.is_default => Ok(Tagged::Default),
            Some(group) => Ok(Tagged::ParameterGroup(group.kept)),
            None => Err(faults::parameter_group_not_present(name)),
        },
        "subnetgroup" => subnet_groups::existing(cx, name).map(Tagged::SubnetGroup),
        "snapshot" => Err(model::SnapshotNotFoundFault.because(format!("Snapshot {name} not found."))),
        "user" => Err(model::UserNotFoundFault.because(format!("User {name} not found."))),
        "usergroup" => Err(model::UserGroupNotFoundFault.because(format!("User group {name} not found."))),
        "serverlesscache" => {
            Err(model::ServerlessCacheNotFoundFault.because(format!("Serverless cache {name} not found.")))
        }
        "reserved-instance" => {
            Err(model::ReservedCacheNodeNotFoundFault
                .because(format!("Reserved cache node {name} not found.")))
        }
        _ => Err(faults::invalid_arn(format!("The ARN {arn} is not valid."))),
    }
}

/// As answers list them.
pub(super) fn listed(tags: &BTreeMap<String, String>) -> aws_protocol::Members<Tag> {
    tags.iter().map(|(key, value)| Tag { key: key.clone(), value: Some(value.clone()) }).collect()
}
