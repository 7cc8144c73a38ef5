//! Everything that can happen to the fleet: requests of users, and observed facts.
//!
//! The log holds commands. They are decided before they are written: a command that reaches [`Fleet::apply`] has been checked against
//! the very state that it is applied to. It carries the full new state of what it changes, so that applying it again from the log gives
//! the same state.
//!
//! [`Fleet::apply`]: crate::Fleet::apply

use crate::model::{DeploymentId, Engine, NodeSize, ParameterStatus, Settings, SubnetGroup};
use crate::parameters::{NodeParameters, ParameterGroup};
use crate::record::Origin;
use crate::step::NodeId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use supervision::Endpoint;

/// One thing that happens in a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    // Wishes.
    /// Make a replication group or a cluster alone. Its id is free.
    Create(Box<NewDeployment>),
    /// Change what a deployment is; what is `None` stays.
    Modify {
        /// Which.
        id: DeploymentId,
        /// What.
        changes: Box<Changes>,
    },
    /// Give the nodes another size in the next maintenance window, or not, after all.
    Defer {
        /// Which.
        id: DeploymentId,
        /// The size.
        size: Option<NodeSize>,
    },
    /// Add replicas to the only shard of a group.
    AddMembers {
        /// Which.
        id: DeploymentId,
        /// Who.
        members: Vec<NewMember>,
    },
    /// Remove replicas from a shard; the primary moves to another member first if it is among them.
    RemoveMembers {
        /// Which.
        id: DeploymentId,
        /// Their names.
        members: Vec<String>,
    },
    /// Make a member the primary.
    Promote {
        /// Which.
        id: DeploymentId,
        /// Its name.
        member: String,
    },
    /// Kill the primary of a shard to see a replica take over.
    TestFailover {
        /// Which.
        id: DeploymentId,
        /// The shard's id.
        shard: String,
    },
    /// Restart a member; what it holds is lost.
    Reboot {
        /// Which.
        id: DeploymentId,
        /// Its name.
        member: String,
    },
    /// Remove a deployment.
    Delete {
        /// Which.
        id: DeploymentId,
        /// Keep the primary as a cache cluster alone, under its member's name.
        retain_primary: bool,
    },
    /// Set tags, of a deployment or of one of its members.
    Tag {
        /// Which.
        id: DeploymentId,
        /// A member as a cache cluster; `None` for the deployment itself.
        member: Option<String>,
        /// Keys and values.
        tags: BTreeMap<String, String>,
    },
    /// Remove tags by their keys.
    Untag {
        /// Which.
        id: DeploymentId,
        /// A member as a cache cluster; `None` for the deployment itself.
        member: Option<String>,
        /// Keys.
        keys: Vec<String>,
    },
    /// Make a subnet group, or put this one in place of what it was.
    SetSubnetGroup(Box<SubnetGroup>),
    /// Remove a subnet group that nothing is in.
    DeleteSubnetGroup {
        /// Its name.
        name: String,
    },

    /// Make a parameter group, or put this one in place of what it was. The deployments that use it are given theirs by
    /// [`Command::Modify`].
    SetParameterGroup(Box<ParameterGroup>),
    /// Remove a parameter group that nothing uses.
    DeleteParameterGroup {
        /// Its name.
        name: String,
    },

    // Facts.
    /// A member serves, in the role that it is meant to have.
    Serves {
        /// Of which deployment.
        id: DeploymentId,
        /// Its name.
        member: String,
    },
    /// A member's node has the parameters that it can have without a start.
    Configured {
        /// Of which deployment.
        id: DeploymentId,
        /// Its name.
        member: String,
        /// Whether these are all.
        status: ParameterStatus,
    },
    /// The node of a member was lost.
    Lost {
        /// Of which deployment.
        id: DeploymentId,
        /// Its name.
        member: String,
    },
    /// A member that was to be restarted has been killed.
    Killed {
        /// Of which deployment.
        id: DeploymentId,
        /// Its name.
        member: String,
    },
    /// A planned change of the primary begins; it takes a new epoch.
    BeginHandover {
        /// Of which deployment.
        id: DeploymentId,
        /// The shard's id.
        shard: String,
        /// The node that is to be the primary.
        to: NodeId,
    },
    /// The primary is another one from now on, or still the same after a handover that failed.
    Elect {
        /// Of which deployment.
        id: DeploymentId,
        /// The shard's id.
        shard: String,
        /// The primary.
        node: NodeId,
        /// The epoch.
        epoch: u64,
        /// It only keeps the data until the lost primary can have it back.
        stands_in: bool,
    },
    /// The replacement of a member has its data and its role, and is its node from now on.
    Replace {
        /// Of which deployment.
        id: DeploymentId,
        /// The member.
        member: String,
    },
    /// A member that was to be removed is not the primary (any more), and goes.
    Leave {
        /// Of which deployment.
        id: DeploymentId,
        /// The member.
        member: String,
    },
    /// Everything that was asked for is there.
    Settle {
        /// Which deployment.
        id: DeploymentId,
    },
    /// It cannot be made.
    FailCreation {
        /// Which deployment.
        id: DeploymentId,
        /// Why, for people.
        reason: String,
    },
    /// A retired node is no more.
    Forget {
        /// Which.
        node: NodeId,
    },
    /// A node's directory was found that is no node's of this fleet. No number up to its is given out from now on.
    Stranger {
        /// The number that it has.
        node: NodeId,
        /// What it was made for, if it says so.
        origin: Option<Origin>,
        /// Where it is now; `None` while its process runs, which is left alone.
        moved_to: Option<String>,
    },
    /// A released listener is closed.
    Closed {
        /// What clients reached.
        endpoint: Endpoint,
        /// Where.
        address: SocketAddr,
    },
}

/// A deployment to be made, all defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDeployment {
    /// Its kind and id.
    pub id: DeploymentId,
    /// See [`crate::Deployment`], as for the fields below.
    pub description: String,
    /// Which engine.
    pub engine: Engine,
    /// The full version.
    pub engine_version: String,
    /// What nodes speak as.
    pub profile: String,
    /// How big its nodes are.
    pub size: NodeSize,
    /// The port of its endpoints.
    pub port: u16,
    /// Whether a replica takes over by itself.
    pub automatic_failover: bool,
    /// Whether its members are spread.
    pub multi_az: bool,
    /// What is only described.
    pub settings: Settings,
    /// What nodes are configured with.
    #[serde(default)]
    pub parameters: NodeParameters,
    /// Its tags; members of a group begin with the same.
    pub tags: BTreeMap<String, String>,
    /// The first becomes the primary.
    pub members: Vec<NewMember>,
    /// The address of the primary endpoint, where it is not to be taken from the pool.
    pub primary_ip: Option<Ipv4Addr>,
}

/// A member to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMember {
    /// Its name.
    pub name: String,
    /// Where.
    pub availability_zone: String,
    /// Tags of its own, besides those of the group.
    pub tags: BTreeMap<String, String>,
}

/// What shall be different.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// `ReplicationGroupDescription`
    pub description: Option<String>,
    /// Nodes of another size replace those there are.
    pub size: Option<NodeSize>,
    /// Automatic failover on or off.
    pub automatic_failover: Option<bool>,
    /// Multi-AZ on or off. Members stay where they are.
    pub multi_az: Option<bool>,
    /// All that is only described.
    pub settings: Option<Settings>,
    /// All that nodes are configured with.
    #[serde(default)]
    pub parameters: Option<NodeParameters>,
}
