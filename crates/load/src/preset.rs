//! Loads by the names that redis-benchmark's users know.

use crate::plan::Command;

/// A load by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preset {
    /// What is sent.
    pub command: Command,
    /// What has to be there before: sent once.
    pub before: Vec<String>,
}

/// Elements of the list that LRANGE reads.
const ELEMENTS: usize = 600;

/// Name, command, and whether it reads the list.
const ALL: &[(&str, &str, bool)] = &[
    ("ping", "PING", false),
    ("set", "SET {key} {value}", false),
    ("get", "GET {key}", false),
    ("incr", "INCR counter:{key}", false),
    ("lpush", "LPUSH mylist {value}", false),
    ("rpush", "RPUSH mylist {value}", false),
    ("lpop", "LPOP mylist", false),
    ("rpop", "RPOP mylist", false),
    ("sadd", "SADD myset {member}", false),
    ("hset", "HSET myhash {field} {value}", false),
    ("hget", "HGET myhash {field}", false),
    ("spop", "SPOP myset", false),
    ("zadd", "ZADD myzset {score} {member}", false),
    ("zpopmin", "ZPOPMIN myzset", false),
    ("xadd", "XADD mystream * myfield {value}", false),
    ("lrange_100", "LRANGE myrange 0 99", true),
    ("lrange_300", "LRANGE myrange 0 299", true),
    ("lrange_500", "LRANGE myrange 0 499", true),
    ("lrange_600", "LRANGE myrange 0 599", true),
    ("mset", "MSET", false),
    ("mget", "MGET", false),
    ("del", "DEL {key}", false),
    ("expire", "EXPIRE {key} 3600", false),
];

/// Keys of MSET and MGET.
const MANY: usize = 10;

/// The names of all presets.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, ..)| *name)
}

impl Preset {
    /// A preset by its name.
    pub fn find(name: &str) -> Option<Preset> {
        let (name, text, reads_list) = ALL.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name))?;
        let text = match *name {
            "mset" => format!("MSET{}", " {key} {value}".repeat(MANY)),
            "mget" => format!("MGET{}", " {key}".repeat(MANY)),
            _ => (*text).to_owned(),
        };
        let mut before = Vec::new();
        if *reads_list {
            before.push("DEL myrange".to_owned());
            before.push(format!("RPUSH myrange{}", " {value}".repeat(ELEMENTS)));
        }
        let command = Command { name: name.to_uppercase(), text, weight: 1 };
        Some(Preset { command, before })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replies::Protocol;
    use crate::template::{Data, Template};

    #[test]
    fn all_presets_are_commands() {
        for name in names() {
            let preset = Preset::find(name).expect("it is listed");
            for text in preset.before.iter().chain([&preset.command.text]) {
                assert!(Template::new(text, &Data::default(), Protocol::Resp2).is_ok(), "{text}");
            }
        }
        assert_eq!(Preset::find("SET"), Preset::find("set"));
        assert_eq!(Preset::find("nothing"), None);
    }
}
