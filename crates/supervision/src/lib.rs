//! What the agent and a managed node say to each other over the node's private Unix socket.
//!
//! ```text
//!   agent ── Request (+ descriptors) ──▶ node
//!         ◀── Reply  (+ descriptors) ───
//!   frame = length of the JSON (u32, little endian) │ JSON
//! ```
//! A connection carries one request at a time: the agent sends the next one after the reply. The agent holds two, one for
//! [`Request::Status`], which takes no lock in the node and is answered however busy the node is, and one for everything
//! that may take a moment. A listener goes with the frame that speaks of it, as `SCM_RIGHTS`.
//!
//! **Versions.** Nodes outlive the control plane that started them, so each side speaks with others than its own kind. A frame carries
//! the version that its meaning needs, and the last one that its sender knows. A field that may be ignored is added without more
//! ado: who does not know it passes over it, and who misses it takes its default. What must not be ignored raises the version of the
//! messages that say it, and is said only to who knows it ([`Connection::peer_version`]); everything else is still said in the
//! oldest. The bytes are drawn in docs/formats-fleet.md.
//!
//! **Epochs.** Everything that changes what a node is carries the epoch of its shard. A node remembers the highest it has seen and
//! refuses a lower one ([`Refusal::OldEpoch`]), so a step that was sent before a crash of the control plane, and arrives
//! after its successor has decided otherwise, does nothing. Repeating a request with the same epoch is harmless.
//!
//! **A managed node has no role at first.** It serves nobody until it is assigned one: its listeners are what the agent passed
//! to it, and a connection is tied to the endpoint it came by. Taking the endpoint away closes the connection.
#![forbid(unsafe_code)]

mod connection;
mod message;

pub use connection::{Connection, Error, MAX_DESCRIPTORS, MAX_FRAME_BYTES};
pub use message::{
    Endpoint, Link, Listening, Message, OLDEST, Position, Refusal, Reply, Request, Role, Status,
    UNSAVED_SINCE, Upstream, VERSION, WorkerProgress,
};
