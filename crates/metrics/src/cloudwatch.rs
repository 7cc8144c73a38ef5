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
use crate::{SECTIONS, system, table};
use command_spec::Group;
use engine::stats::Counter;
use nix::sys::resource::UsageWho::RUSAGE_SELF;
use nix::sys::time::TimeValLike;
use profile::Profile;
use std::borrow::Cow;
use supervision::Reading;

/// The dimensions of a node's metrics.
pub const DIMENSIONS: [&str; 2] = ["CacheClusterId", "CacheNodeId"];

/// What a value is made of, and so how it may be told elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// What is, at a moment: [`Reading::Now`].
    Gauge,
    /// The growth of what only grows: [`Reading::Grown`].
    Counter,
    /// The growth of one count in relation to that of another, of which it is a part: [`Reading::Quotient`].
    Share,
    /// The growth of a sum in relation to that of a count: [`Reading::Quotient`].
    Mean,
    /// How much the busiest of several worked: [`Reading::Busiest`].
    Busiest,
}

/// A metric, as whoever tells of it needs it.
#[derive(Clone, Debug)]
pub struct Row {
    /// CloudWatch's name.
    pub name: Cow<'static, str>,
    /// CloudWatch's unit.
    pub unit: &'static str,
    /// What it tells, in a sentence.
    pub help: Cow<'static, str>,
    /// What its values are made of.
    pub form: Form,
    /// The field of INFO that it is read from, if it is one.
    pub field: Option<&'static str>,
}

/// What the sentence of a [`Form::Mean`] begins with.
pub(crate) const MEAN_TIME: &str = "The mean time";

/// Every metric, by name.
pub fn rows() -> Vec<Row> {
    let of_field = |(name, row): (&'static str, &'static Metric)| Row {
        name: name.into(),
        unit: unit(row.unit),
        help: row.help.into(),
        form: if row.kind == Kind::Counter { Form::Counter } else { Form::Gauge },
        field: Some(row.field),
    };
    let of_row = |row: &'static Published| {
        let Published { name, unit, help, form, .. } = *row;
        Row { name: name.into(), unit, help: help.into(), form, field: None }
    };
    let of_family = |family: &Family| {
        let row = |ending: &str, unit, tells: &str, form| Row {
            name: format!("{}{ending}", family.name).into(),
            unit,
            help: format!("{tells} {}.", family.what).into(),
            form,
            field: None,
        };
        [
            row("Cmds", "Count", "Calls of", Form::Counter),
            row("CmdsLatency", "Microseconds", &format!("{MEAN_TIME} of"), Form::Mean),
        ]
    };
    let mut rows: Vec<Row> = published_fields().map(of_field).collect();
    rows.extend(PUBLISHED.iter().chain(&OF_THE_REGION).map(of_row));
    rows.extend(FAMILIES.iter().flat_map(of_family));
    rows.sort_by(|one, other| one.name.cmp(&other.name));
    rows
}

/// What is published and is no row of INFO.
struct Published {
    name: &'static str,
    unit: &'static str,
    help: &'static str,
    form: Form,
    read: fn(&Facts<'_>) -> Option<Reading>,
}

/// A row of INFO that is published.
fn published_fields() -> impl Iterator<Item = (&'static str, &'static Metric)> {
    let rows = SECTIONS.iter().flat_map(|section| section.metrics).filter(|row| !row.is_absent());
    rows.filter_map(|row| Some((row.cloudwatch?, row)))
}

/// CloudWatch's unit of a row of INFO.
const fn unit(unit: Unit) -> &'static str {
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
    all.retain(|(_, reading)| reading.is_finite());
    all
}

