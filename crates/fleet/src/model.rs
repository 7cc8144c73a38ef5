//! The state that the control plane keeps: deployments, as they should be, and how far they have come.
//!
//! ```text
//!   Fleet ─┬─ Region ─┬─ groups   ─ Deployment ─ Shard ─ Member ─ Node (one process)
//!          │          └─ clusters ─ Deployment        └─ replacement: Node
//!          └─ hosts, and a record of each node: where it runs, what it was made for
//! ```
//! A *deployment* is the only model; a replication group and a lone cache cluster are two faces of it. Clients and
//! users know a *member* by name and address (`web-001`); the *node* behind it changes when the member gets another size, and nobody
//! notices. Everything here is in the log, so nothing is here that only an agent can know: an observation enters by a command.

use crate::address::AddressPool;
use crate::apply::ApplyError;
use crate::command::{Changes, Command};
use crate::event::Event;
use crate::parameters::{NodeParameters, ParameterGroup};
use crate::record::{HostId, HostRecord, NodeRecord};
use crate::step::NodeId;
use crate::window::MaintenanceWindow;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use supervision::Endpoint;

/// Everything that the control plane keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fleet {
    /// By the name in the scope of a request's credentials: `us-east-1`. Made by the first command that names it.
    pub regions: BTreeMap<String, Region>,
    /// Nodes that nobody needs any more, until their directories are gone.
    pub retired: BTreeSet<NodeId>,
    /// Listeners that nobody will own again, until they are closed.
    pub released: BTreeSet<(Endpoint, SocketAddr)>,
    /// The hosts that run nodes.
    pub hosts: BTreeMap<HostId, HostRecord>,
    /// Every node that is some member's, or retired.
    pub nodes: BTreeMap<NodeId, NodeRecord>,
    pub(crate) next_node: u64,
}

/// One region. Regions know nothing of each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Replication groups by id.
    pub groups: BTreeMap<String, Deployment>,
    /// Cache clusters that belong to no group, by id.
    pub clusters: BTreeMap<String, Deployment>,
    /// Subnet groups by name. The default one is here only once it was changed.
    #[serde(default)]
    pub subnet_groups: BTreeMap<String, SubnetGroup>,
    /// Parameter groups that users made, by name.
    #[serde(default)]
    pub parameter_groups: BTreeMap<String, ParameterGroup>,
    /// What has happened, oldest first.
    pub events: VecDeque<Event>,
    /// How many have happened before the first of them.
    #[serde(default)]
    pub forgotten_events: u64,
}

/// A cache subnet group. Nodes need none: it says in which zones they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubnetGroup {
    /// In lower case.
    pub name: String,
    /// `CacheSubnetGroupDescription`
    pub description: String,
    /// Ids of subnets, in the order in which they were given.
    pub subnets: Vec<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// Which face a deployment has, and its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DeploymentId {
    /// A replication group.
    Group(String),
    /// A cache cluster alone.
    Cluster(String),
}

impl DeploymentId {
    /// The id without its kind.
    pub fn name(&self) -> &str {
        match self {
            DeploymentId::Group(name) | DeploymentId::Cluster(name) => name,
        }
    }
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeploymentId::Group(name) => write!(f, "replication group {name}"),
            DeploymentId::Cluster(name) => write!(f, "cache cluster {name}"),
        }
    }
}

/// Valkey or Redis OSS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Engine {
    /// `valkey`
    Valkey,
    /// `redis`
    Redis,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Engine::Valkey => "valkey",
            Engine::Redis => "redis",
        })
    }
}

/// How big a node is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "KeptSize")]
pub struct NodeSize {
    /// `cache.t4g.micro`
    pub node_type: String,
    /// The type's memory, in bytes. Data may take what is not reserved of it: [`NodeParameters::maxmemory`].
    pub memory_bytes: u64,
    /// Its vCPUs; the host's cores limit the workers further.
    pub vcpus: u32,
    /// Connections that it takes.
    pub maxclients: u32,
}

