//! The parameters of all families of parameter groups, as data (`data/parameters.tsv`).

use crate::catalogue::{self, FAMILIES};
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
    FAMILIES.iter().position(|one| one.name == family)
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
            since: if since.is_empty() { FAMILIES[families.0].since } else { since },
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
            Default::MemoryMib => node_type.max_cache_memory_mb?.to_string(),
            Default::Cpus => node_type.vcpus.to_string(),
            Default::Clients => node_type.maxclients().to_string(),
        })
    }
}

impl Parameter {
    /// Whether users may set this value, by the type and by what the service allows: words (`yes,no`), or numbers and ranges of
    /// them (`0,20-`, `1-64`).
    pub fn allows(&self, value: &str) -> bool {
        // As nodes read it: no plus sign, no leading zeros.
        let number = value.parse::<i64>().ok().filter(|number| number.to_string() == value);
        match (self.name, self.data_type) {
            ("notify-keyspace-events", _) => value.chars().all(|c| "KEg$lshzxetdmnA".contains(c)),
            (_, "integer") if self.allowed.is_empty() => number.is_some_and(|number| number >= 0),
            (_, "integer") => number.is_some_and(|number| self.ranges().any(|range| range.contains(&number))),
            (_, "float") => value.parse::<f64>().is_ok_and(f64::is_finite),
            _ if self.allowed.is_empty() => true,
            _ => self.allowed.split(',').any(|word| word == value),
        }
    }

    fn ranges(&self) -> impl Iterator<Item = std::ops::RangeInclusive<i64>> {
        self.allowed.split(',').filter_map(|part| {
            Some(match part.split_once('-') {
                Some((from, "")) => from.parse().ok()?..=i64::MAX,
                Some((from, to)) => from.parse().ok()?..=to.parse().ok()?,
                None => part.parse().ok().map(|one| one..=one)?,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn default(family: &str, name: &str) -> Option<Default> {
        of_family(family)?.into_iter().find(|one| one.name == name).map(|one| one.default)
    }

    #[test]
    fn a_family_has_a_parameter_once_and_each_is_one_of_its_engine() {
        for family in FAMILIES.map(|family| family.name) {
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
    fn ranges_and_words_are_what_may_be_set() {
        let allows = |family: &str, name: &str, value: &str| {
            let found = of_family(family).unwrap().into_iter().find(|one| one.name == name).unwrap();
            found.allows(value)
        };
        for (name, value, expected) in [
            ("timeout", "0", true),
            ("timeout", "19", false),
            ("timeout", "20", true),
            ("timeout", "twenty", false),
            ("timeout", "-1", false),
            ("timeout", "+20", false),
            ("timeout", "020", false),
            ("timeout", "-0", false),
            ("maxmemory-samples", "64", true),
            ("maxmemory-samples", "65", false),
            ("maxmemory-samples", "0", false),
            ("maxmemory-policy", "allkeys-lfu", true),
            ("maxmemory-policy", "allkeys-lif", false),
            ("maxmemory-policy", "", false),
            ("min-replicas-to-write", "3", true),
            ("min-replicas-to-write", "-3", false),
            ("notify-keyspace-events", "", true),
            ("notify-keyspace-events", "KEA", true),
            ("notify-keyspace-events", "KEQ", false),
            ("reserved-memory-percent", "100", true),
            ("reserved-memory-percent", "101", false),
        ] {
            assert_eq!(allows("valkey8", name, value), expected, "{name} {value:?}");
        }
        assert!(allows("redis7", "maxmemory-samples", "65"));
        assert!(allows("memcached1.6", "chunk_size_growth_factor", "1.5"));
        assert!(!allows("memcached1.6", "chunk_size_growth_factor", "a"));
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
