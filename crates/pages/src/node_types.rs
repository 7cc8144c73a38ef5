//! The page of node types, from the catalogue.

use elasticache::catalogue::{NodeType, Since, node_types};
use std::fmt::Write;

/// The whole page.
pub(crate) fn page() -> String {
    let mut text = HEAD.to_owned();
    for one in node_types() {
        let NodeType { name, vcpus, memory_gib, maxmemory_bytes, .. } = one;
        let _ = writeln!(
            text,
            "| `{name}` | {vcpus} | {memory_gib} | {maxmemory_bytes} | {} | {} | {} | {} | {} | {} | {} |",
            or_nothing(one.max_cache_memory_mb),
            or_nothing(one.ssd_gib),
            one.network_gbps.map_or(String::new(), network),
            since(one.valkey),
            since(one.redis),
            since(one.memcached),
            notes(one).join(", "),
        );
    }
    text
}

fn or_nothing(value: Option<impl ToString>) -> String {
    value.map_or(String::new(), |value| value.to_string())
}

fn network((baseline, burst): (f64, f64)) -> String {
    match baseline == burst {
        true => baseline.to_string(),
        false => format!("{baseline}, up to {burst}"),
    }
}

fn since(since: Since) -> &'static str {
    match since {
        Since::Never => "no",
        Since::Any => "all",
        Since::Version(version) => version,
    }
}

fn notes(node_type: &NodeType) -> Vec<&'static str> {
    let notes = [
        (node_type.is_own, "Engram's own"),
        (node_type.ssd_gib.is_some(), "data tiering"),
        (node_type.is_previous, "no new nodes"),
    ];
    notes.into_iter().filter(|(holds, _)| *holds).map(|(_, note)| note).collect()
}

const HEAD: &str = "\
# Node types

The catalogue of node types. `cargo xtask docs` writes this page from the program's own table; a test fails when they differ. Do not
edit it.

A node of a type gets its vCPUs as workers, at most as many as the host has cores, and its `maxmemory` less `reserved-memory-percent`.
SSD and network are those of AWS's machines; Engram limits neither yet. Figures for Memcached are those of the type, which Engram does
not serve yet.

- *From Valkey, Redis OSS, Memcached*: the first version that can have the type.
- *Data tiering*: needs `DataTieringEnabled`, which is not there yet.
- *No new nodes*: a previous generation. AWS makes no new clusters of it; nothing can be changed to it.
- *Engram's own*: AWS has no such type. r7gd is beside AWS's r6gd: the same, on the processors and the network of r7g;
  the largest has as much memory as r5.24xlarge.

| type | vCPU | memory, GiB | `maxmemory`, bytes | Memcached, MB | SSD, GiB | network, Gbps | from Valkey | from Redis OSS | from Memcached | |
|---|---|---|---|---|---|---|---|---|---|---|
";