/// Commands that are counted together, as `<name>Cmds` and, their mean time, `<name>CmdsLatency`.
struct Family {
    /// What its names begin with.
    name: &'static str,
    what: &'static str,
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

const fn family(name: &'static str, what: &'static str, groups: &'static [Group], only: Only) -> Family {
    Family { name, what, groups, only }
}

const FAMILIES: &[Family] = &[
    family("GeoSpatialBased", "commands on places", &[Group::Geo], Only::All),
    family("HashBased", "commands on hashes", &[Group::Hash], Only::All),
    family("HyperLogLogBased", "commands on HyperLogLogs", &[Group::HyperLogLog], Only::All),
    family("KeyBased", "commands on keys of any type", &[Group::Generic], Only::All),
    family("ListBased", "commands on lists", &[Group::List], Only::All),
    family("NonKeyType", "commands that are about no key", OF_NO_TYPE, Only::All),
    family("PubSubBased", "commands on channels", &[Group::PubSub], Only::All),
    family("SetBased", "commands on sets", &[Group::Set], Only::All),
    family("SortedSetBased", "commands on sorted sets", &[Group::SortedSet], Only::All),
    family("StreamBased", "commands on streams", &[Group::Stream], Only::All),
    family("StringBased", "commands on strings and bitmaps", &[Group::String, Group::Bitmap], Only::All),
    family("GetType", "commands that read a value", TYPES, Only::Reads),
    family("SetType", "commands that may change a value", TYPES, Only::Writes),
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
    form: Form,
    read: fn(&Facts<'_>) -> Option<Reading>,
) -> Published {
    Published { name, unit, help, form, read }
}

/// What is made of several fields, or comes from the process.
const PUBLISHED: &[Published] = &[
    published(
        "CacheHitRate",
        "Percent",
        "Look-ups that found their key, of all look-ups.",
        Form::Share,
        |f| {
            let (hits, misses) = (f.sum(Counter::Hits) as f64, f.sum(Counter::Misses) as f64);
            Some(Reading::Quotient(100.0 * hits, hits + misses))
        },
    ),
    published(
        "CPUUtilization",
        "Percent",
        "Processor time of the process, of the time of all processors that it may use.",
        Form::Busiest,
        |f| {
            let usage = f.usage(RUSAGE_SELF)?;
            let us = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
            Some(Reading::Busiest(vec![us as f64 / 1e6 / system::processors()]))
        },
    ),
    published("CurrItems", "Count", "Keys of all databases.", Form::Gauge, |f| {
        Some(Reading::Now(f.databases().map(|db| f.server.keyspace.len(db) as f64).sum()))
    }),
    published("CurrVolatileItems", "Count", "Keys that expire.", Form::Gauge, |f| {
        Some(Reading::Now(f.databases().map(|db| f.server.keyspace.volatile_len(db) as f64).sum()))
    }),
    published("DatabaseCapacityUsagePercentage", "Percent", MEMORY_USAGE, Form::Gauge, memory_usage),
    published(
        "DatabaseCapacityUsageCountedForEvictPercentage",
        "Percent",
        COUNTED_USAGE,
        Form::Gauge,
        counted_usage,
    ),
    published(
        "DatabaseMemoryUsageCountedForEvictPercentage",
        "Percent",
        COUNTED_USAGE,
        Form::Gauge,
        counted_usage,
    ),
    published("DatabaseMemoryUsagePercentage", "Percent", MEMORY_USAGE, Form::Gauge, memory_usage),
    published(
        "DB0AverageTTL",
        "Milliseconds",
        "The mean time to live of database 0's keys that expire.",
        Form::Gauge,
        |f| Some(Reading::Now(f.server.keyspace.mean_ttl_ms(0, engine::unix_ms()) as f64)),
    ),
    published(
        "EngineCPUUtilization",
        "Percent",
        "How long the busiest worker was busy.",
        Form::Busiest,
        |f| {
            let busy = |worker| f.server.stats.of_thread(worker, Counter::BusyNs) as f64 / 1e9;
            Some(Reading::Busiest((0..f.server.workers()).map(busy).collect()))
        },
    ),
    published(
        "FreeableMemory",
        "Bytes",
        "Memory that the process could still get, from the system and within its control groups.",
        Form::Gauge,
        |_| Some(Reading::Now(system::freeable_bytes()? as f64)),
    ),
    published(
        "MajorPageFaults",
        "Count",
        "Pages of the process that had to be read from a disk.",
        Form::Counter,
        |f| Some(Reading::Grown(f.usage(RUSAGE_SELF)?.major_page_faults() as f64)),
    ),
    published("NetworkBytesIn", "Bytes", "Bytes from clients and the primary.", Form::Counter, |f| {
        Some(Reading::Grown(table::INPUT.iter().map(|counter| f.sum(*counter) as f64).sum()))
    }),
    published("NetworkBytesOut", "Bytes", "Bytes to clients and replicas.", Form::Counter, |f| {
        Some(Reading::Grown(table::OUTPUT.iter().map(|counter| f.sum(*counter) as f64).sum()))
    }),
    published("SwapUsage", "Bytes", "Memory of the process that is swapped out.", Form::Gauge, |_| {
        Some(Reading::Now(system::swapped_bytes()? as f64))
    }),
];

/// CloudWatch's name of how far a replica is behind.
pub const REPLICATION_LAG: &str = "ReplicationLag";

/// What no node can tell alone: the region makes it of what its nodes tell.
const OF_THE_REGION: [Published; 1] = [published(
    REPLICATION_LAG,
    "Seconds",
    "How long ago the primary was where the replica is.",
    Form::Gauge,
    |_| None,
)];

const MEMORY_USAGE: &str = "Allocated memory in relation to maxmemory; not published without one.";

const COUNTED_USAGE: &str =
    "The same without the memory that no key is evicted for; not published without a maxmemory.";

fn memory_usage(facts: &Facts<'_>) -> Option<Reading> {
    usage_of(facts, facts.memory().used)
}

fn counted_usage(facts: &Facts<'_>) -> Option<Reading> {
    usage_of(facts, facts.memory().used.saturating_sub(engine::maxmemory::uncounted_bytes(facts.server)))
}

fn usage_of(facts: &Facts<'_>, bytes: u64) -> Option<Reading> {
    let most = facts.settings().maxmemory_bytes;
    (most > 0).then(|| Reading::Now(100.0 * bytes as f64 / most as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_published_once() {
        let rows = rows();
        for pair in rows.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} twice", pair[0].name);
        }
    }
}