/// A size as any version has written it.
#[derive(Deserialize)]
struct KeptSize {
    node_type: String,
    memory_bytes: Option<u64>,
    /// Of versions 1 and 2: what data may take, with a quarter reserved.
    maxmemory_bytes: Option<u64>,
    vcpus: u32,
    /// Missing in versions 1 and 2: all types took the same.
    maxclients: Option<u32>,
}

impl From<KeptSize> for NodeSize {
    fn from(kept: KeptSize) -> NodeSize {
        let of_data = kept.maxmemory_bytes.unwrap_or_default();
        NodeSize {
            node_type: kept.node_type,
            memory_bytes: kept.memory_bytes.unwrap_or(of_data / 75 * 100),
            vcpus: kept.vcpus,
            maxclients: kept.maxclients.unwrap_or(65_000),
        }
    }
}

/// A deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Its kind and id.
    pub id: DeploymentId,
    /// `ReplicationGroupDescription`; empty for a cluster.
    pub description: String,
    /// Which engine.
    pub engine: Engine,
    /// The full version that is shown: `8.0.1`.
    pub engine_version: String,
    /// The profile that its nodes are started with: `valkey-8.0`.
    pub profile: String,
    /// The size that its nodes have, or are getting.
    pub size: NodeSize,
    /// The size that its nodes get in the next maintenance window.
    #[serde(default)]
    pub deferred_size: Option<NodeSize>,
    /// The port that was asked for.
    pub port: u16,
    /// Where it stands.
    pub phase: Phase,
    /// Whether a replica takes over by itself when the primary is lost.
    pub automatic_failover: bool,
    /// Whether members are spread over availability zones.
    pub multi_az: bool,
    /// What is only described: stored, shown, without an effect on nodes.
    pub settings: Settings,
    /// What its nodes are configured with: of the parameter group that the settings name.
    #[serde(default)]
    pub parameters: NodeParameters,
    /// Tags of the group, or of the cluster alone.
    pub tags: BTreeMap<String, String>,
    /// When it was made, Unix ms.
    pub created_at_ms: u64,
    /// Its shards; one while cluster mode is off.
    pub shards: Vec<Shard>,
}

/// What a deployment is described by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// `default.valkey8`
    pub parameter_group: String,
    /// `default`
    pub subnet_group: String,
    /// `sun:05:00-sun:06:00`
    pub maintenance_window: String,
    /// `03:00-04:00`
    pub snapshot_window: String,
    /// Days that automatic snapshots are kept; 0 for none.
    pub snapshot_retention_days: u32,
    /// The member that automatic snapshots are taken from.
    pub snapshotting_cluster: Option<String>,
    /// `AutoMinorVersionUpgrade`
    pub auto_minor_version_upgrade: bool,
    /// Names of VPC security groups.
    pub security_groups: Vec<String>,
}

/// Where a deployment stands. `Modifying` and the states of members together make the status that AWS shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Its first nodes are coming up.
    Creating,
    /// Everything that was asked for is there.
    Available,
    /// Something that was asked for is under way.
    Modifying,
    /// Its nodes are being removed.
    Deleting,
    /// It could not be made; it can only be deleted.
    CreateFailed,
}

/// A part of the keyspace with one primary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// `0001`
    pub id: String,
    /// The highest epoch that was used for it.
    pub epoch: u64,
    /// The node that takes writes, or is meant to.
    pub primary: NodeId,
    /// A planned change that has begun: the node that is to be the primary with `epoch`.
    pub handover: Option<NodeId>,
    /// The primary only keeps the data for this member, which has lost it and is to be the primary again: automatic failover is
    /// off. Meanwhile nobody has the primary endpoint.
    pub stands_in_for: Option<String>,
    /// The primary is to be killed, as a test.
    pub test_failover: bool,
    /// The member that shall be the primary, by wish of the user.
    pub wanted_primary: Option<String>,
    /// The primary endpoint.
    pub primary_address: SocketAddr,
    /// The reader endpoint.
    pub reader_address: SocketAddr,
    /// In the order of their making.
    pub members: Vec<Member>,
}

