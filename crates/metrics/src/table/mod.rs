//! The table: a file a section.

mod clients;
mod commands;
mod cpu;
mod keyspace;
mod memory;
mod persistence;
mod replication;
mod server;
mod stats;

pub(crate) use stats::{INPUT, OUTPUT};

use super::metric::{Metric, none_of};
use super::{Section, Unit};

const fn section(
    name: &'static str,
    heading: &'static str,
    by_default: bool,
    metrics: &'static [Metric],
) -> Section {
    Section { name, heading, by_default, metrics }
}

pub(crate) const SECTIONS: &[Section] = &[
    section("server", "Server", true, server::METRICS),
    section("clients", "Clients", true, clients::METRICS),
    section("memory", "Memory", true, memory::METRICS),
    section("persistence", "Persistence", true, persistence::METRICS),
    section("stats", "Stats", true, stats::METRICS),
    section("replication", "Replication", true, replication::METRICS),
    section("cpu", "CPU", true, cpu::METRICS),
    section("modules", "Modules", true, &[]),
    section("commandstats", "Commandstats", false, commands::CALLS),
    section("errorstats", "Errorstats", true, commands::ERRORS),
    section("latencystats", "Latencystats", false, commands::LATENCIES),
    section("cluster", "Cluster", true, CLUSTER),
    section("keyspace", "Keyspace", true, keyspace::METRICS),
];

const CLUSTER: &[Metric] = &[none_of("cluster_enabled", Unit::Flag, "There is no cluster mode.")];
