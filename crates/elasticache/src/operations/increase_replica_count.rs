//! `IncreaseReplicaCount`: more replicas, each in the zone that has the fewest members or as asked.

use crate::lookup::{Lookup, new_names, shard};
use crate::shapes::GroupResult;
use crate::{Cx, Operation, faults, names, quotas};
use aws_protocol::{Empty, Fault, NotYet};
use fleet::{Command, Deployment, NewMember, placement};
use serde::Deserialize;
use std::collections::BTreeMap;

pub(crate) struct IncreaseReplicaCount;

/// What both changes of the number of replicas are asked with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct Input {
    pub(super) replication_group_id: String,
    pub(super) new_replica_count: Option<i32>,
    pub(super) replica_configuration: Option<Vec<ConfigureShard>>,
    pub(super) apply_immediately: bool,
}

/// How many replicas a shard is to have.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct ConfigureShard {
    node_group_id: String,
    new_replica_count: i32,
    preferred_availability_zones: Option<Vec<String>>,
    _preferred_outpost_arns: NotYet<Empty>,
}

impl Operation for IncreaseReplicaCount {
    const NAME: &'static str = "IncreaseReplicaCount";
    type Input = Input;
    type Output = GroupResult;

    fn decide(cx: &Cx<'_>, input: &Input) -> Result<Vec<Command>, Fault> {
        let group = cx.available_group(&input.replication_group_id)?;
        immediately(input.apply_immediately)?;
        let wanted = wanted(group, input)?;
        let present = shard(group)?.members.len();
        replicas_in_range(cx, wanted.replicas)?;
        let more = wanted.replicas + 1 - present as i64;
        if more <= 0 {
            return Err(faults::no_operation(format!(
                "The replication group {} has {} replicas already.",
                group.id.name(),
                present - 1
            )));
        }
        let more = more as usize;
        // The operation does not declare this quota's error.
        let nodes = group.members().count() + more;
        quotas::NODES_PER_CLUSTER.check(cx, nodes).map_err(|fault| faults::value(fault.message))?;
        cx.check_node_quota(more)?;
        cx.check_addresses(group.port, more)?;
        let zones = new_zones(cx, group, &wanted.zones, more)?;
        let member = |(name, availability_zone)| NewMember { name, availability_zone, tags: BTreeMap::new() };
        let members = new_names(cx, group.id.name(), more).into_iter().zip(zones).map(member).collect();
        Ok(vec![Command::AddMembers { id: group.id.clone(), members }])
    }

    fn answer(cx: &Cx<'_>, input: &Input) -> Result<GroupResult, Fault> {
        GroupResult::of(cx, &input.replication_group_id)
    }
}

/// What a change of the number of replicas comes to.
pub(super) struct Wanted {
    pub(super) replicas: i64,
    zones: Vec<String>,
}

/// From `NewReplicaCount`, or from the configuration of the only shard.
pub(super) fn wanted(group: &Deployment, input: &Input) -> Result<Wanted, Fault> {
    let configuration = input.replica_configuration.as_deref().unwrap_or_default();
    let wanted = match (input.new_replica_count, configuration) {
        (Some(count), []) => Wanted { replicas: count.into(), zones: Vec::new() },
        (None, [one]) => {
            if one.node_group_id.parse::<u16>() != shard(group)?.id.parse() {
                return Err(faults::node_group_not_found(&one.node_group_id, group.id.name()));
            }
            let zones = one.preferred_availability_zones.clone().unwrap_or_default();
            Wanted { replicas: one.new_replica_count.into(), zones }
        }
        (None, []) => {
            return Err(faults::combination(
                "Either NewReplicaCount or ReplicaConfiguration must be specified.",
            ));
        }
        (Some(_), _) => {
            return Err(faults::combination(
                "NewReplicaCount and ReplicaConfiguration cannot be specified together.",
            ));
        }
        (None, _) => return Err(faults::combination("There is one node group only.")),
    };
    match wanted.replicas {
        0.. => Ok(wanted),
        count => Err(faults::value(format!("The number of replicas {count} is not valid."))),
    }
}

/// How many replicas a shard can have. Text as the service answers.
pub(super) fn replicas_in_range(cx: &Cx<'_>, replicas: i64) -> Result<(), Fault> {
    let most = quotas::NODES_PER_SHARD.limit(cx) as i64 - 1;
    match (0..=most).contains(&replicas) {
        true => Ok(()),
        false => {
            Err(faults::value(format!("The number of replicas per node group must be within 0 and {most}.")))
        }
    }
}

/// `ApplyImmediately` is required, and must be true.
pub(super) fn immediately(apply_immediately: bool) -> Result<(), Fault> {
    match apply_immediately {
        true => Ok(()),
        false => Err(faults::value("ApplyImmediately=False is not currently supported.")),
    }
}

/// The preferred zones are those of all members afterwards, or of the new ones alone.
fn new_zones(
    cx: &Cx<'_>,
    group: &Deployment,
    preferred: &[String],
    more: usize,
) -> Result<Vec<String>, Fault> {
    let members = &shard(group)?.members;
    let among = cx.zones_of(group)?;
    let present: Vec<&str> = members.iter().map(|member| member.availability_zone.as_str()).collect();
    if preferred.is_empty() {
        return Ok(placement::place(&among, &present, more, true));
    }
    let mut zones: Vec<String> =
        preferred.iter().map(|zone| names::zone(&among, zone)).collect::<Result<_, _>>()?;
    if zones.len() == members.len() + more {
        for zone in present {
            match zones.iter().position(|other| other == zone) {
                Some(at) => drop(zones.remove(at)),
                None => {
                    return Err(faults::combination(format!(
                        "PreferredAvailabilityZones must name the zones of the present members, {zone} is missing."
                    )));
                }
            }
        }
    }
    match zones.len() == more {
        true => Ok(zones),
        false => Err(faults::combination(
            "The number of PreferredAvailabilityZones must equal the number of cache clusters.",
        )),
    }
}
