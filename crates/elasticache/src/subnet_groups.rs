//! Subnet groups: which zones nodes may be in.
//!
//! ```text
//!   subnet-0bb1c79de3EXAMPLE ─ is no id
//!   subnet-00000004 ─ the number 4 ─ remainder by the number of zones, 1 ─ us-east-1b      VPC: vpc-00000000, of all
//! ```
//! Engram has no EC2, so nobody makes subnets: every well-formed id names one, and the id alone decides its zone. A host is one
//! network, so all subnets are of one VPC. The same id is thus the same subnet after every start and on every host.
//!
//! The default group has a subnet in each zone. It is always there, and kept only once it was changed.
//!
//! **Invariant:** a member is in a zone of its group: new ones are placed in those zones, and a zone that has a member stays in the group.

use crate::lookup::Lookup;
use crate::shapes::arn;
use crate::{Cx, faults, names, quotas};
use aws_protocol::{Fault, Item, Members};
use fleet::{SubnetGroup, placement};
use serde::Serialize;
use std::collections::BTreeMap;

/// The network that everything is in.
const VPC: &str = "vpc-00000000";

/// The group that is always there.
pub(crate) const DEFAULT: &str = SubnetGroup::DEFAULT;

/// All groups of the region by their names.
pub(crate) fn all(cx: &Cx<'_>) -> BTreeMap<String, SubnetGroup> {
    let kept = cx.here().map(|region| region.subnet_groups.clone()).unwrap_or_default();
    let mut all = BTreeMap::from([(DEFAULT.to_owned(), SubnetGroup::default_of(cx.region))]);
    all.extend(kept);
    all
}

/// A group by its name in lower case.
pub(crate) fn find(cx: &Cx<'_>, name: &str) -> Option<SubnetGroup> {
    let kept = cx.here().and_then(|region| region.subnet_groups.get(name)).cloned();
    kept.or_else(|| (name == DEFAULT).then(|| SubnetGroup::default_of(cx.region)))
}

/// The zones that a group has subnets in, in the order of the region.
pub(crate) fn zones(region: &str, group: &SubnetGroup) -> Vec<String> {
    let covered: Vec<String> = group.subnets.iter().filter_map(|id| zone(region, id)).collect();
    placement::zones(region).into_iter().filter(|zone| covered.contains(zone)).collect()
}

/// The zone of a subnet; `None` if nothing has such an id. Ids have 8 or 17 hexadecimal digits, as EC2's have.
fn zone(region: &str, id: &str) -> Option<String> {
    let digits = id.strip_prefix("subnet-")?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if !matches!(digits.len(), 8 | 17) || !digits.bytes().all(is_digit) {
        return None;
    }
    let zones = placement::zones(region);
    let number = u128::from_str_radix(digits, 16).ok()?;
    zones.get((number % zones.len() as u128) as usize).cloned()
}

/// The subnets of a call, each once.
pub(crate) fn checked(cx: &Cx<'_>, ids: &[String]) -> Result<Vec<String>, Fault> {
    if ids.is_empty() {
        return Err(faults::value("The parameter SubnetIds must be provided."));
    }
    let unknown: Vec<&str> =
        ids.iter().filter(|id| zone(cx.region, id).is_none()).map(String::as_str).collect();
    if !unknown.is_empty() {
        // Text as the service answers.
        return Err(faults::value(format!("Some input subnets in :[{}] are invalid.", unknown.join(", "))));
    }
    let mut once: Vec<String> = Vec::with_capacity(ids.len());
    for id in ids {
        if !once.contains(id) {
            once.push(id.clone());
        }
    }
    quotas::SUBNETS_PER_GROUP.check(cx, once.len())?;
    Ok(once)
}

/// The names of members that are in a group, with their zones.
pub(crate) fn members<'a>(cx: &Cx<'a>, name: &str) -> Vec<(&'a str, &'a str)> {
    let Some(region) = cx.here() else { return Vec::new() };
    let of_the_group =
        region.cache_clusters().into_values().filter(|found| found.0.settings.subnet_group == name);
    of_the_group.map(|(_, _, member)| (member.name.as_str(), member.availability_zone.as_str())).collect()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CacheSubnetGroup {
    pub(crate) cache_subnet_group_name: String,
    cache_subnet_group_description: String,
    vpc_id: &'static str,
    subnets: Members<Subnet>,
    #[serde(rename = "ARN")]
    arn: String,
    supported_network_types: Members<String>,
}

impl Item for CacheSubnetGroup {
    const NAME: &'static str = "CacheSubnetGroup";
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Subnet {
    subnet_identifier: String,
    subnet_availability_zone: Zone,
    supported_network_types: Members<String>,
}

impl Item for Subnet {
    const NAME: &'static str = "Subnet";
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Zone {
    name: String,
}

impl CacheSubnetGroup {
    /// A group as answers show it.
    pub(crate) fn of(cx: &Cx<'_>, group: &SubnetGroup) -> CacheSubnetGroup {
        let ipv4 = || std::iter::once("ipv4".to_owned()).collect();
        let subnet = |id: &String| {
            let name = zone(cx.region, id)?;
            Some(Subnet {
                subnet_identifier: id.clone(),
                subnet_availability_zone: Zone { name },
                supported_network_types: ipv4(),
            })
        };
        CacheSubnetGroup {
            cache_subnet_group_name: group.name.clone(),
            cache_subnet_group_description: group.description.clone(),
            vpc_id: VPC,
            subnets: group.subnets.iter().filter_map(subnet).collect(),
            arn: arn(cx, "subnetgroup", &group.name),
            supported_network_types: ipv4(),
        }
    }
}

/// The result of what makes or changes a group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SubnetGroupResult {
    cache_subnet_group: CacheSubnetGroup,
}

impl SubnetGroupResult {
    /// The group as it is behind the call.
    pub(crate) fn of(cx: &Cx<'_>, name: &str) -> Result<SubnetGroupResult, Fault> {
        let group = existing(cx, name)?;
        Ok(SubnetGroupResult { cache_subnet_group: CacheSubnetGroup::of(cx, &group) })
    }
}

/// A group that a call describes or changes.
pub(crate) fn existing(cx: &Cx<'_>, name: &str) -> Result<SubnetGroup, Fault> {
    let name = names::subnet_group(name)?;
    find(cx, &name).ok_or_else(|| faults::no_such_subnet_group(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_alone_decides_the_zone() {
        for (id, expected) in [
            ("subnet-00000000", Some("ra")),
            ("subnet-00000004", Some("rb")),
            ("subnet-0bb1c79de3000000f", Some("ra")),
            ("subnet-0bb1c79de30000011", Some("rc")),
            ("subnet-0bb1c79de3EXAMPLE", None),
            ("subnet-0000000", None),
            ("subnet-0000000+1", None),
            ("vpc-00000000", None),
        ] {
            assert_eq!(zone("r", id).as_deref(), expected, "{id}");
        }
    }
}
