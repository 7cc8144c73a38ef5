//! Listening, connections and their limits.

use crate::choices::ProtectedAction;
use crate::parameter::{INT_MAX, Kind, LONG_MAX, Parameter, Unit};

const WORKERS: &str = "The number of threads is set with `workers`; every worker reads, executes and writes.";
const BATCHES: &str = "A turn of an event loop takes what is ready and caps itself.";

/// Of `repl-mptcp` too.
pub(super) const MPTCP: &str = "Connections have one path each; leave mptcp and repl-mptcp at no.";

pub(super) const ROWS: &[Parameter] = &[
    Parameter::integer("port", 0, 65535, "6379"),
    Parameter::special("bind", Kind::Bind, "* -::*"),
    Parameter::text("bind-source-addr")
        .accepted("Outgoing connections leave from the address that the system routes them by."),
    Parameter::text("unixsocket").immutable(),
    Parameter::special("unixsocketperm", Kind::Integer { min: 0, max: 0o777, unit: Unit::Octal }, "0")
        .immutable(),
    Parameter::text("unixsocketgroup")
        .immutable()
        .since("8.0.0")
        .refused("The group of the Unix socket can't be set; use unixsocketperm."),
    Parameter::integer("tcp-backlog", 0, INT_MAX, "511").immutable(),
    Parameter::integer("tcp-keepalive", 0, INT_MAX, "300"),
    Parameter::integer("timeout", 0, INT_MAX, "0"),
    Parameter::integer("maxclients", 1, u32::MAX as i128, "10000"),
    Parameter::yes_no("protected-mode", "yes"),
    Parameter::special(
        "client-output-buffer-limit",
        Kind::BufferLimits,
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
    ),
    Parameter::memory("client-query-buffer-limit", 1 << 20, LONG_MAX, "1073741824"),
    Parameter::memory("proto-max-bulk-len", 1 << 20, LONG_MAX, "536870912"),
    Parameter::special(
        "maxmemory-clients",
        Kind::Integer { min: -100, max: LONG_MAX, unit: Unit::MemoryOrPercent },
        "0",
    ),
    Parameter::integer("socket-mark-id", 0, u32::MAX as i128, "0")
        .immutable()
        .refused("Packets can't be marked; leave socket-mark-id at 0."),
    Parameter::integer("io-threads", 1, 128, "1").immutable().accepted(WORKERS),
    Parameter::yes_no("io-threads-do-reads", "no")
        .default_since_8("yes")
        .until("8.1.0")
        .immutable()
        .accepted(WORKERS),
    Parameter::integer("events-per-io-thread", 0, INT_MAX, "2").hidden().since("8.0.0").accepted(WORKERS),
    Parameter::integer("prefetch-batch-max-size", 0, 128, "16").since("8.0.0").accepted(BATCHES),
    Parameter::integer("max-new-connections-per-cycle", 1, 1000, "10").since("8.0.0").accepted(BATCHES),
    Parameter::integer("max-new-tls-connections-per-cycle", 1, 1000, "1").since("8.0.0").accepted(BATCHES),
    Parameter::yes_no("mptcp", "no").since("9.0.0").immutable().refused(MPTCP),
    Parameter::integer("tracking-table-max-keys", 0, LONG_MAX, "1000000"),
    Parameter::text("requirepass").sensitive(),
    Parameter::text("aclfile").immutable(),
    Parameter::choice("acl-pubsub-default", crate::choices::AclPubsubDefault::WORDS, "resetchannels"),
    Parameter::integer("acllog-max-len", 0, LONG_MAX, "128"),
    Parameter::choice("enable-protected-configs", ProtectedAction::WORDS, "no").immutable(),
    Parameter::choice("enable-debug-command", ProtectedAction::WORDS, "no").immutable(),
    Parameter::choice("enable-module-command", ProtectedAction::WORDS, "no")
        .immutable()
        .accepted("There is no MODULE command that it could allow."),
];
