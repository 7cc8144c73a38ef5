//! The few parameters that are Engram's own. All are decided at start.
//!
//! They are hidden from glob patterns of CONFIG GET, so that `CONFIG GET *` is what it is on the server that the node
//! speaks as; by their exact names they are shown.

use crate::choices::IoBackend;
use crate::parameter::{NameCheck, Parameter};

/// More workers than this only contend.
const MAX_WORKERS: i128 = 1024;

pub(super) const ROWS: &[Parameter] = &[
    // How many worker threads serve connections; 0 is one a core.
    Parameter::integer("workers", 0, MAX_WORKERS, "0").immutable().hidden(),
    // Whether connections gather on as few workers as keep up; `no` deals them out evenly, where they stay.
    Parameter::yes_no("gather-connections", "yes").immutable().hidden(),
    // Which system call interface the event loops use.
    Parameter::choice("io-backend", IoBackend::WORDS, "auto").immutable().hidden(),
    // Whether a client that writes to a read-only replica is disconnected behind the error, as ElastiCache does.
    Parameter::yes_no("close-on-replica-write", "no").hidden(),
    // The server that the node speaks as. The caller reads it before anything else, for it decides the table itself.
    Parameter::name("engine", NameCheck::Profile, "").immutable().hidden(),
    // The id of a node that an agent started, which decides its role; empty is a stand-alone node.
    Parameter::name("managed-node", NameCheck::Any, "").immutable().hidden(),
    // Which parameters its agent has given it, for the agent to know; it is empty where the agent did not say.
    Parameter::name("managed-revision", NameCheck::Any, "").immutable().hidden(),
    // Where a managed node listens for its agent.
    Parameter::text("private-socket").immutable().hidden(),
];
