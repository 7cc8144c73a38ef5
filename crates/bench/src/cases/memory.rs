//! Memory per key of a large keyspace of strings, with the overhead of table and allocator.

use anyhow::{Context, Result};

use super::Case;
use crate::load::KEY_BYTES;
use crate::report::{Figure, Unit};
use crate::subject::{Server, Setting};

const VALUE_BYTES: usize = 64;

pub(super) const CASE: Case = Case {
    name: "memory",
    about: "bytes for each of 5 million strings of 16 + 64 B; aimed at: ≤ 110 B of RSS",
    prepare: |setting| {
        let setting = setting.clone();
        Ok(Box::new(move || measure(&setting)))
    },
};

/// Each run with a server of its own: memory that was once used is not the same as memory that never was.
fn measure(setting: &Setting) -> Result<Vec<Figure>> {
    let keys: u64 = setting.size(5_000_000, 200_000);
    let server = setting.start()?;
    let (rss_before, used_before) = (server.rss_bytes()?, used_bytes(&server)?);
    server.fill(keys, VALUE_BYTES)?;
    let per_key = |after: u64, before: u64| (after as f64 - before as f64) / keys as f64;
    let rss = per_key(server.rss_bytes()?, rss_before);
    let used = per_key(used_bytes(&server)?, used_before);
    Ok(vec![
        Figure::new("RSS", Unit::BytesPerKey, rss),
        Figure::new("used_memory", Unit::BytesPerKey, used),
        Figure::new("RSS over data", Unit::BytesPerKey, rss - (KEY_BYTES + VALUE_BYTES) as f64),
    ])
}

fn used_bytes(server: &Server) -> Result<u64> {
    server.info("memory", "used_memory")?.parse().context("used_memory")
}
