//! Parameter groups: the default ones, those that users made, and what comes of either on nodes.
//!
//! A default group is its family's table. It is always there and never changes. A group of a user is its family's table with the values
//! that were set. What a node is configured with is the whole of its group, the defaults included: ElastiCache's are not the engine's.
//!
//! ```text
//!   client-output-buffer-limit-normal-hard-limit ─┐
//!   client-output-buffer-limit-normal-soft-limit ─┼─▶ client-output-buffer-limit   "normal 0 0 0 pubsub 33554432 8388608 60"
//!   …                                            ─┘
//!   reserved-memory, reserved-memory-percent ───────▶ maxmemory, by the node's size
//!   databases, acl-pubsub-default ──────────────────▶ themselves, with the next start of a node
//!   timeout, slowlog-max-len, … ────────────────────▶ themselves, at once
//! ```

use crate::catalogue::{self, EngineVersion, FAMILIES, Family};
use crate::lookup::Lookup;
use crate::parameters::{self, Default, Parameter};
use crate::shapes::arn;
use crate::{Cx, faults, names};
use aws_operations::Quotas;
use aws_protocol::{Fault, Item};
use config::{Config, Kind, NoDirectives};
use fleet::{Changes, Command, Deployment, DeploymentId, Fleet, NodeParameters, ParameterGroup, Reserved};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Parameters that one call may change.
const MAX_CHANGES: usize = 20;

/// A group, whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) kept: ParameterGroup,
    /// It belongs to the service: it cannot be changed.
    pub(crate) is_default: bool,
}

/// What a value does to nodes.
enum Reach {
    /// It is a parameter of the engine, under the same name.
    Engine,
    /// It is a field of `client-output-buffer-limit`: the class, and its place.
    BufferLimit(&'static str, usize),
    /// It does nothing to a node that is not in cluster mode, or of a later version, or says what is so anyway.
    Nothing,
    /// It is part of what [`Reserved`] is, or of a node's size.
    Size,
}

/// The classes of `client-output-buffer-limit` that a group sets, with the three fields of each.
const LIMITS: [(&str, [&str; 3]); 2] = [
    (
        "normal",
        [
            "client-output-buffer-limit-normal-hard-limit",
            "client-output-buffer-limit-normal-soft-limit",
            "client-output-buffer-limit-normal-soft-seconds",
        ],
    ),
    (
        "pubsub",
        [
            "client-output-buffer-limit-pubsub-hard-limit",
            "client-output-buffer-limit-pubsub-soft-limit",
            "client-output-buffer-limit-pubsub-soft-seconds",
        ],
    ),
];

fn reach(name: &str) -> Reach {
    match name {
        "maxmemory" | "maxclients" | "reserved-memory" | "reserved-memory-percent" => Reach::Size,
        // Replicas are limited by the engine's own hard limit too, so the seconds alone say nothing.
        "client-output-buffer-limit-replica-soft-seconds"
        | "client-output-buffer-limit-slave-soft-seconds" => Reach::Nothing,
        // A replica takes no replicas anyway, and commands keep their names.
        "replica-allow-chaining" | "slave-allow-chaining" | "rename-commands" => Reach::Nothing,
        name if name.starts_with("cluster-") => Reach::Nothing,
        name if name.starts_with("commandlog-") || name.starts_with("search-") => Reach::Nothing,
        name => {
            let field = LIMITS.iter().find_map(|(class, fields)| {
                fields.iter().position(|field| *field == name).map(|at| Reach::BufferLimit(class, at))
            });
            field.unwrap_or(Reach::Engine)
        }
    }
}

/// Values that the service allows and nodes do not have yet.
fn is_not_yet(name: &str, value: &str) -> bool {
    match name {
        "rename-commands" => !value.is_empty(),
        _ => false,
    }
}

/// Whether a parameter says what something is made as, so that it is set while nothing uses the group.
fn is_of_creation(name: &str) -> bool {
    matches!(name, "databases" | "cluster-enabled")
}

impl Group {
    fn default(family: &Family, for_cluster_mode: bool) -> Group {
        let cluster_mode = ("cluster-enabled".to_owned(), "yes".to_owned());
        let (suffix, with, values) = match for_cluster_mode {
            true => (".cluster.on", " with cluster mode on", BTreeMap::from([cluster_mode])),
            false => ("", "", BTreeMap::new()),
        };
        let kept = ParameterGroup {
            name: format!("default.{}{suffix}", family.name),
            family: family.name.to_owned(),
            description: format!("Default parameter group for {}{with}", family.name),
            values,
            tags: BTreeMap::new(),
        };
        Group { kept, is_default: true }
    }

