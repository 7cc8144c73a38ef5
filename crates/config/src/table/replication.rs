//! Replication: the backlog, full synchronisation, what a replica does and announces.

use crate::choices::ReplDisklessLoad;
use crate::parameter::{INT_MAX, Kind, LONG_MAX, Parameter};

pub(super) const ROWS: &[Parameter] = &[
    Parameter::special("replicaof", Kind::ReplicaOf, "").alias("slaveof").immutable(),
    Parameter::text("masterauth").sensitive().until("8.0.0"),
    Parameter::text("masteruser").sensitive().until("8.0.0"),
    Parameter::text("primaryauth").alias("masterauth").sensitive().since("8.0.0"),
    Parameter::text("primaryuser").alias("masteruser").sensitive().since("8.0.0"),
    Parameter::memory("repl-backlog-size", 1, LONG_MAX, "1048576").default_since_8("10485760"),
    Parameter::integer("repl-backlog-ttl", 0, LONG_MAX, "3600"),
    Parameter::integer("repl-timeout", 1, INT_MAX, "60"),
    Parameter::integer("repl-ping-replica-period", 1, INT_MAX, "10").alias("repl-ping-slave-period"),
    Parameter::yes_no("repl-disable-tcp-nodelay", "no"),
    Parameter::yes_no("repl-diskless-sync", "yes"),
    Parameter::integer("repl-diskless-sync-delay", 0, INT_MAX, "5"),
    Parameter::integer("repl-diskless-sync-max-replicas", 0, INT_MAX, "0"),
    Parameter::choice("repl-diskless-load", ReplDisklessLoad::WORDS, "disabled").deny_loading(),
    Parameter::yes_no("repl-mptcp", "no").since("9.0.0").immutable().refused(super::network::MPTCP),
    Parameter::yes_no("dual-channel-replication-enabled", "no").since("8.0.0").accepted(
        "A full synchronisation never buffers the stream of writes in the primary's memory beyond its limit.",
    ),
    Parameter::yes_no("replica-read-only", "yes").alias("slave-read-only"),
    Parameter::yes_no("replica-serve-stale-data", "yes").alias("slave-serve-stale-data"),
    Parameter::yes_no("replica-lazy-flush", "no").default_since_8("yes").alias("slave-lazy-flush"),
    Parameter::yes_no("replica-ignore-maxmemory", "yes").alias("slave-ignore-maxmemory"),
    Parameter::yes_no("replica-ignore-disk-write-errors", "no")
        .accepted("A replica follows its primary whatever becomes of its own file."),
    Parameter::integer("replica-priority", 0, INT_MAX, "100").alias("slave-priority"),
    Parameter::text("replica-announce-ip").alias("slave-announce-ip"),
    Parameter::integer("replica-announce-port", 0, 65535, "0").alias("slave-announce-port"),
    Parameter::yes_no("replica-announced", "yes"),
    Parameter::integer("min-replicas-to-write", 0, INT_MAX, "0").alias("min-slaves-to-write"),
    Parameter::integer("min-replicas-max-lag", 0, INT_MAX, "10").alias("min-slaves-max-lag"),
    Parameter::choice("propagation-error-behavior", crate::choices::lists::PROPAGATION_ERROR, "ignore")
        .accepted("An error in the stream of a primary always ends the link."),
];
