//! What the plan asks of an agent, and what an agent reports.
//!
//! Steps are about nodes (processes) and listeners, never about AWS. Each can be repeated: an agent that finds it done says so. A
//! step that changes what a node is carries the shard's epoch, and the node refuses an older one; so a step that survives
//! the control plane that sent it does no harm. A step has no time: the plan asks for it when it is needed, and again if it is
//! still needed after the first try has ended.

use crate::record::{NodeRecord, Origin};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use supervision::{Endpoint, Position, Refusal, Revision, Status};

/// A node: one process with a directory of its own. Never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    /// `n17`, which is also the name of its directory.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

/// What a node is started with, beyond what the agent itself decides (directories, sockets).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NodeSpec {
    /// The server it speaks as: `valkey-8.0`.
    pub profile: String,
    /// Worker threads.
    pub workers: u32,
    /// Other parameters of its configuration file, name and value.
    pub parameters: Vec<(String, String)>,
    /// What the node tells of them.
    pub revision: Revision,
    /// What people call it, for the agent's log: `web-001`.
    pub label: String,
    /// What its directory is marked with.
    pub record: Box<NodeRecord>,
}

/// A role by the agent's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Assignment {
    /// Takes writes.
    Primary,
    /// Follows a node, whose own address clients see.
    Replica {
        /// The primary.
        of: NodeId,
        /// Where the primary's clients reach it: [`Endpoint::Node`].
        address: SocketAddr,
    },
}

/// One thing for an agent to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Step {
    /// Have its process running: makes the directory if it is missing. Finished when the private socket answers.
    Start {
        /// The node.
        node: NodeId,
        /// What it is started with. Written down at the first start and at every later one.
        spec: NodeSpec,
    },
    /// SIGKILL. Finished when the process can never serve again (it is exiting, even if its memory is still being freed).
    Kill {
        /// The node.
        node: NodeId,
    },
    /// End it cleanly, with its data in its file. Finished when it has ended. It fails if the node cannot save its data or does
    /// not end in time; then the node is left alone.
    Stop {
        /// The node.
        node: NodeId,
    },
    /// Kill it and remove its directory. Its own endpoint stays open for the node that takes its place, until [`Step::Close`].
    Remove {
        /// The node.
        node: NodeId,
    },
    /// Give it a role.
    Assign {
        /// The node.
        node: NodeId,
        /// The shard's epoch.
        epoch: u64,
        /// The role.
        role: Assignment,
    },
    /// See [`supervision::Request::Drain`]. Finished with [`Outcome::Position`].
    Drain {
        /// The node.
        node: NodeId,
        /// The epoch of the failover.
        epoch: u64,
    },
    /// A planned change of the primary: pause writes at the old one, wait until the new one has everything, make the old one its
    /// replica, make the new one the primary. On a failure before the old one has lost its role everything is as before;
    /// afterwards the plan sees what has become of the two and goes on from there.
    Handover {
        /// The primary until now.
        from: NodeId,
        /// Its own address.
        from_address: SocketAddr,
        /// The primary from now on.
        to: NodeId,
        /// Its own address.
        to_address: SocketAddr,
        /// The new epoch.
        epoch: u64,
    },
    /// Have the node accept on an endpoint. The agent opens the listener if it does not have it yet: one for each
    /// address, but for [`Endpoint::Reader`] one for each node on the same address.
    Listen {
        /// The node.
        node: NodeId,
        /// What clients reach.
        endpoint: Endpoint,
        /// Where.
        address: SocketAddr,
    },
    /// Take an endpoint away from a node. For [`Endpoint::Reader`] its listener is closed, for the others the agent keeps it, so
    /// clients that connect wait for the next owner.
    Unlisten {
        /// The node.
        node: NodeId,
        /// What clients reach.
        endpoint: Endpoint,
    },
    /// Close the agent's listener: nobody will own this endpoint again.
    Close {
        /// What clients reached.
        endpoint: Endpoint,
        /// Where.
        address: SocketAddr,
    },
    /// Set parameters of the running node.
    Configure {
        /// The node.
        node: NodeId,
        /// Names and values.
        parameters: Vec<(String, String)>,
        /// What the node tells of them from then on.
        at_once: u64,
    },
}

impl Step {
    /// The node it is about; for a handover the new primary; none for [`Step::Close`].
    pub fn node(&self) -> Option<NodeId> {
        match self {
            Step::Start { node, .. }
            | Step::Kill { node }
            | Step::Stop { node }
            | Step::Remove { node }
            | Step::Assign { node, .. }
            | Step::Drain { node, .. }
            | Step::Listen { node, .. }
            | Step::Unlisten { node, .. }
            | Step::Configure { node, .. } => Some(*node),
            Step::Handover { to, .. } => Some(*to),
            Step::Close { .. } => None,
        }
    }
}

/// What a finished step brings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is so.
    Done,
    /// Of [`Step::Drain`]: how far the node is, and whether its data is complete.
    Position {
        /// How far.
        position: Position,
        /// See [`Status::holds_data`].
        holds_data: bool,
    },
}

/// Why a step did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum StepError {
    /// Somebody else listens there.
    #[error("{0} is already in use")]
    AddressInUse(SocketAddr),
    /// The process ended before it was done, or was not running.
    #[error("the node is gone")]
    NodeGone,
    /// The node did not do it.
    #[error(transparent)]
    Refused(Refusal),
    /// Of [`Step::Stop`]: the process has ended in this way, and what it held is in no file.
    #[error("{0}")]
    Unsaved(String),
    /// Anything else: the file system, the program, a time limit.
    #[error("{0}")]
    Failed(String),
}

/// What an agent sees of a node's process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Process {
    /// No directory.
    #[default]
    Absent,
    /// Running, but its private socket does not answer yet.
    Starting,
    /// Running, and it answers; or it is merely slow, because the machine is busy.
    Running,
    /// Running, but stopped or dead in a lock: it answers nothing and nothing in it moves.
    Hung,
    /// Gone, or exiting for good. The directory is there.
    Ended,
}

/// What an agent knows of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// Its process.
    pub process: Process,
    /// The last answer of this very process; none until the first.
    pub status: Option<Status>,
    /// The process, while it is one that an earlier control plane has left and has not been reached by its socket.
    #[serde(default)]
    pub unreached: Option<Unreached>,
}

impl Observed {
    /// Its process id, if it was heard of.
    pub fn pid(&self) -> Option<u32> {
        let answered = self.status.as_ref().map(|status| status.pid);
        answered.or(self.unreached.as_ref().map(|process| process.pid))
    }
}

/// A process that holds the lock of a node's directory, and cannot be spoken to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreached {
    /// Its process id.
    pub pid: u32,
    /// Where its private socket is to be.
    pub socket: PathBuf,
}

/// What an agent tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// How a node is: at once when its process, role, epoch, link, listeners or readiness change, and about once a second
    /// otherwise.
    Observed {
        /// The node.
        node: NodeId,
        /// How it is.
        observed: Box<Observed>,
    },
    /// A directory with a node's name was found that is not that node's.
    Stranger {
        /// The node whose name it has.
        node: NodeId,
        /// What it was made for, if it says so.
        origin: Option<Origin>,
        /// Where it is now; `None` while its process runs, which is left alone.
        moved_to: Option<PathBuf>,
    },
    /// A step has ended. What it changed has been reported before.
    Finished {
        /// The number it was asked for with.
        ticket: u64,
        /// How it ended.
        outcome: Result<Outcome, StepError>,
    },
}