    /// Whether it is made for cluster mode.
    pub(crate) fn is_for_cluster_mode(&self) -> bool {
        self.kept.values.get("cluster-enabled").is_some_and(|value| value == "yes")
    }

    /// Its parameters by name.
    pub(crate) fn rows(&self) -> Vec<&'static Parameter> {
        parameters::of_family(&self.kept.family).unwrap_or_default()
    }

    /// The value of a parameter that is the same on all node types.
    pub(crate) fn value<'a>(&'a self, row: &Parameter) -> Option<&'a str> {
        let own = self.kept.values.get(row.name).map(String::as_str);
        own.or(match row.default {
            Default::Is(value) => Some(value),
            _ => None,
        })
    }

    /// What nodes of the group are configured with.
    pub(crate) fn node_parameters(&self) -> NodeParameters {
        let mut nodes = NodeParameters { reserved: self.reserved(), ..NodeParameters::default() };
        let mut limits: BTreeMap<&str, [&str; 3]> = BTreeMap::new();
        for row in self.rows() {
            let Some(value) = self.value(row) else { continue };
            match reach(row.name) {
                Reach::BufferLimit(class, at) => limits.entry(class).or_insert(["0"; 3])[at] = value,
                Reach::Engine => {
                    let of = match row.change {
                        "immediate" => &mut nodes.at_once,
                        _ => &mut nodes.at_start,
                    };
                    of.insert(row.name.to_owned(), value.to_owned());
                }
                Reach::Size | Reach::Nothing => {}
            }
        }
        if !limits.is_empty() {
            let limits = limits.iter().map(|(class, fields)| format!("{class} {}", fields.join(" ")));
            let limits = limits.collect::<Vec<_>>().join(" ");
            nodes.at_once.insert("client-output-buffer-limit".to_owned(), limits);
        }
        nodes
    }

    /// A number of bytes counts where no percentage was set beside it.
    fn reserved(&self) -> Reserved {
        let number = |name: &str| self.kept.values.get(name)?.parse::<u64>().ok();
        match (number("reserved-memory-percent"), number("reserved-memory").filter(|bytes| *bytes > 0)) {
            (None | Some(0), Some(bytes)) => Reserved::Bytes(bytes),
            (Some(percent), _) => Reserved::Percent(percent.min(100) as u8),
            (None, None) => Reserved::default(),
        }
    }
}

/// All groups of the region by their names.
pub(crate) fn all(cx: &Cx<'_>) -> BTreeMap<String, Group> {
    let own = kept(cx).map(|group| Group { kept: group.clone(), is_default: false });
    defaults().chain(own).map(|group| (group.kept.name.clone(), group)).collect()
}

fn defaults() -> impl Iterator<Item = Group> {
    let modes = FAMILIES.iter().flat_map(|family| [(family, false), (family, true)]);
    modes
        .filter(|(family, for_cluster_mode)| family.has_cluster_mode || !for_cluster_mode)
        .map(|(family, for_cluster_mode)| Group::default(family, for_cluster_mode))
}

/// The groups that users made.
pub(crate) fn kept<'a>(cx: &Cx<'a>) -> impl Iterator<Item = &'a ParameterGroup> + use<'a> {
    cx.here().into_iter().flat_map(|region| region.parameter_groups.values())
}

/// A group by its name in any case.
pub(crate) fn find(cx: &Cx<'_>, name: &str) -> Option<Group> {
    let name = name.to_ascii_lowercase();
    let own = cx.here().and_then(|region| region.parameter_groups.get(&name));
    let own = own.map(|group| Group { kept: group.clone(), is_default: false });
    own.or_else(|| defaults().find(|group| group.kept.name == name))
}

