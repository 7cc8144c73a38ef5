//! `ACL LOG`: what was denied lately, newest first. Equal denials within a minute are one entry with a count.

use std::collections::VecDeque;

/// Denials further apart than this are entries of their own.
const TOGETHER_MS: u64 = 60_000;

/// So many of the newest entries are compared with a denial; the cost of a denial must not grow with the log.
const COMPARED: usize = 10;

/// What was denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The command.
    Command,
    /// A key.
    Key,
    /// A channel.
    Channel,
    /// A database.
    Database,
    /// A password.
    Auth,
}

impl Reason {
    /// Its name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Command => "command",
            Reason::Key => "key",
            Reason::Channel => "channel",
            Reason::Database => "database",
            Reason::Auth => "auth",
        }
    }
}

impl From<crate::Denied> for Reason {
    fn from(denied: crate::Denied) -> Reason {
        match denied {
            crate::Denied::Command => Reason::Command,
            crate::Denied::Key(_) => Reason::Key,
            crate::Denied::Channel(_) => Reason::Channel,
            crate::Denied::Database(_) => Reason::Database,
        }
    }
}

/// Where the command came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A client.
    TopLevel,
    /// A transaction.
    Multi,
    /// A script.
    Lua,
    /// A module.
    Module,
}

impl Origin {
    /// Its name in the log.
    pub fn name(self) -> &'static str {
        match self {
            Origin::TopLevel => "toplevel",
            Origin::Multi => "multi",
            Origin::Lua => "lua",
            Origin::Module => "module",
        }
    }
}

/// A denial.
#[derive(Debug, Clone, Copy)]
pub struct Denial<'a> {
    /// What was denied.
    pub reason: Reason,
    /// Where the command came from.
    pub origin: Origin,
    /// The command's full name, the key, channel or database; the command itself where a password was wrong.
    pub object: &'a [u8],
    /// The user's name; where a password was wrong, the one that was sent.
    pub user: &'a [u8],
    /// The client's line of CLIENT LIST.
    pub client: &'a [u8],
}

/// Equal denials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// How many there were.
    pub count: u64,
    /// What was denied.
    pub reason: Reason,
    /// Where the command came from.
    pub origin: Origin,
    /// What it was called.
    pub object: Box<[u8]>,
    /// The user's name.
    pub user: Box<[u8]>,
    /// The last client.
    pub client: Box<[u8]>,
    /// Counts all entries since the server started. Shown since 7.2, with the times.
    pub id: u64,
    /// The Unix time of the first.
    pub created_ms: u64,
    /// The Unix time of the last.
    pub updated_ms: u64,
}

impl Entry {
    /// `age-seconds`: how long ago the last one was.
    pub fn age_seconds(&self, now_ms: u64) -> f64 {
        (now_ms as f64 - self.updated_ms as f64) / 1000.0
    }

    fn is_like(&self, denial: &Denial<'_>, now_ms: u64) -> bool {
        self.reason == denial.reason
            && self.origin == denial.origin
            && self.updated_ms.abs_diff(now_ms) <= TOGETHER_MS
            && *self.object == *denial.object
            && *self.user == *denial.user
    }
}

/// The log.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Newest first.
    entries: VecDeque<Entry>,
    next_id: u64,
}

impl Log {
    /// Adds a denial at this time. `max_len` is what `acllog-max-len` says; the log is cut to it when an entry joins.
    pub fn add(&mut self, denial: &Denial<'_>, now_ms: u64, max_len: usize) {
        let like = self.entries.iter().take(COMPARED).position(|entry| entry.is_like(denial, now_ms));
        if let Some(mut entry) = like.and_then(|at| self.entries.remove(at)) {
            entry.count += 1;
            entry.updated_ms = now_ms;
            entry.client = denial.client.into();
            self.entries.push_front(entry);
            return;
        }
        self.entries.push_front(Entry {
            count: 1,
            reason: denial.reason,
            origin: denial.origin,
            object: denial.object.into(),
            user: denial.user.into(),
            client: denial.client.into(),
            id: self.next_id,
            created_ms: now_ms,
            updated_ms: now_ms,
        });
        self.next_id += 1;
        self.entries.truncate(max_len);
    }

