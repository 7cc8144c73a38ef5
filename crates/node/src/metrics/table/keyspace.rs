//! Section Keyspace.

use crate::metrics::facts::Facts;
use crate::metrics::metric::{Item, Kind, Metric, each};

pub(super) const METRICS: &[Metric] = &[each(
    "db",
    Kind::Gauge,
    "A database: its keys, those of them that expire, and how many milliseconds these have on average.",
    databases,
)];

fn databases(facts: &Facts<'_>) -> Vec<Item> {
    let space = &facts.shared.keyspace;
    let item = |db: u16| {
        let (keys, expires) = (space.len(db), space.volatile_len(db));
        let parts = || [("keys", keys.into()), ("expires", expires.into()), ("avg_ttl", 0u64.into())];
        (keys > 0).then(|| Item::new(db, parts()))
    };
    (0..space.databases() as u16).filter_map(item).collect()
}