/// Refuses an empty name. Text as the service answers.
pub(crate) fn named_at_all(name: &str) -> Result<(), Fault> {
    match name.is_empty() {
        true => Err(Fault::parameter_is_blank("CacheParameterGroupName")),
        false => Ok(()),
    }
}

/// A group that is described.
pub(crate) fn described(cx: &Cx<'_>, name: &str) -> Result<Group, Fault> {
    named_at_all(name)?;
    find(cx, name).ok_or_else(|| faults::no_such_parameter_group(name))
}

/// The group that a call names for nodes of a version; the default one if it names none.
fn of_version(cx: &Cx<'_>, version: &EngineVersion, name: Option<&str>) -> Result<Group, Fault> {
    let default = format!("default.{}", version.family);
    let name = name.unwrap_or(&default);
    let group = find(cx, name).ok_or_else(|| faults::parameter_group_not_found(name))?;
    if group.kept.family != version.family {
        return Err(faults::parameter_group_of_another_family(version.family, &group.kept.family));
    }
    Ok(group)
}

/// The group of a cluster alone, which never is in cluster mode.
pub(crate) fn for_cluster(cx: &Cx<'_>, version: &EngineVersion, name: Option<&str>) -> Result<Group, Fault> {
    let group = of_version(cx, version, name)?;
    match group.is_for_cluster_mode() {
        // Text as the service answers.
        true => Err(faults::combination(
            "Cluster mode should be disabled in parameter group, but found it is enabled.",
        )),
        false => Ok(group),
    }
}

/// The group of a replication group that has, or is to have, nodes of a version.
pub(crate) fn for_group(cx: &Cx<'_>, version: &EngineVersion, name: Option<&str>) -> Result<Group, Fault> {
    let group = of_version(cx, version, name)?;
    match group.is_for_cluster_mode() {
        true => Err(faults::value(format!(
            "Cluster mode (the parameter group {}) is not supported by Engram yet.",
            group.kept.name
        ))),
        false => Ok(group),
    }
}

/// The group that a call names for a deployment that there is.
pub(crate) fn for_deployment(
    cx: &Cx<'_>,
    deployment: &Deployment,
    name: Option<&str>,
) -> Result<Option<Group>, Fault> {
    let Some(name) = name else { return Ok(None) };
    let version = catalogue::version_of(deployment.engine, &deployment.engine_version);
    let version = version.ok_or_else(Fault::internal_failure)?;
    let group = match &deployment.id {
        DeploymentId::Group(_) => for_group(cx, version, Some(name))?,
        DeploymentId::Cluster(_) => for_cluster(cx, version, Some(name))?,
    };
    keeps_databases(deployment, &group)?;
    Ok(Some(group))
}

/// Refuses a group with fewer databases than any node has: it could not load what is in the others. What only waits for a reboot no
/// node has.
fn keeps_databases(deployment: &Deployment, group: &Group) -> Result<(), Fault> {
    let databases = |at_start: &BTreeMap<String, String>| at_start.get("databases")?.parse::<u64>().ok();
    let members = deployment.members().map(|(_, member)| match member.at_start.is_empty() {
        true => &deployment.parameters.at_start,
        false => &member.at_start,
    });
    match (members.filter_map(databases).max(), databases(&group.node_parameters().at_start)) {
        (Some(has), Some(gets)) if gets < has => Err(faults::combination(format!(
            "The parameter group {} has {gets} databases, and nodes have {has}, whose data they could not load.",
            group.kept.name
        ))),
        _ => Ok(()),
    }
}

/// Deployments of the region that use a group.
pub(crate) fn users<'a>(cx: &Cx<'a>, name: &str) -> Vec<&'a Deployment> {
    let here = cx.fleet.deployments().filter(|(region, _)| *region == cx.region);
    here.map(|(_, one)| one).filter(|one| one.settings.parameter_group == name).collect()
}

/// A group that a call changes.
pub(crate) fn changeable(cx: &Cx<'_>, name: &str) -> Result<ParameterGroup, Fault> {
    named_at_all(name)?;
    let group = find(cx, name).ok_or_else(|| faults::parameter_group_not_found(name))?;
    match group.is_default {
        true => Err(faults::value(format!(
            "The parameter group {} is a default group and cannot be modified.",
            group.kept.name
        ))),
        false => Ok(group.kept),
    }
}

