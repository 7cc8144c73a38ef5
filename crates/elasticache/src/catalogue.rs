//! The node types, engine versions and families of parameter groups.
//!
//! Node types are data (`data/nodetypes.tsv`): [`NodeType::check`] says which a node may have, and [`NodeType::is_open_to`] which it may
//! change to. Versions are those that nodes really speak as; a version that only AWS has is refused by
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
    /// What the service calls `max_cache_memory`, in MB; none if it has no Memcached.
    pub max_cache_memory_mb: Option<u64>,
    /// Memory of the machine, in GiB.
    pub memory_gib: f64,
    /// Its NVMe disks, in GiB; with them it is made for data tiering alone.
    pub ssd_gib: Option<f64>,
    /// What the network carries, in Gbps: always, and for a while. None if nothing is said.
    pub network_gbps: Option<(f64, f64)>,
    /// The first versions that it can have, by engine.
    pub valkey: Since,
    /// The same, of Redis OSS.
    pub redis: Since,
    /// The same, of Memcached.
    pub memcached: Since,
    /// Nothing new is made of it: a generation before the last.
    pub is_previous: bool,
    /// AWS does not have it.
    pub is_own: bool,
}

/// From which version of an engine on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// It has none.
    Never,
    /// It has all.
    Any,
    /// It has this one and later ones.
    Version(&'static str),
}

impl Since {
    fn parse(text: &'static str) -> Since {
        match text {
            "-" => Since::Never,
            "any" => Since::Any,
            version => Since::Version(version),
        }
    }

