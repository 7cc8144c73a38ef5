//! Parameter groups, and what comes of them on a node.
//!
//! ```text
//!   ParameterGroup ─ values of users ─▶ NodeParameters of each deployment ─┬─ at once  ─ Step::Configure while it runs
//!      (names of AWS)   the service's       (names of the engine)          └─ at start ─ the next start of the process
//!                       table of defaults
//! ```
//! Whoever decides a change of a group writes down the parameters of each deployment that uses it, so the log needs no table. A node
//! tells by a digest which parameters it has ([`supervision::Revision`]). The plan compares it with the digest of what the node should
//! have: that is right whoever died in between.

use crate::apply::ApplyError;
use crate::event::{Happening, Source};
use crate::model::{NodeSize, Region};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use supervision::Revision;

/// A cache parameter group that a user made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterGroup {
    /// In lower case.
    pub name: String,
    /// `valkey8`
    pub family: String,
    /// `Description`
    pub description: String,
    /// What users have set, by AWS's names.
    pub values: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// What the nodes of a deployment are configured with, beyond what their size says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeParameters {
    /// Names and values of the engine's configuration that running nodes are given too.
    pub at_once: BTreeMap<String, String>,
    /// Those that a node has from its start on.
    pub at_start: BTreeMap<String, String>,
    /// The part of its memory that a node keeps free of data.
    pub reserved: Reserved,
}

/// Memory that is kept for buffers, connections and copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reserved {
    /// `reserved-memory-percent`
    Percent(u8),
    /// `reserved-memory`, in bytes.
    Bytes(u64),
}

impl Default for Reserved {
    /// ElastiCache's.
    fn default() -> Reserved {
        Reserved::Percent(25)
    }
}

impl Reserved {
    /// What is left for data, in bytes. Never 0, which would be no limit.
    pub fn rest(self, memory_bytes: u64) -> u64 {
        let rest = match self {
            Reserved::Percent(percent) => {
                let part = u128::from(memory_bytes) * u128::from(100 - percent.min(100)) / 100;
                u64::try_from(part).expect("no more than the whole")
            }
            Reserved::Bytes(bytes) => memory_bytes.saturating_sub(bytes),
        };
        rest.max(1)
    }
}

impl NodeParameters {
    /// The limit of a node's data, in bytes.
    pub fn maxmemory(&self, size: &NodeSize) -> u64 {
        self.reserved.rest(size.memory_bytes)
    }

    /// What a node of this size is given while it runs.
    pub fn while_running(&self, size: &NodeSize) -> Vec<(String, String)> {
        let mut all = self.at_once.clone();
        all.insert("maxmemory".into(), self.maxmemory(size).to_string());
        all.into_iter().collect()
    }

    /// The digests of what a node of this size should have.
    pub fn revision(&self, size: &NodeSize) -> Revision {
        Revision { at_once: digest(&self.while_running(size)), at_start: digest(&self.at_start) }
    }
}

impl Region {
    /// Puts a group in place of what it was. Other tags alone are no event.
    pub(crate) fn set_parameter_group(&mut self, at_ms: u64, group: &ParameterGroup) {
        let name = group.name.as_str();
        let Some(before) = self.parameter_groups.insert(name.to_owned(), group.clone()) else {
            let what = Happening::ParameterGroupCreated { group: name };
            return self.tell(at_ms, Source::CacheParameterGroup, name, what);
        };
        let set = group.values.iter().filter(|(name, value)| before.values.get(*name) != Some(value));
        let set = set.map(|(name, value)| Happening::ParameterUpdated { name, value });
        let reset = before.values.keys().filter(|name| !group.values.contains_key(*name));
        let reset = reset.map(|name| Happening::ParameterReset { name });
        for what in set.chain(reset) {
            self.tell(at_ms, Source::CacheParameterGroup, name, what);
        }
    }