/// A parameter that a call names, with its value in a call that sets it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct NamedValue {
    pub(crate) parameter_name: Option<String>,
    pub(crate) parameter_value: Option<String>,
}

/// The parameters that a call names: each is one of the family, may be changed, and is there once.
pub(crate) fn named<'a>(
    cx: &Cx<'_>,
    group: &ParameterGroup,
    given: &'a [NamedValue],
) -> Result<Vec<(&'static Parameter, Option<&'a str>)>, Fault> {
    if given.len() > MAX_CHANGES {
        // Text as the service answers.
        let text = format!("Cannot modify more than {MAX_CHANGES} parameters in a single request");
        return Err(faults::combination(text));
    }
    let rows = parameters::of_family(&group.family).unwrap_or_default();
    let mut found: Vec<(&Parameter, Option<&str>)> = Vec::with_capacity(given.len());
    for one in given {
        let name = one.parameter_name.as_deref().unwrap_or_default();
        let row = rows.iter().find(|row| row.name == name);
        // The beginning of the text is the service's.
        let row = *row.ok_or_else(|| faults::value(format!("Parameter {name} doesn't exist")))?;
        check_may_change(cx, group, name)?;
        if !row.is_modifiable && !is_of_creation(name) {
            return Err(faults::value(format!("The parameter {name} cannot be modified.")));
        }
        if found.iter().any(|(other, _)| other.name == name) {
            return Err(faults::combination(format!("The parameter {name} is given twice.")));
        }
        found.push((row, one.parameter_value.as_deref()));
    }
    Ok(found)
}

/// Refuses to change what is of creation while something uses the group.
pub(crate) fn check_may_change(cx: &Cx<'_>, group: &ParameterGroup, name: &str) -> Result<(), Fault> {
    match is_of_creation(name) && !users(cx, &group.name).is_empty() {
        true => Err(faults::invalid_parameter_group_state(format!(
            "The parameter {name} cannot be modified while the parameter group {} is in use.",
            group.name
        ))),
        false => Ok(()),
    }
}

/// Checks a value that a user wants a parameter to have in a group of a family.
pub(crate) fn check(family: &str, row: &Parameter, value: &str) -> Result<(), Fault> {
    if row.allows(value) && is_not_yet(row.name, value) {
        return Err(faults::value(format!(
            "The value {value} of the parameter {} is not supported by Engram yet.",
            row.name
        )));
    }
    if row.allows(value) && nodes_take(family, row, value) {
        return Ok(());
    }
    let allowed = match row.allowed {
        "" => row.data_type.to_owned(),
        allowed => on_nodes(family, row).unwrap_or_else(|| allowed.to_owned()),
    };
    let text =
        format!("The value {value} of the parameter {} is not valid. Allowed values: {allowed}", row.name);
    Err(faults::value(text))
}

/// The ranges of a number that the service allows, as far as nodes of a family can have them. None for what is no number on nodes.
fn on_nodes(family: &str, row: &Parameter) -> Option<String> {
    let versions = catalogue::versions().iter().filter(|version| version.family == family);
    let bounds = versions.filter_map(|version| {
        let parameter = config::table::find(version.profile.parse().ok()?, row.name)?;
        let Kind::Integer { min, max, .. } = parameter.kind else { return None };
        Some((min, parameter.limit.map_or(max, |(limit, _)| limit.min(max))))
    });
    let (least, most) = bounds.reduce(|one, other| (one.0.max(other.0), one.1.min(other.1)))?;
    let parts = row.allowed.split(',').filter_map(|part| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let from = from.parse::<i128>().ok()?.max(least);
        let to = if to.is_empty() { most } else { to.parse::<i128>().ok()?.min(most) };
        match from.cmp(&to) {
            Ordering::Less => Some(format!("{from}-{to}")),
            Ordering::Equal => Some(from.to_string()),
            Ordering::Greater => None,
        }
    });
    Some(parts.collect::<Vec<_>>().join(","))
}

