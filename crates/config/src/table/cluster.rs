//! Cluster mode.

use crate::choices::lists;
use crate::parameter::{INT_MAX, LONG_MAX, NameCheck, Parameter, ULONG_MAX};

const NO_CLUSTER: &str = "A stand-alone node can't run in cluster mode; leave cluster-enabled at no.";
const CLUSTER: &str = "It tunes cluster mode, which is off.";

pub(super) const ROWS: &[Parameter] = &[
    Parameter::yes_no("cluster-enabled", "no").immutable().refused(NO_CLUSTER),
    Parameter::name("cluster-config-file", NameCheck::Any, "nodes.conf").immutable().accepted(CLUSTER),
    Parameter::integer("cluster-port", 0, 65535, "0").immutable().accepted(CLUSTER),
    Parameter::integer("cluster-node-timeout", 0, LONG_MAX, "15000").accepted(CLUSTER),
    Parameter::integer("cluster-ping-interval", 0, LONG_MAX, "1000")
        .hidden()
        .since("8.0.0")
        .accepted(CLUSTER),
    Parameter::integer("cluster-manual-failover-timeout", 1, INT_MAX, "5000")
        .since("8.1.0")
        .accepted(CLUSTER),
    Parameter::integer("cluster-databases", 1, INT_MAX, "1").since("9.0.0").immutable().accepted(CLUSTER),
    Parameter::integer("cluster-slot-migration-log-max-len", 0, LONG_MAX, "1000")
        .since("9.0.0")
        .accepted(CLUSTER),
    Parameter::memory("slot-migration-max-failover-repl-bytes", -1, LONG_MAX, "0")
        .since("9.0.0")
        .accepted(CLUSTER),
    Parameter::choice("cluster-config-save-behavior", lists::CLUSTER_CONFIG_SAVE, "sync")
        .since("9.1.0")
        .accepted(CLUSTER),
    Parameter::integer("cluster-blacklist-ttl", 0, INT_MAX, "60").since("8.0.0").accepted(CLUSTER),
    Parameter::integer("cluster-migration-barrier", 0, INT_MAX, "1").accepted(CLUSTER),
    Parameter::integer("cluster-replica-validity-factor", 0, INT_MAX, "10")
        .alias("cluster-slave-validity-factor")
        .accepted(CLUSTER),
    Parameter::yes_no("cluster-replica-no-failover", "no")
        .alias("cluster-slave-no-failover")
        .accepted(CLUSTER),
    Parameter::yes_no("cluster-require-full-coverage", "yes").accepted(CLUSTER),
    Parameter::yes_no("cluster-allow-reads-when-down", "no").accepted(CLUSTER),
    Parameter::yes_no("cluster-allow-pubsubshard-when-down", "yes").accepted(CLUSTER),
    Parameter::yes_no("cluster-allow-replica-migration", "yes").accepted(CLUSTER),
    Parameter::memory("cluster-link-sendbuf-limit", 0, ULONG_MAX, "0").accepted(CLUSTER),
    Parameter::choice("cluster-preferred-endpoint-type", lists::ENDPOINT_TYPE, "ip").accepted(CLUSTER),
    Parameter::yes_no("cluster-slot-stats-enabled", "no").since("8.0.0").accepted(CLUSTER),
    Parameter::text("cluster-announce-ip").accepted(CLUSTER),
    Parameter::text("cluster-announce-client-ipv4").since("8.0.0").accepted(CLUSTER),
    Parameter::text("cluster-announce-client-ipv6").since("8.0.0").accepted(CLUSTER),
    Parameter::integer("cluster-announce-client-port", 0, 65535, "0").since("9.0.0").accepted(CLUSTER),
    Parameter::integer("cluster-announce-client-tls-port", 0, 65535, "0").since("9.0.0").accepted(CLUSTER),
    Parameter::name("cluster-announce-hostname", NameCheck::HostName, "").accepted(CLUSTER),
    Parameter::name("cluster-announce-human-nodename", NameCheck::NodeName, "")
        .since("7.2.0")
        .accepted(CLUSTER),
    Parameter::integer("cluster-announce-port", 0, 65535, "0").accepted(CLUSTER),
    Parameter::integer("cluster-announce-tls-port", 0, 65535, "0").accepted(CLUSTER),
    Parameter::integer("cluster-announce-bus-port", 0, 65535, "0").accepted(CLUSTER),
];
