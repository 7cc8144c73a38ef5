//! A managed node: one that an agent started, and whose role the agent decides.
//!
//! ```text
//!   agent ── private socket ──▶ a thread a connection ─▶ Status: atomics and short locks, answered however busy the node is
//!     │                                              └─▶ all else: one request at a time, in the world where it has to be
//!     └── listeners, by descriptor ──▶ acceptor ──▶ workers: a client knows the endpoint it came by
//! ```
//! - [`identity`]: the directory's lock, which makes the process the node, and the socket's place.
//! - [`serving`], [`connections`], [`private_socket`]: who asks by the private socket.
//! - [`sockets`]: a socket that is lost is listened on anew.
//! - [`status`]: how the node is.
//! - [`measuring`]: what it measures.
//! - [`requests`]: what changes it.
//! - [`command_table::restricted`]: commands that clients of endpoints do not have.
//!
//! **Data and the file.** A managed node is a cache: one that dies comes back empty rather than with old data. So its RDB file
//! is removed as soon as it is loaded, and written again by a clean end alone.
//!
//! **Invariant:** without a role, and without a link, the node takes no writes and lets nobody follow it: a replica that still
//! looks for its dead primary must not empty itself after the one that came back.
//!
//! **Invariant:** between the position that a pause of writes is answered with and its end nothing is appended to the stream, so
//! whoever has reached that position has everything, and the demoted node continues from it without a full synchronisation.

mod connections;
pub(crate) mod identity;
mod measuring;
mod private_socket;
mod requests;
pub(crate) mod serving;
pub(crate) mod sockets;
mod status;

use connections::Connections;
use files::Directory;
use persistence::Persistence;
use private_socket::PrivateSocket;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use supervision::{Revision, Role};

/// What a managed node has beyond others.
#[derive(Debug)]
pub(crate) struct Managed {
    /// The id it was started with.
    node: String,
    /// The lock of its directory, held as long as the process lives.
    _lock: File,
    /// The file of the last clean end is loaded, so roles may be assigned.
    pub(crate) is_loaded: AtomicBool,
    /// Requests that change the node do so one after the other.
    acting: Mutex<()>,
    /// Never held while anything is waited for.
    decided: Mutex<Decided>,
    connections: Connections,
    pub(crate) private_socket: PrivateSocket,
}

/// What the agent has decided.
#[derive(Clone, Debug)]
struct Decided {
    epoch: u64,
    role: Role,
    /// What the agent knows its parameters by, if it said so when it started the node.
    revision: Option<Revision>,
}

impl Managed {
    /// A node with this id, its directory's lock and the parameters that it was started with.
    pub(crate) fn new(node: String, lock: File, revision: Option<Revision>) -> Managed {
        Managed {
            node,
            _lock: lock,
            is_loaded: AtomicBool::new(false),
            acting: Mutex::default(),
            decided: Mutex::new(Decided { epoch: 0, role: Role::Unassigned, revision }),
            connections: Connections::default(),
            private_socket: PrivateSocket::default(),
        }
    }

    fn decided(&self) -> MutexGuard<'_, Decided> {
        self.decided.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The agent has given it other parameters.
    fn note_parameters(&self, at_once: u64) {
        if let Some(revision) = &mut self.decided().revision {
            revision.at_once = at_once;
        }
    }

    /// The node has ended, and tells nobody any more.
    pub(crate) fn end(&self) {
        self.connections.end();
    }

    /// The file of the last clean end is loaded, if there was one. From now on it is of the past: a crash must not bring it back.
    pub(crate) fn note_loaded(&self, persistence: &Persistence, found: bool) -> std::io::Result<()> {
        if found {
            let (directory, name) = persistence::path(&persistence.settings());
            let directory = Directory::at(directory);
            directory.remove(name)?;
            directory.sync()?;
            persistence.note_holds_data(true);
        }
        self.is_loaded.store(true, Ordering::Release);
        Ok(())
    }
}
