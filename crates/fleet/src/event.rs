//! The events that DescribeEvents returns: what can happen, to what, and in which words.
//!
//! A [`Happening`] is everything that is told; its `Display` is the text, and no other place has one. An event is kept as text, so it
//! still reads as it did when the program's words have changed.
//!
//! Texts are the service's own (its user guides on events and notifications, the command line's examples). The service publishes none
//! for parameter groups, subnet groups, deleted groups, automatic failover that is turned off and groups that cannot be made: these follow the others.
//! What no service has, since it runs no processes of its users' host, is Engram's own.
//!
//! **Bounded:** the last [`KEPT_AT_MOST`] of [`KEPT_FOR_MS`]. What was forgotten is counted, so that each event keeps its number.

use crate::model::{DeploymentId, Region};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Events are kept this long, as ElastiCache does.
pub const KEPT_FOR_MS: u64 = 14 * 24 * 60 * 60 * 1000;

/// The most that one region keeps: a node that dies all day must not fill the memory.
pub const KEPT_AT_MOST: usize = 10_000;

/// The only cache node of a cluster.
const NODE: &str = "0001";

/// How the texts begin that are also looked for.
const NOT_CREATED: &str = "Failed to create";
const FAILOVER_TESTED: &str = "Test Failover API called for node group";

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, Unix ms.
    pub at_ms: u64,
    /// What kind of thing it is about.
    pub source: Source,
    /// The id of that thing.
    pub source_id: String,
    /// What happened.
    pub message: String,
}

impl Event {
    /// Whether it tells that something could not be made.
    pub fn is_failed_creation(&self) -> bool {
        self.message.starts_with(NOT_CREATED)
    }

    /// Whether it tells that somebody tests a failover.
    pub fn is_failover_test(&self) -> bool {
        self.source == Source::ReplicationGroup && self.message.starts_with(FAILOVER_TESTED)
    }
}

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// `cache-cluster`: a cluster, or a member of a group.
    CacheCluster,
    /// `cache-parameter-group`
    CacheParameterGroup,
    /// `cache-security-group`
    CacheSecurityGroup,
    /// `cache-subnet-group`
    CacheSubnetGroup,
    /// `replication-group`
    ReplicationGroup,
    /// `serverless-cache`
    ServerlessCache,
    /// `serverless-cache-snapshot`
    ServerlessCacheSnapshot,
    /// `user`
    User,
    /// `user-group`
    UserGroup,
}

impl Source {
    /// All that the service can be asked for, also those that Engram does not have yet.
    pub const ALL: [Source; 9] = [
        Source::CacheCluster,
        Source::CacheParameterGroup,
        Source::CacheSecurityGroup,
        Source::CacheSubnetGroup,
        Source::ReplicationGroup,
        Source::ServerlessCache,
        Source::ServerlessCacheSnapshot,
        Source::User,
        Source::UserGroup,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Source::CacheCluster => "cache-cluster",
            Source::CacheParameterGroup => "cache-parameter-group",
            Source::CacheSecurityGroup => "cache-security-group",
            Source::CacheSubnetGroup => "cache-subnet-group",
            Source::ReplicationGroup => "replication-group",
            Source::ServerlessCache => "serverless-cache",
            Source::ServerlessCacheSnapshot => "serverless-cache-snapshot",
            Source::User => "user",
            Source::UserGroup => "user-group",
        }
    }

    /// The source of a name on the wire.
    pub fn named(name: &str) -> Option<Source> {
        Source::ALL.into_iter().find(|source| source.name() == name)
    }

    /// What a deployment is.
    pub(crate) fn of(id: &DeploymentId) -> Source {
        match id {
            DeploymentId::Group(_) => Source::ReplicationGroup,
            DeploymentId::Cluster(_) => Source::CacheCluster,
        }
    }
}