/// Whether nodes of a family can have the value. The service's ranges may be wider than the engine's, and a node that refuses a value
/// could neither be given any other nor start.
fn nodes_take(family: &str, row: &Parameter, value: &str) -> bool {
    let kept = ParameterGroup {
        name: String::new(),
        family: family.to_owned(),
        description: String::new(),
        values: BTreeMap::from([(row.name.to_owned(), value.to_owned())]),
        tags: BTreeMap::new(),
    };
    let nodes = Group { kept, is_default: false }.node_parameters();
    let mut file = Vec::new();
    for (name, value) in nodes.at_once.iter().chain(&nodes.at_start) {
        file.extend([name.as_bytes(), b" ", &config::quoting::quote(value.as_bytes()), b"\n"].concat());
    }
    let mut versions = catalogue::versions().iter().filter(|version| version.family == family);
    versions.all(|version| {
        let profile = version.profile.parse();
        profile.is_ok_and(|profile| Config::load(profile, &file, &mut NoDirectives).is_ok())
    })
}

/// Puts a group in place of what it was, and gives the deployments that use it their parameters.
pub(crate) fn change(cx: &Cx<'_>, group: ParameterGroup) -> Vec<Command> {
    let group = Group { kept: group, is_default: false };
    let parameters = group.node_parameters();
    let users = users(cx, &group.kept.name);
    let mut commands = vec![Command::SetParameterGroup(Box::new(group.kept))];
    commands.extend(users.into_iter().map(|user| with_parameters(user, parameters.clone())));
    commands
}

fn with_parameters(deployment: &Deployment, parameters: NodeParameters) -> Command {
    let changes = Box::new(Changes { parameters: Some(parameters), ..Changes::default() });
    Command::Modify { id: deployment.id.clone(), changes }
}

/// What differs between the parameters that deployments have and those that their groups say now, with the names of regions: another
/// version of this program may have decided them by another table.
pub fn outdated(fleet: &Fleet) -> Vec<(String, Command)> {
    let differing = fleet.deployments().filter_map(|(region, deployment)| {
        let cx = Cx { fleet, region, account: "", now_ms: 0, quotas: Quotas::AWS };
        let parameters = find(&cx, &deployment.settings.parameter_group)?.node_parameters();
        let differs = parameters != deployment.parameters;
        differs.then(|| (region.to_owned(), with_parameters(deployment, parameters)))
    });
    differing.collect()
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CacheParameterGroup {
    pub(crate) cache_parameter_group_name: String,
    cache_parameter_group_family: String,
    description: String,
    is_global: bool,
    #[serde(rename = "ARN")]
    arn: String,
}

impl Item for CacheParameterGroup {
    const NAME: &'static str = "CacheParameterGroup";
}

impl CacheParameterGroup {
    /// A group as answers show it.
    pub(crate) fn of(cx: &Cx<'_>, group: &Group) -> CacheParameterGroup {
        CacheParameterGroup {
            cache_parameter_group_name: group.kept.name.clone(),
            cache_parameter_group_family: group.kept.family.clone(),
            description: group.kept.description.clone(),
            is_global: false,
            arn: arn(cx, "parametergroup", &group.kept.name),
        }
    }
}

/// The answer of what changes values of a group.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NameResult {
    cache_parameter_group_name: String,
}

impl NameResult {
    /// Of the group that was changed.
    pub(crate) fn of(name: &str) -> Result<NameResult, Fault> {
        Ok(NameResult { cache_parameter_group_name: name.to_ascii_lowercase() })
    }
}

