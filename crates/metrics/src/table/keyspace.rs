//! Section Keyspace.

use crate::facts::Facts;
use crate::metric::{Item, Kind, Metric, each};

pub(crate) const METRICS: &[Metric] = &[each(
    "db",
    Kind::Gauge,
    "A database: its keys, those of them that expire, how many milliseconds these have on average, and hashes with fields that expire.",
    databases,
)];

fn databases(facts: &Facts<'_>) -> Vec<Item> {
    let (space, now_ms) = (&facts.server.keyspace, engine::unix_ms());
    let item = |db: u16| {
        let (keys, expires) = (space.len(db), space.volatile_len(db));
        let ttl_ms = space.mean_ttl_ms(db, now_ms);
        let parts = [("keys", keys.into()), ("expires", expires.into()), ("avg_ttl", ttl_ms.into())];
        let item = if facts.has("9.0.0") {
            let [keys, expires, ttl] = parts;
            let hashes = ("keys_with_volatile_items", space.volatile_hashes(db).into());
            Item::new(db, [keys, expires, ttl, hashes])
        } else {
            Item::new(db, parts)
        };
        (keys > 0).then_some(item)
    };
    (0..space.databases() as u16).filter_map(item).collect()
}
