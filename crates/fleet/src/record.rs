//! Hosts, and a record of every node, from its creation until its directory is gone.
//!
//! ```text
//!   HostRecord  h1 ─ the pool that its endpoints take addresses from
//!   NodeRecord  n17 ─ host h1 │ origin: us-east-1, replication group web, member web-001, made at …
//! ```
//! A node is looked for on its host. Its directory is marked with the origin before anything else is in it, so a directory that another
//! log made is recognised, even if both logs gave out the same number. The origin says what the node was made for and never changes: a
//! member that is kept as a cluster of its own still has the node that was made for its group.
//!
//! There is one host so far, the one of the control plane.

use crate::address::AddressPool;
use crate::model::DeploymentId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A host that runs nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HostId(pub u32);

impl HostId {
    /// The host of the control plane.
    pub const LOCAL: HostId = HostId(1);
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "h{}", self.0)
    }
}

/// What is kept of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostRecord {
    /// What its endpoints take addresses from.
    pub addresses: AddressPool,
}

/// What is kept of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NodeRecord {
    /// Where it runs.
    pub host: HostId,
    /// What it was made for.
    pub origin: Origin,
    /// It was made before directories were marked, so one without a mark may be its.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unmarked: bool,
}

/// What a node was made for, and when: no two nodes have the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The region of the deployment.
    pub region: String,
    /// The deployment at that time.
    pub deployment: DeploymentId,
    /// The member.
    pub member: String,
    /// Unix ms.
    pub made_at_ms: u64,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} ({})", self.member, self.deployment, self.region)
    }
}