    /// The entries, newest first.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// `ACL LOG RESET`. Numbers go on.
    pub fn reset(&mut self) {
        self.entries.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(object: &'static str) -> Denial<'static> {
        Denial {
            reason: Reason::Key,
            origin: Origin::TopLevel,
            object: object.as_bytes(),
            user: b"u",
            client: b"id=1",
        }
    }

    /// Objects with counts, newest first.
    fn shown(log: &Log) -> String {
        let all: Vec<String> = log
            .entries()
            .map(|entry| format!("{}:{}x{}", entry.id, entry.object.escape_ascii(), entry.count))
            .collect();
        all.join(" ")
    }

    #[test]
    fn equal_denials_within_a_minute_are_one() {
        let mut log = Log::default();
        log.add(&denial("a"), 1_000, 128);
        log.add(&denial("b"), 2_000, 128);
        log.add(&Denial { client: b"id=2", ..denial("a") }, 61_000, 128);
        assert_eq!(shown(&log), "0:ax2 1:bx1");
        let first = log.entries().next().expect("an entry");
        assert_eq!((first.created_ms, first.updated_ms, &*first.client), (1_000, 61_000, &b"id=2"[..]));
        assert_eq!(first.age_seconds(61_500), 0.5);
        log.add(&denial("b"), 62_001, 128);
        assert_eq!(shown(&log), "2:bx1 0:ax2 1:bx1");
    }

    #[test]
    fn each_part_makes_a_difference() {
        let base = denial("a");
        for other in [
            Denial { reason: Reason::Channel, ..base },
            Denial { origin: Origin::Lua, ..base },
            Denial { object: b"b", ..base },
            Denial { user: b"v", ..base },
        ] {
            let mut log = Log::default();
            log.add(&base, 0, 128);
            log.add(&other, 0, 128);
            assert_eq!(log.entries().len(), 2, "{other:?}");
        }
    }

    #[test]
    fn only_the_newest_ten_are_compared() {
        let mut log = Log::default();
        const OTHERS: [&str; COMPARED] = ["b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
        log.add(&denial("a"), 0, 128);
        OTHERS[1..].iter().for_each(|other| log.add(&denial(other), 0, 128));
        log.add(&denial("a"), 0, 128);
        assert_eq!(log.entries().len(), COMPARED);
        OTHERS.iter().for_each(|other| log.add(&denial(other), 0, 128));
        log.add(&denial("a"), 0, 128);
        assert_eq!(log.entries().filter(|entry| *entry.object == *b"a").count(), 2);
    }

    #[test]
    fn the_log_is_bounded_and_numbers_go_on() {
        let mut log = Log::default();
        for object in ["a", "b", "c"] {
            log.add(&denial(object), 0, 2);
        }
        assert_eq!(shown(&log), "2:cx1 1:bx1");
        log.reset();
        log.add(&denial("d"), 0, 2);
        assert_eq!(shown(&log), "3:dx1");
        log.add(&denial("e"), 0, 0);
        assert_eq!(shown(&log), "");
    }

    #[test]
    fn names() {
        let reasons = [Reason::Command, Reason::Key, Reason::Channel, Reason::Database, Reason::Auth];
        assert_eq!(reasons.map(Reason::name), ["command", "key", "channel", "database", "auth"]);
        let origins = [Origin::TopLevel, Origin::Multi, Origin::Lua, Origin::Module];
        assert_eq!(origins.map(Origin::name), ["toplevel", "multi", "lua", "module"]);
        assert_eq!(Reason::from(crate::Denied::Database(1)), Reason::Database);
        assert_eq!(Reason::from(crate::Denied::Command), Reason::Command);
        assert_eq!(Reason::from(crate::Denied::Key(1)), Reason::Key);
        assert_eq!(Reason::from(crate::Denied::Channel(1)), Reason::Channel);
    }
}
