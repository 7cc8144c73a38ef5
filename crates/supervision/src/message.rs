//! Requests and replies.

use crate::reading::Measured;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

/// What the agent asks of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Asks for the node's status. Answered by [`Reply::Status`], without any lock.
    Status,
    /// Asks for everything that the node measures: [`Reply::Measured`]. It may wait for short locks, so it has a connection of its
    /// own. Since version 3.
    Measure,
    /// Assigns a role. Answered by [`Reply::Done`] once the node has it (a replica: once it follows, not once it is in sync).
    Assign {
        /// The shard's epoch.
        epoch: u64,
        /// The role.
        role: Role,
        /// For a primary that becomes a replica: the position at which it was paused. A primary that has moved on refuses
        /// ([`Refusal::Moved`]): it has writes that the new primary does not have. Since version 2.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Position>,
    },
    /// Stop following after having applied everything that has arrived, and say how far that is: [`Reply::Position`]. The node
    /// stays a read-only replica without a link until it is assigned a role. On a primary: refused.
    Drain {
        /// The epoch that the decision is made for.
        epoch: u64,
    },
    /// Accept connections on the listener that comes with this frame.
    Listen {
        /// What clients reach by it.
        endpoint: Endpoint,
        /// Where it listens.
        address: SocketAddr,
    },
    /// Accept no more by this endpoint, and close the connections that came by it.
    Unlisten {
        /// Which one.
        endpoint: Endpoint,
    },
    /// Hand out second handles of all listeners: [`Reply::Listeners`], a descriptor for each in the same order.
    Listeners,
    /// Run no write (expiry and eviction included) until `ResumeWrites`, an assigned role, or the time is over. Answered by
    /// [`Reply::Position`] when the last write that had begun is in the stream.
    PauseWrites {
        /// The epoch that the decision is made for.
        epoch: u64,
        /// The longest that clients may be kept waiting, should the agent vanish, in ms.
        for_ms: u64,
    },
    /// End a pause.
    ResumeWrites {
        /// The epoch of the pause.
        epoch: u64,
    },
    /// Answer with [`Reply::Position`] as soon as the replica has applied up to this offset of this history.
    AwaitPosition {
        /// What is to be reached.
        position: Position,
        /// After this long: [`Refusal::NotReached`], in ms.
        for_ms: u64,
    },
    /// Set configuration parameters, as CONFIG SET does: all or none.
    Configure {
        /// Names and values.
        parameters: Vec<(String, String)>,
        /// The node tells it as [`Revision::at_once`] from then on. Programs that know no revisions do not send it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at_once: Option<u64>,
    },
    /// End the process cleanly. Answered by [`Reply::Done`] once the data is in its file and nothing prevents the end, which
    /// follows; by [`Refusal::Unsaved`] if the node keeps running. (A node from before that refusal existed answers at once.)
    Shutdown {
        /// Write the data to the node's RDB file, if there is any.
        save: bool,
    },
}

/// What a node answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// The answer to [`Request::Status`].
    Status(Box<Status>),
    /// The answer to [`Request::Measure`]. Since version 3.
    Measured(Measured),
    /// The request was carried out.
    Done,
    /// How far the node's data is.
    Position(Position),
    /// The listeners whose descriptors come with this frame.
    Listeners(Vec<Listening>),
    /// The request was refused, and nothing has changed.
    Refused(Refusal),
}

/// Why a node did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// The node has seen a later epoch.
    #[error("the node has seen epoch {seen}")]
    OldEpoch {
        /// The node's epoch.
        seen: u64,
    },
    /// The node does not have the role that the request needs, or not yet (it loads its file).
    #[error("the node is {0}")]
    WrongRole(String),
    /// A position was not reached in time; the node is here.
    #[error("the node has only reached offset {} of history {}", .0.offset, .0.history)]
    NotReached(Position),
    /// The primary has moved from where it was paused to this position. Since version 2.
    #[error("the node has gone on to offset {} of history {}", .0.offset, .0.history)]
    Moved(Position),
    /// The data could not be written, for this reason, so the node keeps running. Since version 2.
    #[error("the data cannot be saved: {0}")]
    Unsaved(String),
    /// The request makes no sense: a listener is missing, a parameter is unknown.
    #[error("{0}")]
    Invalid(String),
}

/// What a node is for its shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Just started: serves nobody.
    Unassigned,
    /// Takes writes.
    Primary,
    /// Follows.
    Replica(Upstream),
    /// Was a replica; follows nobody until it is assigned a role.
    Drained,
}

/// Where a replica gets its data from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upstream {
    /// The id of the primary's node.
    pub node: String,
    /// The primary's trusted data socket, by which PSYNC is permitted.
    pub socket: PathBuf,
    /// The primary's own address, as INFO and ROLE show it.
    pub address: SocketAddr,
}

