//! The protocol between the agent and a managed node, over the node's private Unix socket.
//!
//! ```text
//!   agent ── Request (+ descriptors) ──▶ node
//!         ◀── Reply  (+ descriptors) ───
//!   frame = length of the JSON (u32, little endian) │ JSON
//! ```
//! A connection carries one request at a time: the agent sends the next one after the reply. The agent holds three: one for
//! [`Request::Status`], which takes no lock in the node and is answered however busy the node is, one for [`Request::Measure`], and
//! one for everything that may take a moment. A listener travels with the frame that names it, as `SCM_RIGHTS`.
//!
//! **Versions.** Nodes outlive the control plane that started them, so each side talks to programs of other versions. A frame carries
//! the version that its meaning needs, and the last version that its sender knows. A field that a receiver may ignore is added without
//! a new version: a receiver that does not know it ignores it, and one that misses it uses the default. A field that must not be
//! ignored raises the version of the messages that carry it, and is sent only to a receiver that knows that version
//! ([`Connection::peer_version`]); all other messages keep the oldest version. `docs/formats-fleet.md` draws the bytes.
//!
//! **Epochs.** Every request that changes a node's role carries the epoch of its shard. A node remembers the highest it has seen
//! and refuses a lower one ([`Refusal::OldEpoch`]), so a step that was sent before a crash of the control plane, and arrives after
//! its successor has decided otherwise, does nothing. Repeating a request with the same epoch is harmless.
//!
//! **A managed node has no role at first.** It serves no clients until it is assigned one. Its listeners are those that the
//! agent passed to it, and a connection is tied to the endpoint by which it arrived. Taking the endpoint away closes the
//! connection.
#![forbid(unsafe_code)]

mod connection;
mod message;
mod reading;

pub use connection::{Connection, Error, MAX_DESCRIPTORS, MAX_FRAME_BYTES};
pub use message::{
    Endpoint, Link, Listening, MEASURED_SINCE, Message, NotRevision, OLDEST, Position, Refusal, Reply,
    Request, Revision, Role, Status, UNSAVED_SINCE, Upstream, VERSION, WorkerProgress,
};
pub use reading::{Measured, Reading};
