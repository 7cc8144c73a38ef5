//! The events that DescribeEvents returns.

use serde::{Deserialize, Serialize};

/// Events are kept this long, as ElastiCache does.
pub const KEPT_FOR_MS: u64 = 14 * 24 * 60 * 60 * 1000;

/// The most that one region keeps: a node that dies all day must not fill the memory.
pub const KEPT_AT_MOST: usize = 10_000;

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

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// `cache-cluster`: a cluster, or a member of a group.
    CacheCluster,
    /// `replication-group`
    ReplicationGroup,
}

impl Source {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Source::CacheCluster => "cache-cluster",
            Source::ReplicationGroup => "replication-group",
        }
    }
}