/// Which endpoint a listener of a node serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Endpoint {
    /// The node itself, whatever its role.
    Node,
    /// The primary of the shard.
    Primary,
    /// Any replica of the shard.
    Reader,
}

/// A listener of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Listening {
    /// What clients reach by it.
    pub endpoint: Endpoint,
    /// Where.
    pub address: SocketAddr,
}

/// A place in a history of writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The replication id: 40 hexadecimal digits.
    pub history: String,
    /// Bytes of the stream since its beginning.
    pub offset: u64,
}

/// A node's status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The id it was started with.
    pub node: String,
    /// Its process.
    pub pid: u32,
    /// The highest epoch it has seen; 0 before any.
    pub epoch: u64,
    /// Its role.
    pub role: Role,
    /// The link of a replica; [`Link::Down`] for everybody else.
    pub link: Link,
    /// The data is complete: a primary's always is once it is assigned, a replica's after its first full synchronisation.
    pub holds_data: bool,
    /// A file or a full synchronisation is being loaded.
    pub loading: bool,
    /// How far it is.
    pub position: Position,
    /// What it listens on.
    pub listening: Vec<Listening>,
    /// Writes are paused by [`Request::PauseWrites`].
    pub writes_paused: bool,
    /// Its worker threads, in their order.
    pub workers: Vec<WorkerProgress>,
    /// Memory in use, in bytes.
    pub used_memory_bytes: u64,
    /// Its limit, in bytes; 0 for none.
    pub maxmemory_bytes: u64,
    /// Keys in all databases.
    pub keys: u64,
    /// Connections of clients.
    pub clients: u64,
    /// Those of them that came by each endpoint, and end with it. A node of an earlier version does not tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub endpoint_clients: BTreeMap<Endpoint, u64>,
    /// Replicas whose link is up.
    pub connected_replicas: u64,
    /// Which parameters it has. A node that was started without a revision has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<Revision>,
}

/// Which parameters a node has, by digests that only the agent's side can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Revision {
    /// Of those that it can be given while it runs.
    pub at_once: u64,
    /// Of those that it has from its start on.
    pub at_start: u64,
}

impl fmt::Display for Revision {
    /// As the node's configuration file has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:016x}", self.at_once, self.at_start)
    }
}

impl FromStr for Revision {
    type Err = NotRevision;

    fn from_str(text: &str) -> Result<Revision, NotRevision> {
        let (at_once, at_start) = text.split_once('-').ok_or(NotRevision)?;
        let digest = |digits| u64::from_str_radix(digits, 16).map_err(|_| NotRevision);
        Ok(Revision { at_once: digest(at_once)?, at_start: digest(at_start)? })
    }
}

/// The text is no [`Revision`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a revision is two numbers of 16 hexadecimal digits, with a hyphen between them")]
pub struct NotRevision;

/// A replica's link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Link {
    /// Not connected, or not agreed on where to begin.
    Down,
    /// A full synchronisation is under way.
    Syncing,
    /// The stream is being applied.
    Up,
}

/// Whether a worker makes progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerProgress {
    /// Turns of its loop and commands it has run: it grows while the worker makes progress.
    pub progress: u64,
    /// The command that it runs now, if it has run for longer than a turn should take.
    pub running: Option<String>,
}

/// The protocol's version. Raised when a message carries something that an earlier program must not ignore.
pub const VERSION: u32 = 3;

/// The version of [`Refusal::Unsaved`]. A peer of an earlier version gets [`Refusal::Invalid`] instead.
pub const UNSAVED_SINCE: u32 = 2;

/// The version of [`Request::Measure`]. A node of an earlier one is not asked.
pub const MEASURED_SINCE: u32 = 3;

/// What is sent over a connection.
pub trait Message {
    /// The version that a receiver needs to understand it: [`OLDEST`] unless something in it is newer.
    fn version(&self) -> u32;
}

/// Understood by every version, and used until the other side's version is known.
pub const OLDEST: u32 = 1;

impl Message for Request {
    fn version(&self) -> u32 {
        match self {
            Request::Assign { at: Some(_), .. } => 2,
            Request::Measure => MEASURED_SINCE,
            _ => OLDEST,
        }
    }
}

impl Message for Reply {
    fn version(&self) -> u32 {
        match self {
            Reply::Refused(Refusal::Moved(_)) => 2,
            Reply::Measured(_) => MEASURED_SINCE,
            Reply::Refused(Refusal::Unsaved(_)) => UNSAVED_SINCE,
            _ => OLDEST,
        }
    }
}

/// Wraps every message that is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Envelope<T> {
    /// [`Message::version`]. A receiver that knows only earlier ones does not understand the body.
    pub(crate) version: u32,
    /// The last version that the sender knows. Programs of version 1 do not send it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) speaks: Option<u32>,
    /// The message.
    pub(crate) body: T,
}
