//! `DescribeCacheSubnetGroups`: the default one, with a subnet in each zone.

use crate::shapes::arn;
use crate::{Cx, Operation, faults, paging};
use aws_protocol::{Fault, Item, Members};
use fleet::placement;
use serde::{Deserialize, Serialize};

/// The network that everything of a host is in.
const VPC: &str = "vpc-00000000";

/// The only one.
pub(super) const DEFAULT: &str = "default";

pub(crate) struct DescribeCacheSubnetGroups;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    cache_subnet_group_name: Option<String>,
    max_records: Option<i32>,
    marker: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Output {
    marker: Option<String>,
    cache_subnet_groups: Members<CacheSubnetGroup>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct CacheSubnetGroup {
    cache_subnet_group_name: &'static str,
    cache_subnet_group_description: &'static str,
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

impl Operation for DescribeCacheSubnetGroups {
    const NAME: &'static str = "DescribeCacheSubnetGroups";
    type Input = Input;
    type Output = Output;

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<Output, Fault> {
        if let Some(name) = input.cache_subnet_group_name.as_deref().filter(|name| !name.is_empty())
            && !name.eq_ignore_ascii_case(DEFAULT)
        {
            return Err(faults::subnet_group_not_found(name));
        }
        let ipv4 = || std::iter::once("ipv4".to_owned()).collect();
        let subnet = |(number, name): (usize, String)| Subnet {
            subnet_identifier: format!("subnet-{number:08}"),
            subnet_availability_zone: Zone { name },
            supported_network_types: ipv4(),
        };
        let group = CacheSubnetGroup {
            cache_subnet_group_name: DEFAULT,
            cache_subnet_group_description: "Default CacheSubnetGroup",
            vpc_id: VPC,
            subnets: placement::zones(cx.region).into_iter().enumerate().map(subnet).collect(),
            arn: arn(cx, "subnetgroup", DEFAULT),
            supported_network_types: ipv4(),
        };
        let key = |group: &CacheSubnetGroup| group.cache_subnet_group_name.to_owned();
        let (page, marker) = paging::page(vec![group], key, input.marker.as_deref(), input.max_records)?;
        Ok(Output { marker, cache_subnet_groups: page.into() })
    }
}
