//! What CloudWatch publishes of a node in the namespace AWS/ElastiCache.
//!
//! ```text
//!   INFO's rows with a name of CloudWatch ──┐
//!   the rows here: what is made of several  ├─▶ read: a Reading each ── between two of them ──▶ a value
//!   fields, or comes from the process       ┘
//! ```
//! A reading is of a moment; many values are of the time between two. What has no truth here (credits of a processor, allowances of a
//! network that nobody enforces) and what INFO has as *absent* is not published at all: a 0 would be a lie.
//!
//! The dimensions of all of them are those of a node: CacheClusterId, CacheClusterId with CacheNodeId, and none.

use crate::facts::Facts;
use crate::metric::{Kind, Metric, Unit};
use crate::{SECTIONS, table};
use command_spec::Group;
use engine::stats::Counter;
use nix::sys::resource::UsageWho::RUSAGE_SELF;
use nix::sys::time::TimeValLike;
use profile::Profile;

/// The dimensions of a node's metrics.
pub const DIMENSIONS: [&str; 2] = ["CacheClusterId", "CacheNodeId"];

/// What was read at a moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// The value itself.
    Now(f64),
    /// What only grows: the value is by how much.
    Grown(f64),
    /// The growth of the first in relation to that of the second.
    Quotient(f64, f64),
    /// Seconds of work that several do at once: the value is the percentage that the busiest of them worked.
    Busiest(Vec<f64>),
}

impl Reading {
    /// The value of the time from one reading to the next. `None` if there is none: nothing has happened that it would be of.
    pub fn since(&self, before: &Reading, seconds: f64) -> Option<f64> {
        // What was reset began at 0.
        let growth = |now: f64, before: f64| if now < before { now } else { now - before };
        match (self, before) {
            (Reading::Now(now), _) => Some(*now),
            (Reading::Grown(now), Reading::Grown(before)) => Some(growth(*now, *before)),
            (Reading::Quotient(part, whole), Reading::Quotient(part_before, whole_before)) => {
                let whole = growth(*whole, *whole_before);
                (whole > 0.0).then(|| growth(*part, *part_before) / whole)
            }
            (Reading::Busiest(now), Reading::Busiest(before)) if seconds > 0.0 => {
                let busy = now.iter().zip(before).map(|(now, before)| growth(*now, *before));
                busy.reduce(f64::max).map(|busy| (100.0 * busy / seconds).min(100.0))
            }
            _ => None,
        }
    }
}

/// What is published.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its name.
    pub name: &'static str,
    /// CloudWatch's unit.
    pub unit: &'static str,
    /// What it tells, in a sentence.
    pub help: &'static str,
    read: fn(&Facts<'_>) -> Option<Reading>,
}

/// A row of INFO that is published.
pub fn published_fields() -> impl Iterator<Item = (&'static str, &'static Metric)> {
    let rows = SECTIONS.iter().flat_map(|section| section.metrics).filter(|row| !row.is_absent());
    rows.filter_map(|row| Some((row.cloudwatch?, row)))
}

/// CloudWatch's unit of a row of INFO.
pub const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Bytes => "Bytes",
        Unit::Count | Unit::Flag | Unit::Days => "Count",
        Unit::KilobytesPerSecond => "Kilobytes/Second",
        Unit::Microseconds => "Microseconds",
        Unit::Milliseconds => "Milliseconds",
        Unit::Percent => "Percent",
        Unit::PerSecond => "Count/Second",
        Unit::Seconds => "Seconds",
        Unit::None | Unit::Ratio | Unit::UnixMicroseconds | Unit::UnixSeconds => "None",
    }
}

/// Everything that is published of a node, by its name. Whoever keeps the readings of the moment before has the values.
pub fn read(facts: &Facts<'_>, profile: Profile) -> Vec<(String, Reading)> {
    let of_field = |(name, row): (&str, &Metric)| {
        let number = row.number(facts).filter(|_| row.is_in(profile))?;
        let is_counter = row.kind == Kind::Counter;
        Some((name.to_owned(), if is_counter { Reading::Grown(number) } else { Reading::Now(number) }))
    };
    let mut all: Vec<(String, Reading)> = published_fields().filter_map(of_field).collect();
    all.extend(PUBLISHED.iter().filter_map(|row| Some((row.name.to_owned(), (row.read)(facts)?))));
    for family in FAMILIES {
        let calls = facts.calls_of(family);
        all.push((format!("{}Cmds", family.name), Reading::Grown(calls.count)));
        all.push((format!("{}CmdsLatency", family.name), Reading::Quotient(calls.us, calls.count)));
    }
    all
}