/// What can happen. Names are those of the things that the text names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happening<'a> {
    /// A cluster, or a member of a group, serves for the first time.
    ClusterCreated,
    /// Its node is there.
    NodeAdded { zone: &'a str },
    /// A cluster, or a member, is gone.
    ClusterDeleted,
    /// A node was ended to be restarted.
    NodeShutdown,
    /// It serves again.
    NodeRestarted,
    /// A node was lost.
    Recovering,
    /// It serves again.
    Recovered,
    /// A cluster or a group has the node type that was asked for.
    NodeTypeApplied { node_type: &'a str },
    /// The primary is another member.
    FailedOver { from: &'a str, to: &'a str },
    /// A primary is killed to see a replica take over.
    FailoverTested { shard: &'a str },
    /// A group is available for the first time.
    GroupCreated { group: &'a str },
    /// A group is gone.
    GroupDeleted { group: &'a str },
    /// Automatic failover was turned on or off.
    AutomaticFailover { group: &'a str, on: bool },
    /// A cluster or a group cannot be made.
    NotCreated { source: Source, reason: &'a str },
    /// A subnet group was made.
    SubnetGroupCreated { group: &'a str },
    /// It has another description or other subnets.
    SubnetGroupModified { group: &'a str },
    /// It is gone.
    SubnetGroupDeleted { group: &'a str },
    /// A parameter group was made.
    ParameterGroupCreated { group: &'a str },
    /// One of its parameters has another value.
    ParameterUpdated { name: &'a str, value: &'a str },
    /// One of its parameters has its default again.
    ParameterReset { name: &'a str },
    /// It is gone.
    ParameterGroupDeleted { group: &'a str },
    /// A node was given other parameters while it ran.
    ParametersChanged,
    /// The primary of a group that is being deleted stays as a cluster alone.
    Retained { group: &'a DeploymentId },
    /// A directory was found that is no node's.
    StrangerMoved { what: &'a str, place: &'a str },
    /// A process was found that is no node's.
    StrangerRuns { what: &'a str },
}

impl fmt::Display for Happening<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Happening::ClusterCreated => f.write_str("Cache cluster created"),
            Happening::NodeAdded { zone } => {
                write!(f, "Added cache node {NODE} in availability zone {zone}")
            }
            Happening::ClusterDeleted => f.write_str("Cache cluster deleted"),
            Happening::NodeShutdown => write!(f, "Cache node {NODE} shutdown"),
            Happening::NodeRestarted => write!(f, "Cache node {NODE} restarted"),
            Happening::Recovering => write!(f, "Recovering cache nodes {NODE}"),
            Happening::Recovered => write!(f, "Finished recovery for cache nodes {NODE}"),
            Happening::NodeTypeApplied { node_type } => {
                write!(f, "Succeeded applying modification to cache node type to {node_type}.")
            }
            Happening::FailedOver { from, to } => {
                write!(f, "Failover from primary node {from} to replica node {to} completed")
            }
            Happening::FailoverTested { shard } => write!(f, "{FAILOVER_TESTED} {shard}"),
            Happening::GroupCreated { group } => write!(f, "Replication group {group} created"),
            Happening::GroupDeleted { group } => write!(f, "Replication group {group} deleted"),
            Happening::AutomaticFailover { group, on } => {
                let turned = if *on { "on" } else { "off" };
                write!(f, "Automatic failover has been turned {turned} for replication group {group}")
            }
            Happening::NotCreated { source, reason } => {
                let what = match source {
                    Source::ReplicationGroup => "replication group",
                    _ => "cache cluster",
                };
                write!(f, "{NOT_CREATED} the {what}: {reason}")
            }
            Happening::SubnetGroupCreated { group } => write!(f, "Cache subnet group {group} created"),
            Happening::SubnetGroupModified { group } => write!(f, "Cache subnet group {group} modified"),
            Happening::SubnetGroupDeleted { group } => write!(f, "Cache subnet group {group} deleted"),
            Happening::ParameterGroupCreated { group } => write!(f, "Cache parameter group {group} created"),
            Happening::ParameterUpdated { name, value } => write!(f, "Updated parameter {name} to {value}"),
            Happening::ParameterReset { name } => write!(f, "Reset parameter {name} to its default"),
            Happening::ParameterGroupDeleted { group } => write!(f, "Cache parameter group {group} deleted"),
            Happening::ParametersChanged => f.write_str("Cache cluster parameters changed"),
            Happening::Retained { group } => write!(f, "Cache cluster was removed from {group} and stays"),
            Happening::StrangerMoved { what, place } => {
                write!(f, "The directory of node {what} belongs to no deployment and was moved to {place}")
            }
            Happening::StrangerRuns { what } => {
                write!(f, "Node {what} belongs to no deployment; its process runs and was left alone")
            }
        }
    }
}

impl Region {
    /// Keeps an event, and forgets those that are too old or too many.
    pub(crate) fn tell(&mut self, at_ms: u64, source: Source, source_id: &str, what: Happening<'_>) {
        let source_id = source_id.to_owned();
        self.events.push_back(Event { at_ms, source, source_id, message: what.to_string() });
        let is_old = |event: &Event| event.at_ms + KEPT_FOR_MS < at_ms;
        while self.events.len() > KEPT_AT_MOST || self.events.front().is_some_and(is_old) {
            self.events.pop_front();
            self.forgotten_events += 1;
        }
    }

    /// The events that DescribeEvents may still show at a time (Unix ms), each with its number: no two have the same, and a later one
    /// has a higher one.
    pub fn events_at(&self, now_ms: u64) -> impl Iterator<Item = (u64, &Event)> {
        let numbered = (self.forgotten_events..).zip(&self.events);
        numbered.filter(move |(_, event)| event.at_ms + KEPT_FOR_MS >= now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_to_the_byte() {
        let group = "web";
        let id = DeploymentId::Group("web".into());
        let not_created = |source| Happening::NotCreated { source, reason: "a taken port" };
        for (happening, text) in [
            (Happening::ClusterCreated, "Cache cluster created"),
            (
                Happening::NodeAdded { zone: "us-east-1a" },
                "Added cache node 0001 in availability zone us-east-1a",
            ),
            (Happening::ClusterDeleted, "Cache cluster deleted"),
            (Happening::NodeShutdown, "Cache node 0001 shutdown"),
            (Happening::NodeRestarted, "Cache node 0001 restarted"),
            (Happening::Recovering, "Recovering cache nodes 0001"),
            (Happening::Recovered, "Finished recovery for cache nodes 0001"),
            (
                Happening::NodeTypeApplied { node_type: "cache.r7g.large" },
                "Succeeded applying modification to cache node type to cache.r7g.large.",
            ),
            (
                Happening::FailedOver { from: "web-001", to: "web-002" },
                "Failover from primary node web-001 to replica node web-002 completed",
            ),
            (Happening::FailoverTested { shard: "0001" }, "Test Failover API called for node group 0001"),
            (Happening::GroupCreated { group }, "Replication group web created"),
            (Happening::GroupDeleted { group }, "Replication group web deleted"),
            (
                Happening::AutomaticFailover { group, on: true },
                "Automatic failover has been turned on for replication group web",
            ),
            (
                Happening::AutomaticFailover { group, on: false },
                "Automatic failover has been turned off for replication group web",
            ),
            (not_created(Source::ReplicationGroup), "Failed to create the replication group: a taken port"),
            (not_created(Source::CacheCluster), "Failed to create the cache cluster: a taken port"),
            (Happening::SubnetGroupCreated { group }, "Cache subnet group web created"),
            (Happening::SubnetGroupModified { group }, "Cache subnet group web modified"),
            (Happening::SubnetGroupDeleted { group }, "Cache subnet group web deleted"),
            (Happening::ParameterGroupCreated { group }, "Cache parameter group web created"),
            (Happening::ParameterUpdated { name: "timeout", value: "20" }, "Updated parameter timeout to 20"),
            (Happening::ParameterReset { name: "timeout" }, "Reset parameter timeout to its default"),
            (Happening::ParameterGroupDeleted { group }, "Cache parameter group web deleted"),
            (Happening::ParametersChanged, "Cache cluster parameters changed"),
            (
                Happening::Retained { group: &id },
                "Cache cluster was removed from replication group web and stays",
            ),
            (
                Happening::StrangerMoved { what: "n4", place: "/s/n4" },
                "The directory of node n4 belongs to no deployment and was moved to /s/n4",
            ),
            (
                Happening::StrangerRuns { what: "n4" },
                "Node n4 belongs to no deployment; its process runs and was left alone",
            ),
        ] {
            assert_eq!(happening.to_string(), text);
        }
    }

    #[test]
    fn sources_are_found_by_their_names() {
        for source in Source::ALL {
            assert_eq!(Source::named(source.name()), Some(source));
        }
        assert_eq!(Source::named("cluster"), None);
    }

    fn tell(region: &mut Region, at_ms: u64) {
        region.tell(at_ms, Source::CacheCluster, "a", Happening::Recovering);
    }

    #[test]
    fn as_many_are_kept_as_the_limit_says_and_they_keep_their_numbers() {
        let mut region = Region::default();
        (0..KEPT_AT_MOST as u64).for_each(|at_ms| tell(&mut region, at_ms));
        assert_eq!(
            (region.events.len(), region.events_at(0).next().map(|(n, _)| n)),
            (KEPT_AT_MOST, Some(0))
        );
        tell(&mut region, KEPT_AT_MOST as u64);
        let first = region.events_at(0).next().map(|(number, event)| (number, event.at_ms));
        assert_eq!((region.events.len(), first), (KEPT_AT_MOST, Some((1, 1))));
    }

    #[test]
    fn they_are_kept_for_fourteen_days_and_shown_no_longer() {
        let mut region = Region::default();
        tell(&mut region, 0);
        assert_eq!(region.events_at(KEPT_FOR_MS).count(), 1);
        assert_eq!(region.events_at(KEPT_FOR_MS + 1).count(), 0, "also while nothing else happens");
        tell(&mut region, KEPT_FOR_MS);
        assert_eq!(region.events.len(), 2);
        tell(&mut region, KEPT_FOR_MS + 1);
        assert_eq!((region.events.len(), region.forgotten_events), (2, 1));
    }
}
