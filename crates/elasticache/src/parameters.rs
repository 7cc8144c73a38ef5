//! The parameters of all families of parameter groups, as data (`data/parameters.tsv`).

use crate::catalogue;
use std::sync::LazyLock;

/// A parameter, in a run of families in which nothing of it differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// `maxmemory-policy`
    pub name: &'static str,
    /// What it is where nobody has set it.
    pub default: Default,
    /// `string`, `integer`, `boolean`, `float`
    pub data_type: &'static str,
    /// As the service shows it; empty where it shows none.
    pub allowed: &'static str,
    /// Whether users may set it.
    pub is_modifiable: bool,
    /// `immediate` or `requires-reboot`
    pub change: &'static str,
    /// The first version that has it.
    pub since: &'static str,
    families: (usize, usize),
}

/// The default of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Default {
    /// The same on all node types.
    Is(&'static str),
    /// `maxmemory`: the node type's, in bytes.
    Memory,
    /// `max_cache_memory`: the node type's, in MiB.
    MemoryMib,
    /// `maxclients`: fewer on the smallest node types.
    Clients,
    /// `num_threads`: the node type's vCPUs.
    Cpus,
}

/// All families with their first versions, in the order of their age within an engine.
pub const FAMILIES: [(&str, &str); 13] = [
    ("memcached1.4", "1.4.5"),
    ("memcached1.5", "1.5.10"),
    ("memcached1.6", "1.6.6"),
    ("redis2.6", "2.6.13"),
    ("redis2.8", "2.8.6"),
    ("redis3.2", "3.2.4"),
    ("redis4.0", "4.0.10"),
    ("redis5.0", "5.0.0"),
    ("redis6.x", "6.0"),
    ("redis7", "7.0"),
    ("valkey7", "7.2"),
    ("valkey8", "8.0"),
    ("valkey9", "9.0"),
];

static PARAMETERS: LazyLock<Vec<Parameter>> = LazyLock::new(|| {
    let lines = include_str!("../data/parameters.tsv").lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| Parameter::parse(line).unwrap_or_else(|| panic!("in data/parameters.tsv: {line}")))
        .collect()
});

/// The parameters of a family by name, or `None` if there is no such family.
pub fn of_family(family: &str) -> Option<Vec<&'static Parameter>> {
    let at = position(family)?;
    let has = |parameter: &&Parameter| (parameter.families.0..=parameter.families.1).contains(&at);
    let mut found: Vec<_> = PARAMETERS.iter().filter(has).collect();
    found.sort_by_key(|parameter| parameter.name);
    Some(found)
}

fn position(family: &str) -> Option<usize> {
    FAMILIES.iter().position(|(name, _)| *name == family)
}

impl Parameter {
    fn parse(line: &'static str) -> Option<Parameter> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, default, data_type, allowed, modifiable, change, first, last, since] = fields[..] else {
            return None;
        };
        let families = (position(first)?, position(last)?);
        Some(Parameter {
            name,
            default: match default {
                "@maxmemory" => Default::Memory,
                "@max_cache_memory" => Default::MemoryMib,
                "@maxclients" => Default::Clients,
                "@num_threads" => Default::Cpus,
                value if value.starts_with('@') => return None,
                value => Default::Is(value),
            },
            data_type: ["string", "integer", "boolean", "float"].into_iter().find(|one| *one == data_type)?,
            allowed,
            is_modifiable: match modifiable {
                "yes" => true,
                "no" => false,
                _ => return None,
            },
            change: ["immediate", "requires-reboot"].into_iter().find(|one| *one == change)?,
            since: if since.is_empty() { FAMILIES[families.0].1 } else { since },
            families,
        })
    }
}

impl Default {
    /// The default on a node type; `None` if that runs no such node.
    pub fn on(self, node_type: &catalogue::NodeType) -> Option<String> {
        Some(match self {
            Default::Is(value) => value.to_owned(),
            Default::Memory => node_type.maxmemory_bytes.to_string(),
            Default::MemoryMib => cache_memory(node_type.name)?.to_owned(),
            Default::Cpus => node_type.vcpus.to_string(),
            Default::Clients => match node_type.name.trim_start_matches("cache.") {
                "t3.micro" | "t4g.micro" => "20000",
                "t3.small" | "t3.medium" => "46000",
                name if name.starts_with("t2.") => "20000",
                _ => "65000",
            }
            .to_owned(),
        })
    }
}

/// What a Memcached node of this type has for items, in MiB.
fn cache_memory(node_type: &str) -> Option<&'static str> {
    let lines = include_str!("../data/memcached-memory.tsv").lines();
    lines.filter_map(|line| line.split_once('\t')).find(|(name, _)| *name == node_type).map(|(_, mib)| mib)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default(family: &str, name: &str) -> Option<Default> {
        of_family(family)?.into_iter().find(|one| one.name == name).map(|one| one.default)
    }

    #[test]
    fn a_family_has_a_parameter_once_and_each_is_one_of_its_engine() {
        for (family, _) in FAMILIES {
            let found = of_family(family).unwrap();
            assert!(found.len() > 25, "{family} has {}", found.len());
            assert!(found.windows(2).all(|pair| pair[0].name < pair[1].name), "{family}");
            assert_eq!(found.iter().any(|one| one.name == "maxmemory"), !family.starts_with("memcached"));
        }
        for parameter in PARAMETERS.iter() {
            let (first, last) = parameter.families;
            assert!(first <= last && (first < 3) == (last < 3), "{parameter:?}");
        }
        assert_eq!(of_family("valkey6"), None);
    }

    #[test]
    fn a_default_that_the_choice_of_values_excludes_is_an_error_of_the_table() {
        // The service's own table has this one.
        let known = |one: &&Parameter| one.name != "modern" && one.data_type != "boolean";
        for parameter in PARAMETERS.iter().filter(known) {
            let Default::Is(value) = parameter.default else { continue };
            let words = parameter.allowed.split(',').collect::<Vec<_>>();
            if words.len() > 1 && words.iter().all(|word| !word.ends_with('-')) {
                assert!(words.contains(&value), "{parameter:?}");
            }
        }
    }

    #[test]
    fn defaults_are_those_of_the_family() {
        assert_eq!(default("redis2.8", "tcp-keepalive"), Some(Default::Is("0")));
        assert_eq!(default("redis3.2", "tcp-keepalive"), Some(Default::Is("300")));
        assert_eq!(default("valkey7", "repl-backlog-size"), Some(Default::Is("1048576")));
        assert_eq!(default("valkey8", "repl-backlog-size"), Some(Default::Is("10485760")));
        assert_eq!(default("redis6.x", "hash-max-listpack-value"), None);
        assert_eq!(default("redis7", "hash-max-ziplist-value"), None);
        let micro = catalogue::node_type("cache.t2.micro").unwrap();
        assert_eq!(Default::Memory.on(micro).as_deref(), Some("581959680"));
        assert_eq!(Default::MemoryMib.on(micro).as_deref(), Some("555"));
        assert_eq!(Default::Clients.on(micro).as_deref(), Some("20000"));
    }
}