/// A named place in a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// `web-001`; of a cluster alone its id.
    pub name: String,
    /// `us-east-1a`
    pub availability_zone: String,
    /// Its own endpoint.
    pub address: SocketAddr,
    /// How it is.
    pub state: MemberState,
    /// The process that serves it.
    pub node: Node,
    /// Whether its node has the parameters that it should have.
    #[serde(default)]
    pub parameters: ParameterStatus,
    /// What its node has of the parameters that only a start can change; empty where a version wrote this that did not know.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub at_start: BTreeMap<String, String>,
    /// The process that will.
    pub replacement: Option<Node>,
    /// Tags of the member as a cache cluster.
    pub tags: BTreeMap<String, String>,
    /// When it was made, Unix ms.
    pub created_at_ms: u64,
}

/// How a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemberState {
    /// Its first node is coming up.
    Creating,
    /// It serves.
    Available,
    /// Its node was lost and is coming back.
    Recovering,
    /// It is being restarted by wish of the user: its process is to be killed once (`kill`), then comes back.
    Rebooting {
        /// Not killed yet.
        kill: bool,
    },
    /// It is leaving the shard.
    Deleting,
}

/// `ParameterApplyStatus`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParameterStatus {
    /// It has them all.
    #[default]
    InSync,
    /// It is being given them.
    Applying,
    /// Some come with its next start.
    PendingReboot,
}

impl ParameterStatus {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            ParameterStatus::InSync => "in-sync",
            ParameterStatus::Applying => "applying",
            ParameterStatus::PendingReboot => "pending-reboot",
        }
    }
}

/// A process that serves a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// Its size.
    pub size: NodeSize,
}

impl Fleet {
    /// An empty fleet of one host, which takes addresses from a pool.
    pub fn new(addresses: AddressPool) -> Fleet {
        Fleet {
            regions: BTreeMap::new(),
            retired: BTreeSet::new(),
            released: BTreeSet::new(),
            hosts: BTreeMap::from([(HostId::LOCAL, HostRecord { addresses })]),
            nodes: BTreeMap::new(),
            next_node: 1,
        }
    }

    /// Takes the directories of all nodes there are for theirs although they may have no mark: the program that made them set
    /// none.
    pub fn expect_unmarked(&mut self) {
        self.nodes.values_mut().for_each(|record| record.unmarked = true);
    }

    /// Whether what the rest takes for granted holds, of a state that was read.
    ///
    /// # Errors
    /// [`ApplyError::Missing`], of the record of a node or of the local host.
    pub fn check(&self) -> Result<(), ApplyError> {
        let missing = |what: String| Err(ApplyError::Missing(what));
        if !self.hosts.contains_key(&HostId::LOCAL) {
            return missing(format!("host {}", HostId::LOCAL));
        }
        let members = self.deployments().flat_map(|(_, deployment)| deployment.members());
        let nodes = members.flat_map(|(_, member)| member.nodes()).map(|node| node.id);
        match nodes.chain(self.retired.iter().copied()).find(|node| !self.nodes.contains_key(node)) {
            Some(node) => missing(format!("the record of {node}")),
            None => Ok(()),
        }
    }

    /// All deployments, with the names of their regions.
    pub fn deployments(&self) -> impl Iterator<Item = (&str, &Deployment)> {
        self.regions.iter().flat_map(|(name, region)| {
            region.groups.values().chain(region.clusters.values()).map(move |one| (name.as_str(), one))
        })
    }

    /// A deployment of a region.
    pub fn deployment(&self, region: &str, id: &DeploymentId) -> Option<&Deployment> {
        self.regions.get(region)?.deployment(id)
    }
}

impl Fleet {
    /// What maintenance windows that are open now (Unix ms) are to bring, with the names of regions. A deployment that is being
    /// changed gets it once it is available.
    pub fn due(&self, now_ms: u64) -> Vec<(String, Command)> {
        let due = self
            .deferred()
            .filter(|(_, one, window, _)| one.status() == "available" && window.contains(now_ms));
        due.map(|(region, one, _, size)| {
            let changes = Box::new(Changes { size: Some(size.clone()), ..Changes::default() });
            (region.to_owned(), Command::Modify { id: one.id.clone(), changes })
        })
        .collect()
    }

