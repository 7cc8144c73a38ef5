//! The node types, engine versions and parameter groups that Engram offers.
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

/// `reserved-memory-percent` of the default parameter groups: what is kept for buffers and copies.
const RESERVED_PERCENT: u64 = 25;

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

    /// What a node of this type gets.
    pub fn size(&self) -> NodeSize {
        NodeSize {
            node_type: self.name.to_owned(),
            maxmemory_bytes: self.maxmemory_bytes / 100 * (100 - RESERVED_PERCENT),
            vcpus: self.vcpus,
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
    /// `default.valkey8`
    pub default_parameter_group: &'static str,
}

const VERSIONS: [EngineVersion; 2] = [
    EngineVersion {
        engine: Engine::Redis,
        asked: "7.0",
        full: "7.0.15",
        profile: "redis-7.0",
        family: "redis7",
        default_parameter_group: "default.redis7",
    },
    EngineVersion {
        engine: Engine::Valkey,
        asked: "8.0",
        full: "8.0.1",
        profile: "valkey-8.0",
        family: "valkey8",
        default_parameter_group: "default.valkey8",
    },
];

/// Versions that the service has and Engram has not.
const ELSEWHERE: [(Engine, &[&str]); 2] = [
    (Engine::Redis, &["4.0.10", "5.0.6", "6.0", "6.2", "7.1"]),
    (Engine::Valkey, &["7.2", "8.1", "8.2", "9.0", "9.1"]),
];

/// Families of parameter groups that the service has a default of, and whether it has one for cluster mode too.
const FAMILIES: [(&str, bool); 13] = [
    ("memcached1.4", false),
    ("memcached1.5", false),
    ("memcached1.6", false),
    ("redis2.6", false),
    ("redis2.8", false),
    ("redis3.2", true),
    ("redis4.0", true),
    ("redis5.0", true),
    ("redis6.x", true),
    ("redis7", true),
    ("valkey7", true),
    ("valkey8", true),
    ("valkey9", true),
];

/// The family of a default parameter group of the service, whether Engram has it or not, by its name in any case.
pub fn family_of(parameter_group: &str) -> Option<&'static str> {
    let name = parameter_group.to_ascii_lowercase();
    let of = name.strip_prefix("default.")?;
    let is = |(family, clusters): &&(&str, bool)| {
        of == *family || (*clusters && of.strip_suffix(".cluster.on") == Some(*family))
    };
    FAMILIES.iter().find(is).map(|(family, _)| *family)
}

/// Whether there is a parameter group of this name.
pub fn has_parameter_group(name: &str) -> bool {
    VERSIONS.iter().any(|version| version.default_parameter_group.eq_ignore_ascii_case(name))
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
    fn default_parameter_groups_have_a_family() {
        for version in versions() {
            assert_eq!(family_of(version.default_parameter_group), Some(version.family));
        }
        assert_eq!(family_of("Default.redis7.cluster.on"), Some("redis7"));
        assert_eq!(family_of("default.memcached1.6.cluster.on"), None);
        assert_eq!(family_of("redis7"), None);
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