/// Commands that are counted together, as `<name>Cmds` and, their mean time, `<name>CmdsLatency`.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// What its names begin with.
    pub name: &'static str,
    groups: &'static [Group],
    only: Only,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Only {
    All,
    Reads,
    Writes,
}

const TYPES: &[Group] = &[
    Group::String,
    Group::Bitmap,
    Group::Hash,
    Group::List,
    Group::Set,
    Group::SortedSet,
    Group::HyperLogLog,
    Group::Geo,
    Group::Stream,
];
const OF_NO_TYPE: &[Group] = &[Group::Connection, Group::Server, Group::Transactions, Group::Cluster];

const fn family(name: &'static str, groups: &'static [Group], only: Only) -> Family {
    Family { name, groups, only }
}

/// All of them.
pub const FAMILIES: &[Family] = &[
    family("GeoSpatialBased", &[Group::Geo], Only::All),
    family("HashBased", &[Group::Hash], Only::All),
    family("HyperLogLogBased", &[Group::HyperLogLog], Only::All),
    family("KeyBased", &[Group::Generic], Only::All),
    family("ListBased", &[Group::List], Only::All),
    family("NonKeyType", OF_NO_TYPE, Only::All),
    family("PubSubBased", &[Group::PubSub], Only::All),
    family("SetBased", &[Group::Set], Only::All),
    family("SortedSetBased", &[Group::SortedSet], Only::All),
    family("StreamBased", &[Group::Stream], Only::All),
    family("StringBased", &[Group::String, Group::Bitmap], Only::All),
    family("GetType", TYPES, Only::Reads),
    family("SetType", TYPES, Only::Writes),
];

#[derive(Debug, Default)]
struct Calls {
    count: f64,
    us: f64,
}

impl Facts<'_> {
    fn calls_of(&self, family: &Family) -> Calls {
        let mut calls = Calls::default();
        for command in self.server.commands.by_id() {
            let spec = command.spec;
            let is_meant = match family.only {
                Only::All => true,
                Only::Reads => spec.flags.contains(command_spec::Flags::READONLY),
                Only::Writes => spec.flags.contains(command_spec::Flags::WRITE),
            };
            if is_meant && family.groups.contains(&spec.group) {
                let stats = self.server.stats.command(command.run.id);
                calls.count += stats.calls as f64;
                calls.us += stats.nanoseconds as f64 / 1000.0;
            }
        }
        calls
    }

    fn databases(&self) -> impl Iterator<Item = u16> {
        0..self.server.keyspace.databases() as u16
    }
}