    pub(crate) fn delete_parameter_group(&mut self, at_ms: u64, name: &str) -> Result<(), ApplyError> {
        let removed = self.parameter_groups.remove(name);
        removed.ok_or_else(|| ApplyError::Missing(format!("parameter group {name}")))?;
        self.tell(at_ms, Source::CacheParameterGroup, name, Happening::ParameterGroupDeleted { group: name });
        Ok(())
    }
}

/// The same in every process and every version of the program: running nodes keep it.
fn digest<'a>(pairs: impl IntoIterator<Item = impl Pair<'a>>) -> u64 {
    let mut bytes = Vec::new();
    for pair in pairs {
        for text in pair.texts() {
            bytes.extend((text.len() as u64).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
    }
    hashing::digest(&bytes)
}

trait Pair<'a> {
    fn texts(self) -> [&'a str; 2];
}

impl<'a> Pair<'a> for &'a (String, String) {
    fn texts(self) -> [&'a str; 2] {
        [&self.0, &self.1]
    }
}

impl<'a> Pair<'a> for (&'a String, &'a String) {
    fn texts(self) -> [&'a str; 2] {
        [self.0, self.1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(memory_bytes: u64) -> NodeSize {
        NodeSize { node_type: "cache.t".into(), memory_bytes, vcpus: 2, maxclients: 65_000 }
    }

    #[test]
    fn memory_is_reserved_by_percent_or_bytes_and_some_is_left() {
        for (reserved, rest) in [
            (Reserved::default(), 751),
            (Reserved::Percent(0), 1002),
            (Reserved::Percent(50), 501),
            (Reserved::Percent(100), 1),
            (Reserved::Bytes(300), 702),
            (Reserved::Bytes(5000), 1),
        ] {
            assert_eq!(reserved.rest(1002), rest, "{reserved:?}");
        }
    }

    #[test]
    fn groups_are_told_of_when_they_are_made_changed_and_deleted() {
        let mut region = Region::default();
        let values = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
        };
        let mut group = ParameterGroup {
            name: "own".into(),
            family: "valkey8".into(),
            description: "x".into(),
            values: BTreeMap::new(),
            tags: BTreeMap::new(),
        };
        region.set_parameter_group(1, &group);
        group.values = values(&[("timeout", "20"), ("databases", "8")]);
        region.set_parameter_group(2, &group);
        group.tags = values(&[("team", "a")]);
        region.set_parameter_group(3, &group);
        group.values = values(&[("timeout", "30")]);
        region.set_parameter_group(4, &group);
        region.delete_parameter_group(5, "own").unwrap();
        assert!(region.delete_parameter_group(6, "own").is_err());
        let told: Vec<_> = region
            .events
            .iter()
            .map(|one| (one.at_ms, one.source_id.as_str(), one.message.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (1, "own", "Cache parameter group own created"),
                (2, "own", "Updated parameter databases to 8"),
                (2, "own", "Updated parameter timeout to 20"),
                (4, "own", "Updated parameter timeout to 30"),
                (4, "own", "Reset parameter databases to its default"),
                (5, "own", "Cache parameter group own deleted"),
            ]
        );
    }

    #[test]
    fn a_revision_is_of_what_it_is_made_of() {
        let mut parameters = NodeParameters::default();
        let before = parameters.revision(&size(1000));
        // Written down: another value would make every running node differ after an upgrade.
        assert_eq!(
            before,
            Revision { at_once: 10_848_201_543_918_703_603, at_start: 7_727_202_665_366_853_998 }
        );
        parameters.at_once.insert("timeout".into(), "20".into());
        let at_once = parameters.revision(&size(1000));
        assert!(at_once.at_once != before.at_once && at_once.at_start == before.at_start);
        parameters.at_start.insert("databases".into(), "32".into());
        assert_ne!(parameters.revision(&size(1000)).at_start, before.at_start);
        assert_ne!(parameters.revision(&size(2000)).at_once, at_once.at_once);
        // "a" "bc" is not "ab" "c".
        assert_ne!(digest(&[("a".into(), "bc".into())]), digest(&[("ab".into(), "c".into())]));
    }
}
