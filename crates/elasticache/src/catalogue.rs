//! The node types, engine versions and families of parameter groups.
//!
//! Node types are data (`data/nodetypes.tsv`). Versions are those that nodes really speak as; a version that only AWS has is refused by
//! name and never replaced by another.

use crate::faults;
use aws_protocol::Fault;
use fleet::{Engine, NodeSize};
use std::sync::LazyLock;

/// A node type.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeType {
    /// `cache.t4g.micro`
    pub name: &'static str,
    /// Virtual CPUs.
    pub vcpus: u32,
    /// What the service calls `maxmemory`, in bytes.
    pub maxmemory_bytes: u64,
    /// Memory of the machine, in GiB.
    pub memory_gib: f64,
    /// Nothing new is made of it: a generation before the last.
    pub is_previous: bool,
    /// It has NVMe disks and is made for data tiering alone.
    pub has_tiering: bool,
}

static NODE_TYPES: LazyLock<Vec<NodeType>> = LazyLock::new(|| {
    let lines = include_str!("../data/nodetypes.tsv").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| NodeType::parse(line).unwrap_or_else(|| panic!("in data/nodetypes.tsv: {line}")))
        .collect()
});

/// All node types, in the order of the guide.
pub fn node_types() -> &'static [NodeType] {
    &NODE_TYPES
}

/// A node type by its name.
pub fn node_type(name: &str) -> Option<&'static NodeType> {
    node_types().iter().find(|node_type| node_type.name == name)
}

impl NodeType {
    fn parse(line: &'static str) -> Option<NodeType> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, vcpus, maxmemory, memory, note] = fields[..] else { return None };
        Some(NodeType {
            name,
            vcpus: vcpus.parse().ok()?,
            maxmemory_bytes: maxmemory.parse().ok()?,
            memory_gib: memory.parse().ok()?,
            is_previous: note.contains("no new clusters"),
            has_tiering: note.contains("data tiering"),
        })
    }

    /// Connections that a node takes: fewer on the smallest types.
    pub fn maxclients(&self) -> u32 {
        match self.name.trim_start_matches("cache.") {
            "t3.micro" | "t4g.micro" => 20_000,
            "t3.small" | "t3.medium" => 46_000,
            name if name.starts_with("t2.") => 20_000,
            _ => 65_000,
        }
    }

    /// What a node of this type gets.
    pub fn size(&self) -> NodeSize {
        NodeSize {
            node_type: self.name.to_owned(),
            memory_bytes: self.maxmemory_bytes,
            vcpus: self.vcpus,
            maxclients: self.maxclients(),
        }
    }
}

/// A version of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineVersion {
    /// The engine.
    pub engine: Engine,
    /// What users ask for and lists show: `8.0`.
    pub asked: &'static str,
    /// What a cluster shows: `8.0.1`.
    pub full: &'static str,
    /// What its nodes are started as.
    pub profile: &'static str,
    /// `valkey8`
    pub family: &'static str,
}

const VERSIONS: [EngineVersion; 2] = [
    EngineVersion {
        engine: Engine::Redis,
        asked: "7.0",
        full: "7.0.15",
        profile: "redis-7.0",
        family: "redis7",
    },
    EngineVersion {
        engine: Engine::Valkey,
        asked: "8.0",
        full: "8.0.1",
        profile: "valkey-8.0",
        family: "valkey8",
    },
];

/// Versions that the service has and Engram has not.
const ELSEWHERE: [(Engine, &[&str]); 2] = [
    (Engine::Redis, &["4.0.10", "5.0.6", "6.0", "6.2", "7.1"]),
    (Engine::Valkey, &["7.2", "8.1", "8.2", "9.0", "9.1"]),
];

/// A family of parameter groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// `valkey8`
    pub name: &'static str,
    /// The first version that it is of.
    pub since: &'static str,
    /// It has a default group for cluster mode too.
    pub has_cluster_mode: bool,
}

/// All families, in the order of their age within an engine.
pub const FAMILIES: [Family; 13] = [
    family("memcached1.4", "1.4.5", false),
    family("memcached1.5", "1.5.10", false),
    family("memcached1.6", "1.6.6", false),
    family("redis2.6", "2.6.13", false),
    family("redis2.8", "2.8.6", false),
    family("redis3.2", "3.2.4", true),
    family("redis4.0", "4.0.10", true),
    family("redis5.0", "5.0.0", true),
    family("redis6.x", "6.0", true),
    family("redis7", "7.0", true),
    family("valkey7", "7.2", true),
    family("valkey8", "8.0", true),
    family("valkey9", "9.0", true),
];

const fn family(name: &'static str, since: &'static str, has_cluster_mode: bool) -> Family {
    Family { name, since, has_cluster_mode }
}

/// The version that a deployment shows.
pub fn version_of(engine: Engine, full: &str) -> Option<&'static EngineVersion> {
    VERSIONS.iter().find(|version| version.engine == engine && version.full == full)
}

/// All versions.
pub fn versions() -> &'static [EngineVersion] {
    &VERSIONS
}

/// The version of something new that asks for none.
pub fn default_version(engine: Engine) -> &'static EngineVersion {
    let newest = VERSIONS.iter().rfind(|version| version.engine == engine);
    newest.expect("every engine has a version")
}

/// The version that is asked for, by `major.minor`.
///
/// # Errors
/// `InvalidParameterValue` if there is none, if it is not here yet, or if it names a patch: those are the service's to choose.
pub fn find_version(engine: Engine, asked: &str) -> Result<&'static EngineVersion, Fault> {
    let of_engine = || VERSIONS.iter().filter(|version| version.engine == engine);
    if let Some(version) = of_engine().find(|version| version.asked == asked) {
        return Ok(version);
    }
    let minor = |version: &str| version.split('.').take(2).collect::<Vec<_>>().join(".");
    if asked.split('.').count() > 2 && of_engine().any(|version| version.asked == minor(asked)) {
        return Err(faults::value(format!(
            "Specific version selection is not allowed for '{asked}', please use '{}'",
            minor(asked)
        )));
    }
    let is_elsewhere = ELSEWHERE.iter().any(|(of, versions)| *of == engine && versions.contains(&asked));
    Err(faults::value(match is_elsewhere {
        true => format!("The version {asked} of {engine} is not supported by Engram yet."),
        false => format!("Cannot find version {asked} for {engine}"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_type_has_a_size() {
        assert!(node_types().len() > 90);
        for node_type in node_types() {
            let size = node_type.size();
            assert!(node_type.name.starts_with("cache.") && size.vcpus > 0, "{node_type:?}");
            // maxmemory is less than the machine has, and more than half of it.
            let gib = node_type.maxmemory_bytes as f64 / f64::from(1 << 30);
            assert!(gib <= node_type.memory_gib * 1.02 && gib > node_type.memory_gib / 2.0, "{node_type:?}");
        }
        assert_eq!(node_type("cache.t4g.micro").map(|one| one.vcpus), Some(2));
        assert_eq!(node_type("cache.t4g.pico"), None);
    }

    #[test]
    fn versions_are_found_by_major_and_minor() {
        assert_eq!(find_version(Engine::Valkey, "8.0").map(|one| one.full), Ok("8.0.1"));
        let text = |engine, asked| find_version(engine, asked).unwrap_err().message;
        assert!(text(Engine::Valkey, "8.0.1").contains("please use '8.0'"));
        assert!(text(Engine::Redis, "7.1").contains("not supported by Engram yet"));
        assert!(text(Engine::Redis, "8.0").starts_with("Cannot find version"));
    }
}