/// The name of a group to be made.
pub(crate) fn new_name(cx: &Cx<'_>, name: &str) -> Result<String, Fault> {
    let name = names::parameter_group(name)?;
    match find(cx, &name) {
        Some(_) => Err(faults::parameter_group_exists(&name)),
        None => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use config::Asker;
    use profile::Profile;

    fn custom(family: &str, values: &[(&str, &str)]) -> Group {
        let values = values.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let (name, family) = ("own".to_owned(), family.to_owned());
        let kept = ParameterGroup { name, family, description: "x".into(), values, tags: BTreeMap::new() };
        Group { kept, is_default: false }
    }

    fn profile(version: &EngineVersion) -> Profile {
        Profile::ALL
            .iter()
            .copied()
            .find(|one| one.to_string() == version.profile)
            .expect("nodes speak as it")
    }

    /// Values at the ends of what is allowed and of what engines count with, and every word.
    fn candidates(family: &str, row: &Parameter) -> Vec<String> {
        let numbers = row.allowed.split(',').flat_map(|part| part.split('-')).filter(|text| !text.is_empty());
        let mut all: Vec<String> = numbers.map(str::to_owned).collect();
        all.extend(row.allowed.split(',').map(str::to_owned));
        let ends = [i32::MAX.into(), i64::from(i32::MAX) + 1, i64::from(u32::MAX) + 1, i64::MAX];
        all.extend(ends.map(|end| end.to_string()));
        all.extend(["3", "03", "+3", "KEA"].map(str::to_owned));
        all.retain(|value| check(family, row, value).is_ok());
        all
    }

    #[test]
    fn nodes_take_whatever_a_group_may_say() {
        let text = |pairs: &BTreeMap<String, String>| -> String {
            let quoted = |value: &String| config::quoting::quote(value.as_bytes());
            let line = |(name, value)| format!("{name} {}\n", String::from_utf8(quoted(value)).unwrap());
            pairs.iter().map(line).collect()
        };
        for version in catalogue::versions() {
            let profile = profile(version);
            let loads = |group: &Group| {
                let nodes = group.node_parameters();
                let file = text(&nodes.at_once) + &text(&nodes.at_start);
                Config::load(profile, file.as_bytes(), &mut NoDirectives)
                    .unwrap_or_else(|error| panic!("{:?}: {error}", group.kept.values))
            };
            let sets = |config: &mut Config, group: &Group| {
                let at_once = group.node_parameters().at_once;
                let pairs: Vec<_> =
                    at_once.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                config
                    .set(&pairs, Asker::default())
                    .unwrap_or_else(|error| panic!("{:?}: {error}", group.kept.values));
            };
            let plain = custom(version.family, &[]);
            loads(&plain);
            let mut tried = 0;
            for row in plain.rows().into_iter().filter(|row| row.is_modifiable) {
                for value in candidates(version.family, row) {
                    let group = custom(version.family, &[(row.name, &value)]);
                    loads(&group);
                    sets(&mut loads(&plain), &group);
                    tried += 1;
                }
            }
            assert!(tried > 100, "{tried}");
        }
    }

    #[test]
    fn what_a_group_says_is_what_nodes_have() {
        let group = custom(
            "valkey8",
            &[
                ("timeout", "20"),
                ("databases", "32"),
                ("client-output-buffer-limit-pubsub-soft-seconds", "9"),
                ("reserved-memory-percent", "10"),
            ],
        );
        let nodes = group.node_parameters();
        assert_eq!(nodes.at_once["timeout"], "20");
        // ElastiCache's, not the engine's.
        assert_eq!(nodes.at_once["extended-redis-compatibility"], "yes");
        assert_eq!(nodes.at_once["client-output-buffer-limit"], "normal 0 0 0 pubsub 33554432 8388608 9");
        assert_eq!(nodes.at_start["databases"], "32");
        assert!(
            nodes.at_start.contains_key("acl-pubsub-default") && !nodes.at_once.contains_key("databases")
        );
        assert_eq!(nodes.reserved, Reserved::Percent(10));
        for (values, expected) in [
            (&[("reserved-memory", "1000")][..], Reserved::Bytes(1000)),
            (&[("reserved-memory", "1000"), ("reserved-memory-percent", "0")], Reserved::Bytes(1000)),
            (&[("reserved-memory", "1000"), ("reserved-memory-percent", "30")], Reserved::Percent(30)),
            (&[("reserved-memory", "0")], Reserved::Percent(25)),
            (&[("reserved-memory-percent", "0")], Reserved::Percent(0)),
        ] {
            assert_eq!(custom("redis7", values).node_parameters().reserved, expected, "{values:?}");
        }
    }

    #[test]
    fn a_family_without_nodes_configures_none() {
        let memcached = custom("memcached1.6", &[]).node_parameters();
        assert!(memcached.at_once.keys().all(|name| !name.contains("output-buffer")));
    }
}