    /// When the next maintenance window that has something to bring begins, behind a time (both Unix ms).
    pub fn next_window(&self, after_ms: u64) -> Option<u64> {
        self.deferred().map(|(_, _, window, _)| window.next_start(after_ms)).min()
    }

    fn deferred(&self) -> impl Iterator<Item = (&str, &Deployment, MaintenanceWindow, &NodeSize)> {
        self.deployments().filter_map(|(region, one)| {
            let size = one.deferred_size.as_ref()?;
            Some((region, one, MaintenanceWindow::parse(&one.settings.maintenance_window)?, size))
        })
    }
}

impl Region {
    /// A deployment.
    pub fn deployment(&self, id: &DeploymentId) -> Option<&Deployment> {
        match id {
            DeploymentId::Group(name) => self.groups.get(name),
            DeploymentId::Cluster(name) => self.clusters.get(name),
        }
    }

    pub(crate) fn deployment_mut(&mut self, id: &DeploymentId) -> Option<&mut Deployment> {
        match id {
            DeploymentId::Group(name) => self.groups.get_mut(name),
            DeploymentId::Cluster(name) => self.clusters.get_mut(name),
        }
    }

    /// The cache clusters by id, alone or members of groups: each with its deployment and shard.
    pub fn cache_clusters(&self) -> BTreeMap<&str, (&Deployment, &Shard, &Member)> {
        let all = self.groups.values().chain(self.clusters.values());
        let members = all.flat_map(|one| {
            one.shards.iter().flat_map(move |shard| shard.members.iter().map(move |m| (one, shard, m)))
        });
        members.map(|found| (found.2.name.as_str(), found)).collect()
    }
}

impl Deployment {
    /// All members with their shards.
    pub fn members(&self) -> impl Iterator<Item = (&Shard, &Member)> {
        self.shards.iter().flat_map(|shard| shard.members.iter().map(move |member| (shard, member)))
    }

    /// The status that AWS shows: what is really going on.
    pub fn status(&self) -> &'static str {
        let unsettled = || self.members().any(|(_, member)| member.state != MemberState::Available);
        match self.phase {
            Phase::Creating => "creating",
            Phase::Deleting => "deleting",
            Phase::CreateFailed => "create-failed",
            Phase::Modifying => "modifying",
            Phase::Available if unsettled() => "modifying",
            Phase::Available => "available",
        }
    }
}

impl Shard {
    /// The member whose node is the primary.
    pub fn primary_member(&self) -> Option<&Member> {
        self.members.iter().find(|member| member.runs(self.primary))
    }

    /// A member by its name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    pub(crate) fn member_mut(&mut self, name: &str) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.name == name)
    }

    /// What a member shows as its role: the primary, as users are to see it.
    pub fn is_primary(&self, member: &Member) -> bool {
        match &self.stands_in_for {
            Some(name) => member.name == *name,
            None => member.runs(self.primary),
        }
    }
}

impl Member {
    /// Whether a node is this member's, now or in future.
    pub fn runs(&self, node: NodeId) -> bool {
        self.node.id == node || self.replacement.as_ref().is_some_and(|replacement| replacement.id == node)
    }

    /// Its nodes.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        std::iter::once(&self.node).chain(&self.replacement)
    }

    /// The status that AWS shows of a cache cluster.
    pub fn status(&self, deployment: &Deployment) -> &'static str {
        match (&deployment.phase, self.state) {
            (Phase::Deleting, _) | (_, MemberState::Deleting) => "deleting",
            (Phase::CreateFailed, _) => "create-failed",
            (_, MemberState::Creating) => "creating",
            (_, MemberState::Rebooting { .. }) => "rebooting cluster nodes",
            (_, MemberState::Recovering) => "modifying",
            (_, MemberState::Available) if self.replacement.is_some() => "modifying",
            (_, MemberState::Available) => "available",
        }
    }
}
