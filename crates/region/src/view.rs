//! What `engram status` shows: the desired deployments, with the observed state of their nodes.

use agent::Stranger;
use fleet::step::{NodeId, Observed, Process, Unreached};
use fleet::{Deployment, DeploymentId, Fleet, Member, Phase, Reconciler, Shard};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;

/// The region of a process whose directory does not say what it was made for.
const UNKNOWN: &str = "unknown";

/// A region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegionView {
    /// `us-east-1`
    pub name: String,
    /// Its deployments, groups first, by id.
    pub deployments: Vec<DeploymentView>,
    /// Processes that live in directories of this region's nodes and are none of them.
    #[serde(default)]
    pub strangers: Vec<StrangerView>,
}

/// A process that is no node's of this log, and is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StrangerView {
    /// `n17`, the name of the directory.
    pub node: String,
    /// The directory, whose lock it holds.
    pub directory: PathBuf,
    /// Its process id, where the system tells.
    pub pid: Option<u32>,
    /// What the directory was made for, if it says so.
    pub origin: Option<String>,
}

impl StrangerView {
    pub(crate) fn of(stranger: &Stranger) -> StrangerView {
        StrangerView {
            node: stranger.node.to_string(),
            directory: stranger.directory.clone(),
            pid: stranger.pid,
            origin: stranger.origin.as_ref().map(ToString::to_string),
        }
    }
}

impl fmt::Display for StrangerView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (process, end) = match self.pid {
            Some(pid) => (format!("the process {pid}"), format!("end it with kill {pid}")),
            None => ("a process".to_owned(), "find it and end it with SIGTERM".to_owned()),
        };
        let made_for = self.origin.as_ref().map_or(String::new(), |of| format!(", made for {of},"));
        write!(
            f,
            "{process} holds the lock of {}{made_for} and is no node of this region, so it is left alone; if nobody needs it, \
             {end}: it saves its data, and the next start moves the directory aside",
            self.directory.display()
        )
    }
}

/// A deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeploymentView {
    /// Its id.
    pub id: String,
    /// `replication-group` or `cache-cluster`
    pub kind: String,
    /// As AWS shows it.
    pub status: String,
    /// `valkey`
    pub engine: String,
    /// `8.0.1`
    pub engine_version: String,
    /// `cache.t4g.micro`
    pub node_type: String,
    /// Where writes go.
    pub primary_endpoint: String,
    /// Where reads may go; none for a cluster alone.
    pub reader_endpoint: Option<String>,
    /// Why it is not what was asked for and what to do, if it will not become so by itself.
    #[serde(default)]
    pub reason: Option<String>,
    /// Its nodes.
    pub nodes: Vec<NodeView>,
}

/// A node of a deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeView {
    /// `web-001`
    pub member: String,
    /// `n17`, the name of its directory.
    pub node: String,
    /// `primary` or `replica`, as users see it.
    pub role: String,
    /// As AWS shows it.
    pub status: String,
    /// `running`, `starting`, `hung`, `ended` or `absent`
    pub process: String,
    /// Why the last step that was to make it what it should be failed.
    #[serde(default)]
    pub failure: Option<String>,
    /// Why it is not up, and what to do where it does not come up by itself.
    #[serde(default)]
    pub reason: Option<String>,
    /// Its process id, while there is one.
    pub pid: Option<u32>,
    /// `us-east-1a`
    pub availability_zone: String,
    /// Its own endpoint.
    pub endpoint: String,
    /// Memory in use, in bytes.
    pub used_memory_bytes: u64,
    /// Its limit, in bytes.
    pub maxmemory_bytes: u64,
    /// Keys in all databases.
    pub keys: u64,
    /// Connections of clients.
    pub clients: u64,
    /// Bytes of the stream that it has.
    pub offset: u64,
}

/// Everything.
pub(crate) fn look(
    fleet: &Fleet,
    seen: &Reconciler,
    failures: &HashMap<NodeId, String>,
    strangers: &[Stranger],
) -> Vec<RegionView> {
    let mut regions: BTreeMap<&str, (Vec<DeploymentView>, Vec<StrangerView>)> = BTreeMap::new();
    for (region, deployment) in fleet.deployments() {
        regions.entry(region).or_default().0.push(view(fleet, region, deployment, seen, failures));
    }
    for stranger in strangers {
        let region = stranger.origin.as_ref().map_or(UNKNOWN, |origin| origin.region.as_str());
        regions.entry(region).or_default().1.push(StrangerView::of(stranger));
    }
    let view = |(name, (deployments, strangers)): (&str, _)| RegionView {
        name: name.to_owned(),
        deployments,
        strangers,
    };
    regions.into_iter().map(view).collect()
}