    /// Whether a version is among them.
    fn has(self, version: &str) -> bool {
        let numbers = |version: &str| -> Vec<u32> {
            version.split('.').map(|number| number.parse().unwrap_or(u32::MAX)).collect()
        };
        match self {
            Since::Never => false,
            Since::Any => true,
            Since::Version(first) => numbers(version) >= numbers(first),
        }
    }
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
        let [name, vcpus, maxmemory, cache_memory, memory, ssd, network, valkey, redis, memcached, note] =
            fields[..]
        else {
            return None;
        };
        let optional = |field: &'static str| Some(field).filter(|field| *field != "-");
        let (baseline, burst) = network.split_once('/').unwrap_or((network, network));
        let network = optional(network).map(|_| Some((baseline.parse().ok()?, burst.parse().ok()?)));
        Some(NodeType {
            name,
            vcpus: vcpus.parse().ok()?,
            maxmemory_bytes: maxmemory.parse().ok()?,
            max_cache_memory_mb: optional(cache_memory).map(str::parse).transpose().ok()?,
            memory_gib: memory.parse().ok()?,
            ssd_gib: optional(ssd).map(str::parse).transpose().ok()?,
            network_gbps: match network {
                Some(parsed) => Some(parsed?),
                None => None,
            },
            valkey: Since::parse(valkey),
            redis: Since::parse(redis),
            memcached: Since::parse(memcached),
            is_previous: note.contains("previous"),
            is_own: note.contains("own"),
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

    /// From which version of an engine on it can be had.
    fn since(&self, engine: Engine) -> Since {
        match engine {
            Engine::Valkey => self.valkey,
            Engine::Redis => self.redis,
        }
    }

    /// Refuses a type that no node of this engine and version can be given.
    ///
    /// # Errors
    /// `InvalidParameterCombination`, and `InvalidParameterValue` for a type that nothing new is made of.
    pub fn check(&self, engine: Engine, version: &str) -> Result<(), Fault> {
        let name = self.name;
        if self.is_previous {
            return Err(faults::value(format!(
                "The cache node type {name} is of a previous generation. New nodes cannot have it."
            )));
        }
        match self.since(engine) {
            Since::Never => {
                let text = format!("The cache node type {name} is not supported for {engine}.");
                return Err(faults::combination(text));
            }
            Since::Version(first) if !self.since(engine).has(version) => {
                return Err(faults::combination(format!(
                    "The cache node type {name} is not supported for {engine} {version}. It requires {engine} {first} or later."
                )));
            }
            Since::Version(_) | Since::Any => {}
        }
        match self.ssd_gib {
            // Text as the service answers.
            Some(_) => Err(faults::combination(format!(
                "When using the {name} node type, you must enable data tiering."
            ))),
            None => Ok(()),
        }
    }

    /// Whether nodes of this engine and version, without data tiering, can change to it.
    pub fn is_open_to(&self, engine: Engine, version: &str) -> bool {
        self.check(engine, version).is_ok()
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

const VERSIONS: [EngineVersion; 5] = [
    version(Engine::Redis, "7.0", "7.0.15", "redis-7.0", "redis7"),
    version(Engine::Redis, "7.1", "7.1.0", "redis-7.1", "redis7"),
    version(Engine::Valkey, "7.2", "7.2.6", "valkey-7.2", "valkey7"),
    version(Engine::Valkey, "8.0", "8.0.1", "valkey-8.0", "valkey8"),
    version(Engine::Valkey, "8.1", "8.1.8", "valkey-8.1", "valkey8"),
];

const fn version(
    engine: Engine,
    asked: &'static str,
    full: &'static str,
    profile: &'static str,
    family: &'static str,
) -> EngineVersion {
    EngineVersion { engine, asked, full, profile, family }
}

/// What is made where no version is asked for.
const DEFAULTS: [(Engine, &str); 2] = [(Engine::Redis, "7.0"), (Engine::Valkey, "8.0")];

/// Versions that the service has and Engram has not: what they are known for is not there yet.
const ELSEWHERE: [(Engine, &[&str]); 2] =
    [(Engine::Redis, &["4.0.10", "5.0.6", "6.0", "6.2"]), (Engine::Valkey, &["8.2", "9.0", "9.1"])];

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
    let is_default = |version: &&EngineVersion| DEFAULTS.contains(&(version.engine, version.asked));
    let default = VERSIONS.iter().filter(is_default).find(|version| version.engine == engine);
    default.expect("every engine has a default")
}

/// The version that is asked for, by `major.minor`.
///
/// # Errors
/// `InvalidParameterCombination` if there is none. `InvalidParameterValue` if it is not here yet, or if it names a patch: those are the
/// service's to choose.
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
    Err(match is_elsewhere {
        true => faults::value(format!("The version {asked} of {engine} is not supported by Engram yet.")),
        // Code and text as the service answers.
        false => faults::combination(format!("Cannot find version {asked} for {engine}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_type_is_what_its_figures_permit() {
        assert_eq!(node_types().len(), 118, "112 of AWS and 6 of Engram's own");
        for node_type in node_types() {
            let size = node_type.size();
            assert!(node_type.name.starts_with("cache.") && size.vcpus > 0, "{node_type:?}");
            // maxmemory is less than the machine has, and more than half of it.
            let gib = node_type.maxmemory_bytes as f64 / f64::from(1 << 30);
            assert!(gib <= node_type.memory_gib * 1.02 && gib > node_type.memory_gib / 2.0, "{node_type:?}");
            let mb = node_type.max_cache_memory_mb.map(|mb| mb as f64 / 1024.0);
            assert!(mb.is_none_or(|gib| gib <= node_type.memory_gib * 1.02), "{node_type:?}");
            assert_eq!(mb.is_none(), node_type.memcached == Since::Never, "{node_type:?}");
            let network = node_type.network_gbps;
            assert!(
                network.is_none_or(|(baseline, burst)| 0.0 < baseline && baseline <= burst),
                "{node_type:?}"
            );
            assert!(network.is_some() || node_type.is_previous, "{node_type:?}");
            let is_tiered = node_type.name.contains("6gd.") || node_type.is_own;
            assert_eq!(node_type.ssd_gib.is_some(), is_tiered, "{node_type:?}");
        }
        let names: std::collections::BTreeSet<_> = node_types().iter().map(|one| one.name).collect();
        assert_eq!(names.len(), node_types().len());
    }

    #[test]
    fn figures_of_the_catalogue() {
        for (name, vcpus, maxmemory, memcached, gib, network) in [
            ("cache.t4g.micro", 2, 536870912, Some(512), 0.5, Some((0.064, 5.0))),
            ("cache.m7g.large", 2, 6854542746, Some(6537), 6.38, Some((0.937, 12.5))),
            ("cache.m8g.16xlarge", 64, 269800701952, Some(257302), 251.27, Some((30.0, 30.0))),
            ("cache.r5.24xlarge", 96, 682485973811, Some(650869), 635.61, Some((25.0, 25.0))),
            ("cache.c7gn.large", 2, 3317862236, Some(3164), 3.09, Some((6.25, 30.0))),
            ("cache.r6gd.xlarge", 4, 28261849702, None, 26.32, Some((1.25, 10.0))),
            ("cache.r3.8xlarge", 32, 254384537600, None, 237.0, None),
        ] {
            let found = node_type(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!((found.vcpus, found.maxmemory_bytes), (vcpus, maxmemory), "{name}");
            assert_eq!((found.max_cache_memory_mb, found.network_gbps), (memcached, network), "{name}");
            assert_eq!((found.memory_gib, found.is_own), (gib, false), "{name}");
        }
        assert_eq!(node_type("cache.t4g.pico"), None);
        let own: Vec<_> =
            node_types().iter().filter(|one| one.is_own).map(|one| (one.name, one.memory_gib)).collect();
        assert_eq!((own[0], own[5]), (("cache.r7gd.xlarge", 26.32), ("cache.r7gd.16xlarge", 635.61)));
        assert_eq!(own.len(), 6);
        let ssd = |name| node_type(name).and_then(|one| one.ssd_gib);
        assert_eq!((ssd("cache.r6gd.16xlarge"), ssd("cache.r7gd.xlarge")), (Some(1592.56), Some(99.33)));
    }

    #[test]
    fn a_type_is_had_by_engines_and_versions() {
        for (name, engine, version, refusal) in [
            ("cache.m7g.large", Engine::Redis, "6.2", None),
            (
                "cache.m7g.large",
                Engine::Redis,
                "6.0",
                Some(
                    "The cache node type cache.m7g.large is not supported for redis 6.0. It requires redis 6.2 or later.",
                ),
            ),
            ("cache.t4g.micro", Engine::Redis, "5.0.6", None),
            (
                "cache.t4g.micro",
                Engine::Redis,
                "5.0.5",
                Some(
                    "The cache node type cache.t4g.micro is not supported for redis 5.0.5. It requires redis 5.0.6 or later.",
                ),
            ),
            ("cache.m8g.large", Engine::Valkey, "7.2", None),
            (
                "cache.m8g.large",
                Engine::Redis,
                "7.1",
                Some("The cache node type cache.m8g.large is not supported for redis."),
            ),
            ("cache.c7gn.large", Engine::Redis, "4.0.10", None),
            (
                "cache.t2.micro",
                Engine::Valkey,
                "8.0",
                Some(
                    "The cache node type cache.t2.micro is of a previous generation. New nodes cannot have it.",
                ),
            ),
            (
                "cache.r6gd.xlarge",
                Engine::Valkey,
                "8.0",
                Some("When using the cache.r6gd.xlarge node type, you must enable data tiering."),
            ),
            (
                "cache.r7gd.xlarge",
                Engine::Redis,
                "7.0",
                Some("When using the cache.r7gd.xlarge node type, you must enable data tiering."),
            ),
        ] {
            let checked = node_type(name).expect(name).check(engine, version);
            assert_eq!(
                checked.err().map(|fault| fault.message).as_deref(),
                refusal,
                "{name} {engine} {version}"
            );
        }
    }

    #[test]
    fn versions_are_found_by_major_and_minor() {
        assert_eq!(find_version(Engine::Valkey, "8.0").map(|one| one.full), Ok("8.0.1"));
        let text = |engine, asked| find_version(engine, asked).unwrap_err().message;
        assert!(text(Engine::Valkey, "8.0.1").contains("please use '8.0'"));
        assert!(text(Engine::Redis, "6.2").contains("not supported by Engram yet"));
        assert!(text(Engine::Redis, "8.0").starts_with("Cannot find version"));
    }
}