const fn published(
    name: &'static str,
    unit: &'static str,
    help: &'static str,
    read: fn(&Facts<'_>) -> Option<Reading>,
) -> Published {
    Published { name, unit, help, read }
}

/// What is made of several fields, or comes from the process.
pub const PUBLISHED: &[Published] = &[
    published("CacheHitRate", "Percent", "Look-ups that found their key, of all look-ups.", |f| {
        let (hits, misses) = (f.sum(Counter::Hits) as f64, f.sum(Counter::Misses) as f64);
        Some(Reading::Quotient(100.0 * hits, hits + misses))
    }),
    published("CPUUtilization", "Percent", "Processor time of the process, of all processors' time.", |f| {
        let usage = f.usage(RUSAGE_SELF)?;
        let us = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Some(Reading::Busiest(vec![us as f64 / 1e6 / processors as f64]))
    }),
    published("CurrItems", "Count", "Keys of all databases.", |f| {
        Some(Reading::Now(f.databases().map(|db| f.server.keyspace.len(db) as f64).sum()))
    }),
    published("CurrVolatileItems", "Count", "Keys that expire.", |f| {
        Some(Reading::Now(f.databases().map(|db| f.server.keyspace.volatile_len(db) as f64).sum()))
    }),
    published("DatabaseCapacityUsagePercentage", "Percent", MEMORY_USAGE, memory_usage),
    published("DatabaseMemoryUsagePercentage", "Percent", MEMORY_USAGE, memory_usage),
    published(
        "DB0AverageTTL",
        "Milliseconds",
        "The mean time to live of database 0's keys that expire.",
        |f| Some(Reading::Now(f.server.keyspace.mean_ttl_ms(0, engine::unix_ms()) as f64)),
    ),
    published("EngineCPUUtilization", "Percent", "How long the busiest worker was busy.", |f| {
        let busy = |worker| f.server.stats.of_thread(worker, Counter::BusyNs) as f64 / 1e9;
        Some(Reading::Busiest((0..f.server.workers()).map(busy).collect()))
    }),
    published("FreeableMemory", "Bytes", "Memory that the process could still get from the system.", |_| {
        kilobytes("/proc/meminfo", "MemAvailable:")
    }),
    published("MajorPageFaults", "Count", "Pages of the process that had to be read from a disk.", |f| {
        Some(Reading::Grown(f.usage(RUSAGE_SELF)?.major_page_faults() as f64))
    }),
    published("NetworkBytesIn", "Bytes", "Bytes from clients and the primary.", |f| {
        Some(Reading::Grown(table::INPUT.iter().map(|counter| f.sum(*counter) as f64).sum()))
    }),
    published("NetworkBytesOut", "Bytes", "Bytes to clients and replicas.", |f| {
        Some(Reading::Grown(table::OUTPUT.iter().map(|counter| f.sum(*counter) as f64).sum()))
    }),
    published("SwapUsage", "Bytes", "Memory of the process that is swapped out.", |_| {
        kilobytes("/proc/self/status", "VmSwap:")
    }),
];

const MEMORY_USAGE: &str = "Allocated memory in relation to maxmemory; not published without one.";

fn memory_usage(facts: &Facts<'_>) -> Option<Reading> {
    let most = facts.settings().maxmemory_bytes;
    (most > 0).then(|| Reading::Now(100.0 * facts.memory().used as f64 / most as f64))
}

/// A line of what Linux tells of itself; elsewhere there is none.
fn kilobytes(file: &str, name: &str) -> Option<Reading> {
    let text = std::fs::read_to_string(file).ok()?;
    let number = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: f64 = number.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(Reading::Now(number * 1024.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn a_name_is_published_once() {
        let mut names = HashSet::new();
        let families = FAMILIES
            .iter()
            .flat_map(|family| [format!("{}Cmds", family.name), format!("{}CmdsLatency", family.name)]);
        let rows = PUBLISHED.iter().map(|row| row.name.to_owned());
        for name in published_fields().map(|(name, _)| name.to_owned()).chain(rows).chain(families) {
            assert!(names.insert(name.clone()), "{name} twice");
        }
        assert!(!names.contains("ActiveDefragHits"), "there is no defragmentation");
    }

    #[test]
    fn values_are_of_the_time_between_two_readings() {
        let busy = |seconds: &[f64]| Reading::Busiest(seconds.to_vec());
        assert_eq!(Reading::Now(7.0).since(&Reading::Now(5.0), 1.0), Some(7.0));
        assert_eq!(Reading::Grown(7.0).since(&Reading::Grown(5.0), 1.0), Some(2.0));
        assert_eq!(Reading::Grown(3.0).since(&Reading::Grown(5.0), 1.0), Some(3.0), "behind a reset");
        assert_eq!(Reading::Quotient(900.0, 10.0).since(&Reading::Quotient(400.0, 0.0), 1.0), Some(50.0));
        assert_eq!(
            Reading::Quotient(900.0, 10.0).since(&Reading::Quotient(900.0, 10.0), 1.0),
            None,
            "of nothing"
        );
        assert_eq!(busy(&[5.5, 9.25]).since(&busy(&[5.0, 9.0]), 1.0), Some(50.0), "the busiest");
        assert_eq!(busy(&[9.0]).since(&busy(&[5.0]), 1.0), Some(100.0), "a clock is never exact");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_system_tells_of_memory() {
        assert!(
            matches!(kilobytes("/proc/meminfo", "MemAvailable:"), Some(Reading::Now(bytes)) if bytes > 1e6)
        );
        assert!(kilobytes("/proc/self/status", "VmSwap:").is_some());
        assert_eq!(kilobytes("/proc/meminfo", "NoSuchThing:"), None);
    }
}