fn view(
    fleet: &Fleet,
    region: &str,
    deployment: &Deployment,
    seen: &Reconciler,
    failures: &HashMap<NodeId, String>,
) -> DeploymentView {
    let (kind, is_group) = match deployment.id {
        DeploymentId::Group(_) => ("replication-group", true),
        DeploymentId::Cluster(_) => ("cache-cluster", false),
    };
    let address = |of: fn(&Shard) -> std::net::SocketAddr| {
        deployment.shards.first().map(|shard| of(shard).to_string()).unwrap_or_default()
    };
    DeploymentView {
        id: deployment.id.name().to_owned(),
        kind: kind.to_owned(),
        status: deployment.status().to_owned(),
        engine: deployment.engine.to_string(),
        engine_version: deployment.engine_version.clone(),
        node_type: deployment.size.node_type.clone(),
        primary_endpoint: address(|shard| shard.primary_address),
        reader_endpoint: is_group.then(|| address(|shard| shard.reader_address)),
        reason: (deployment.phase == Phase::CreateFailed).then(|| why_not_made(fleet, region, deployment)),
        nodes: deployment
            .members()
            .map(|(shard, member)| node(deployment, shard, member, seen, failures))
            .collect(),
    }
}

/// By the event that told of it.
fn why_not_made(fleet: &Fleet, region: &str, deployment: &Deployment) -> String {
    let name = deployment.id.name();
    let mut events = fleet.regions.get(region).into_iter().flat_map(|region| region.events.iter().rev());
    let failure = events.find(|event| event.source_id == name && event.is_failed_creation());
    let why = failure.map_or("It could not be made", |event| event.message.as_str());
    format!("{why}. Mend the cause, delete it, and create it again")
}

/// Why a node is not up.
fn reason(observed: &Observed, failure: Option<&String>) -> Option<String> {
    if let Some(Unreached { pid, socket }) = &observed.unreached {
        let socket = socket.display();
        return Some(format!(
            "its process {pid} runs from an earlier start and cannot be reached by its socket {socket}; it makes the socket \
             again within seconds if it can. If it does not, end it with kill {pid}: it saves its data first, and starts \
             again with that data"
        ));
    }
    let of_process = match observed.process {
        Process::Hung => Some("its process hangs; the control plane replaces it".to_owned()),
        Process::Ended => Some("its process has ended".to_owned()),
        Process::Absent | Process::Starting | Process::Running => None,
    };
    failure.cloned().or(of_process)
}

/// What a process does.
pub(crate) fn words_of(process: Process) -> &'static str {
    match process {
        Process::Absent => "is not there",
        Process::Starting => "is starting",
        Process::Running => "runs",
        Process::Hung => "hangs: none of its threads moves",
        Process::Ended => "has ended",
    }
}

fn name_of(process: Process) -> &'static str {
    match process {
        Process::Absent => "absent",
        Process::Starting => "starting",
        Process::Running => "running",
        Process::Hung => "hung",
        Process::Ended => "ended",
    }
}

fn node(
    deployment: &Deployment,
    shard: &Shard,
    member: &Member,
    seen: &Reconciler,
    failures: &HashMap<NodeId, String>,
) -> NodeView {
    let id: NodeId = member.node.id;
    let observed = seen.seen(id);
    let status = observed.status.as_ref().filter(|_| observed.process == Process::Running);
    NodeView {
        member: member.name.clone(),
        node: id.to_string(),
        role: if shard.is_primary(member) { "primary" } else { "replica" }.to_owned(),
        status: member.status(deployment).to_owned(),
        process: name_of(observed.process).to_owned(),
        failure: failures.get(&id).cloned(),
        reason: reason(observed, failures.get(&id)),
        pid: status.map(|status| status.pid).or(observed.unreached.as_ref().map(|it| it.pid)),
        availability_zone: member.availability_zone.clone(),
        endpoint: member.address.to_string(),
        used_memory_bytes: status.map_or(0, |status| status.used_memory_bytes),
        maxmemory_bytes: deployment.parameters.maxmemory(&member.node.size),
        keys: status.map_or(0, |status| status.keys),
        clients: status.map_or(0, |status| status.clients),
        offset: status.map_or(0, |status| status.position.offset),
    }
}
