//! Client-side caching beside a real server: what each of several connections is told, and when.
//!
//! ```text
//!   a: GET k          a line of a script: a connection, and its command
//!   ├─▶ the messages that it gets up to its reply, then those that every connection has got by then
//!   @b                the id of connection b          a! …    nothing may be asked of this connection behind the line
//! ```
//! Behind each line every connection is asked for a sign of life, so what it is told comes before that or is missed.

use crate::{oracle, subject, valkeys};
use conformance::connection::Connection;
use conformance::peer::{Launch, Peer};
use conformance::reply::Reply;
use std::collections::BTreeMap;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

struct Side {
    peer: Peer,
    connections: BTreeMap<String, Connection>,
    /// The ids of connections, also of those that have ended.
    ids: BTreeMap<String, i64>,
    /// Connections that may not be asked: a transaction is open, or CLIENT CACHING holds for the next command.
    silent: Vec<String>,
}

impl Side {
    fn start(launch: &Launch) -> Side {
        let mut side = Side {
            peer: Peer::start(launch).expect("the server starts"),
            connections: BTreeMap::new(),
            ids: BTreeMap::new(),
            silent: Vec::new(),
        };
        NAMES.iter().for_each(|name| side.open(name));
        side
    }

    fn open(&mut self, name: &str) {
        let mut connection = self.peer.connect().expect("a connection");
        let Ok(Reply::Integer(id)) = connection.call(&["CLIENT", "ID"]) else {
            panic!("each client has an id")
        };
        self.ids.insert(name.to_owned(), id);
        self.connections.insert(name.to_owned(), connection);
    }

    /// Ends all connections but for their names, and empties the server.
    fn reset(&mut self) {
        NAMES.iter().for_each(|name| self.open(name));
        self.silent.clear();
        let connection = self.connections.get_mut("a").expect("it is open");
        // Those of before are gone when they are not in the list any more.
        loop {
            let list = connection.call(&["CLIENT", "LIST"]).expect("a reply").to_text();
            if list.matches("laddr=").count() == NAMES.len() {
                break;
            }
        }
        assert_eq!(connection.call(&["FLUSHALL"]).expect("a reply").to_text(), "OK");
    }

    fn with_ids(&self, word: &str) -> String {
        match word.strip_prefix('@').and_then(|name| self.ids.get(name)) {
            Some(id) => id.to_string(),
            None => word.to_owned(),
        }
    }

    /// Ids by the names of their connections.
    fn named(&self, reply: Reply) -> Reply {
        let name = |id: i64| self.ids.iter().find(|(_, known)| **known == id).map(|(name, _)| name);
        match reply {
            Reply::Integer(id) => name(id).map_or(Reply::Integer(id), |name| Reply::bulk(format!("@{name}"))),
            Reply::Array(all) => Reply::Array(all.into_iter().map(|one| self.named(one)).collect()),
            Reply::Push(all) => Reply::Push(all.into_iter().map(|one| self.named(one)).collect()),
            Reply::Map(all) => {
                Reply::Map(all.into_iter().map(|(key, value)| (key, self.named(value))).collect())
            }
            other => other,
        }
    }

    /// Runs a line; what each connection got because of it.
    fn run(&mut self, line: &str) -> Vec<(String, Vec<Reply>)> {
        let (name, command) = line.split_once(' ').expect("a connection and a command");
        let is_silent = name.ends_with('!');
        let name = name.trim_end_matches([':', '!']);
        if command == "(ends)" {
            self.connections.remove(name).expect("it is open");
            let id = self.ids[name];
            let other = self.connections.values_mut().next().expect("another one");
            while other.call(&["CLIENT", "LIST"]).expect("a reply").to_text().contains(&format!("id={id} ")) {
            }
            return self.told("");
        }
        let words: Vec<String> = command.split(' ').map(|word| self.with_ids(word)).collect();
        let shows_ids = words.iter().any(|word| ["GETREDIR", "TRACKINGINFO"].contains(&&**word));
        let connection = self.connections.get_mut(name).expect("it is open");
        connection.send(&words).expect("the server is there");
        let mut got = Vec::new();
        loop {
            got.push(connection.receive().expect("a reply"));
            if !is_message(&got[got.len() - 1]) {
                break;
            }
        }
        if command.starts_with("HELLO") {
            // Modules differ.
            got.truncate(got.len() - 1);
        }
        if command == "CLIENT INFO" {
            got = vec![shown(&got[got.len() - 1])];
        }
        self.silent.retain(|silent| silent != name);
        if is_silent || command == "MULTI" || got.last().is_some_and(|reply| reply.to_text() == "QUEUED") {
            self.silent.push(name.to_owned());
        }
        let replies =
            got.into_iter().map(|reply| if shows_ids { self.named(reply) } else { reply }).collect();
        let mut told = vec![(format!("{name} itself"), replies)];
        told.extend(self.told(name));
        told
    }

    /// What the connections have been told, `first`'s first.
    fn told(&mut self, first: &str) -> Vec<(String, Vec<Reply>)> {
        let mut names: Vec<String> = self.connections.keys().cloned().collect();
        names.sort_by_key(|name| name != first);
        names.retain(|name| !self.silent.contains(name));
        let mut all = Vec::new();
        for name in names {
            let connection = self.connections.get_mut(&name).expect("it is open");
            connection.send(&["PING", "alive?"]).expect("the server is there");
            let mut told = Vec::new();
            loop {
                let reply = connection.receive().expect("a reply");
                let is_alive = |reply: &Reply| reply.text() == Some(b"alive?");
                if is_alive(&reply) || reply.elements().and_then(<[_]>::last).is_some_and(is_alive) {
                    break;
                }
                told.push(reply);
            }
            let told = told.into_iter().map(|reply| self.named(reply)).collect();
            all.push((name, told));
        }
        all
    }
}

/// Whether nobody asked for it.
fn is_message(reply: &Reply) -> bool {
    let kinds: [&[u8]; 4] = [b"message", b"pmessage", b"invalidate", b"tracking-redir-broken"];
    let (Reply::Array(all) | Reply::Push(all)) = reply else { return false };
    all.first().and_then(Reply::text).is_some_and(|kind| kinds.contains(&kind))
}

/// The flags of CLIENT INFO, and whether others are told.
fn shown(info: &Reply) -> Reply {
    let text = info.to_text();
    let flags = text.split(' ').find_map(|field| field.strip_prefix("flags=")).expect("it has flags");
    let redirection =
        text.split(' ').find_map(|field| field.strip_prefix("redir=")).expect("it has this field");
    let redirection = redirection.parse::<i64>().expect("a number").min(1);
    Reply::bulk(format!("{flags} {redirection}"))
}

fn compare(theirs: &mut Side, ours: &mut Side, script: &[String]) -> usize {
    let mut messages = 0;
    for (at, line) in script.iter().enumerate() {
        let (their, our) = (theirs.run(line), ours.run(line));
        messages += their.iter().flat_map(|(_, told)| told).filter(|reply| is_message(reply)).count();
        assert_eq!(our, their, "at {line:?}, behind\n{}", script[..at].join("\n"));
    }
    messages
}

const SCRIPTS: &[&str] = &[
    "a: HELLO 3
     a: CLIENT TRACKING ON
     a: GET k
     a: CLIENT INFO
     a: CLIENT TRACKINGINFO
     a: CLIENT GETREDIR
     b: SET k 1
     b: SET k 2
     a: MGET k other k
     b: MSET k 1 other 2 third 3
     a: GET k
     a: SET k 4
     a: GET k
     a: SELECT 1
     b: SELECT 3
     b: SET k 5
     a: GET k
     b: FLUSHDB
     a: GET k
     b: FLUSHALL
     a: FLUSHALL
     a: LRANGE k 0 -1
     b: RPUSH k 1
     a: GET none
     a: SET none 1
     a: CLIENT TRACKING OFF
     a: CLIENT INFO
     a: CLIENT GETREDIR
     b: SET k 6
     a: CLIENT TRACKINGINFO",
    "a: HELLO 3
     a: CLIENT TRACKING ON NOLOOP
     a: CLIENT TRACKINGINFO
     a: GET k
     a: SET k 1
     b: SET k 2
     a: GET k
     a: MULTI
     a: SET k 3
     a: GET k
     a: SET k 4
     a: EXEC
     b: SET k 5
     a: MULTI
     a: GET k
     b: SET k 1
     a: EXEC
     b: SET k 6
     a: GET k
     a: RESET
     b: SET k 7
     a: CLIENT GETREDIR",
    "a: HELLO 3
     a: CLIENT TRACKING ON OPTIN
     a: GET k
     b: SET k 1
     a! CLIENT CACHING YES
     a: GET k
     b: SET k 2
     a! CLIENT CACHING YES
     a! CLIENT TRACKINGINFO
     a! CLIENT GETNAME
     a: GET k
     b: SET k 3
     a! CLIENT CACHING YES
     a! NOSUCH
     a: GET k
     b: SET k 4
     a! CLIENT CACHING YES
     a: MULTI
     a: GET k
     a: GET l
     a: EXEC
     b: MSET k 5 l 5
     a: GET k
     b: SET k 6
     a: CLIENT CACHING NO
     a: CLIENT CACHING MAYBE
     a: CLIENT TRACKING ON OPTOUT
     a: CLIENT TRACKING OFF
     a: CLIENT CACHING YES
     a: CLIENT TRACKING ON OPTOUT
     a: CLIENT CACHING YES
     a! CLIENT CACHING NO
     a! CLIENT TRACKINGINFO
     a: GET k
     a: GET l
     b: MSET k 7 l 7
     a: CLIENT TRACKING ON OPTIN",
    "a: CLIENT TRACKING ON REDIRECT @b
     b: SUBSCRIBE __redis__:invalidate
     a: CLIENT GETREDIR
     a: CLIENT TRACKINGINFO
     a: GET k
     c: SET k 1
     a: GET k
     a: SET k 2
     a: GET k
     c: FLUSHALL
     a: FLUSHALL
     b: UNSUBSCRIBE __redis__:invalidate
     a: GET k
     c: SET k 3
     b: HELLO 3
     a: GET k
     c: SET k 4
     c: FLUSHALL
     a: HELLO 3
     a: GET k
     a: SET k 5
     a: GET k
     b: (ends)
     a: CLIENT TRACKINGINFO
     c: SET k 6
     a: CLIENT INFO
     a: CLIENT TRACKINGINFO
     a: CLIENT TRACKING ON
     a: CLIENT INFO",
    "a: HELLO 3
     b: HELLO 3
     a: CLIENT TRACKING ON BCAST
     b: CLIENT TRACKING ON BCAST PREFIX key: PREFIX other: NOLOOP
     b: CLIENT TRACKINGINFO
     a: CLIENT INFO
     c: SET key:1 1
     b: SET key:1 2
     b: MSET key:1 3 other:1 3 none 4
     c: MULTI
     c: SET key:2 1
     c: DEL key:1
     c: SET other:1 4
     c: SET key:2 2
     c: EXEC
     c: DEL gone
     b: CLIENT TRACKING ON BCAST PREFIX key:1
     b: CLIENT TRACKING ON BCAST PREFIX ke
     b: CLIENT TRACKING ON BCAST PREFIX x PREFIX y PREFIX xy
     b: CLIENT TRACKING ON BCAST PREFIX new:
     b: CLIENT TRACKINGINFO
     c: SET new:1 1
     b: SET new:2 1
     b: CLIENT TRACKING ON
     b: CLIENT TRACKING OFF
     c: SET key:1 1
     a: CLIENT TRACKING OFF
     c: SET key:1 1
     c: INFO nothing",
    "a: CLIENT TRACKING
     a: CLIENT TRACKING MAYBE
     a: CLIENT TRACKING ON PREFIX p
     a: CLIENT TRACKING ON PREFIX
     a: CLIENT TRACKING ON REDIRECT
     a: CLIENT TRACKING ON REDIRECT x
     a: CLIENT TRACKING ON REDIRECT 0
     a: CLIENT TRACKING ON REDIRECT -1
     a: CLIENT TRACKING ON REDIRECT 999999
     a: CLIENT TRACKING ON REDIRECT @b REDIRECT @c
     a: CLIENT TRACKING ON BCAST OPTIN
     a: CLIENT TRACKING ON BCAST OPTOUT
     a: CLIENT TRACKING ON OPTIN OPTOUT
     a: CLIENT TRACKING ON NOSUCH
     a: CLIENT TRACKING OFF
     a: CLIENT CACHING YES
     a: CLIENT CACHING
     a: CLIENT TRACKINGINFO
     a: CLIENT TRACKINGINFO x
     a: CLIENT GETREDIR
     a: CLIENT TRACKING ON
     a: GET k
     b: SET k 1
     a: CLIENT TRACKING ON REDIRECT @a
     a: GET k
     b: SET k 1",
    "a: HELLO 3
     a: CLIENT TRACKING ON
     a: GET k
     b: DEBUG SET-ACTIVE-EXPIRE 0
     b: SET k 1 PX 1
     b: DEBUG SLEEP 0.01
     a: EXISTS k
     b: SET k 1 PX 500
     a: STRLEN k
     b: DEBUG SLEEP 0.6
     b: EXISTS k
     b: DEBUG SET-ACTIVE-EXPIRE 1
     a: TTL k
     b: SET k 1
     a: STRLEN k
     b: EXPIRE k 100
     a: TYPE k
     b: RENAME k l
     a: MGET k l
     b: RENAME l k
     a: HGETALL h
     b: HSET h f v
     a: HGET h f
     b: HDEL h f
     a: SMEMBERS s
     b: SADD s 1
     a: SCARD s
     b: SMOVE s t 1
     a: SORT_RO s
     b: SADD s 1
     a: SCARD s
     b: SREM s none
     b: SPOP s
     a: EXISTS s
     b: COPY k s
     a: OBJECT ENCODING k
     b: APPEND k 1
     a: GETRANGE k 0 -1
     b: SETRANGE k 0 x
     a: GETEX k
     b: SET k 2
     a: DUMP k
     b: SWAPDB 0 1
     b: SWAPDB 0 1
     b: SET k 3
     a: KEYS k
     a: SCAN 0 MATCH k COUNT 100
     b: SET k 4
     a: XREAD STREAMS x 0
     b: XADD x 1-1 f v
     a: XRANGE x - +
     b: XTRIM x MAXLEN 0
     a: BITCOUNT k
     b: GETDEL k",
    "a: CLIENT NO-EVICT ON
     a: CLIENT NO-TOUCH ON
     a: READONLY
     a: CLIENT TRACKING ON BCAST
     a: CLIENT INFO",
];

fn lines(script: &str) -> Vec<String> {
    script.lines().map(|line| line.trim().to_owned()).collect()
}

/// A generator of numbers that are the same in each run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.below(all.len())]
    }
}

/// Commands of connections that track in all ways, and read and write few keys.
fn random_script(seed: u64, lines: usize) -> Vec<String> {
    let mut draw = Draw(seed);
    let mut script: Vec<String> = NAMES[..3].iter().map(|name| format!("{name}: HELLO 3")).collect();
    script.push("d: SUBSCRIBE __redis__:invalidate".to_owned());
    while script.len() < lines {
        let name = NAMES[draw.below(3)];
        let key = |draw: &mut Draw| format!("{}{}", draw.one_of(&["k", "l"]), draw.below(3));
        let commands = match draw.below(16) {
            0 => vec![format!(
                "{name}: CLIENT TRACKING ON{}{}{}",
                draw.one_of(&["", "", " OPTIN", " OPTOUT", " BCAST", " BCAST PREFIX k"]),
                draw.one_of(&["", " NOLOOP"]),
                draw.one_of(&["", "", " REDIRECT @d"]),
            )],
            1 => vec![format!("{name}: CLIENT TRACKING OFF")],
            2 => vec![
                format!("{name}! CLIENT CACHING {}", draw.one_of(&["YES", "NO"])),
                format!("{name}: GET {}", key(&mut draw)),
            ],
            3..=5 => vec![format!("{name}: GET {}", key(&mut draw))],
            6 => vec![format!("{name}: MGET {} {}", key(&mut draw), key(&mut draw))],
            7..=9 => vec![format!("{name}: SET {} v", key(&mut draw))],
            10 => vec![format!("{name}: DEL {} {}", key(&mut draw), key(&mut draw))],
            11 => vec![format!("{name}: MSET {} 1 {} 2", key(&mut draw), key(&mut draw))],
            12 => vec![format!("{name}: RENAME {} {}", key(&mut draw), key(&mut draw))],
            13 => vec![
                format!("{name}: MULTI"),
                format!("{name}: GET {}", key(&mut draw)),
                format!("{name}: SET {} v", key(&mut draw)),
                format!("{name}: DEL {}", key(&mut draw)),
                format!("{name}: EXEC"),
            ],
            14 => vec![format!("{name}: {}", draw.one_of(&["FLUSHDB", "FLUSHALL", "SELECT 1", "SELECT 0"]))],
            _ => vec![format!("{name}: CLIENT TRACKINGINFO"), format!("{name}: CLIENT INFO")],
        };
        script.extend(commands);
    }
    script
}

fn check(profile: &str, real: &Launch, scripts: u64) {
    let Some(launch) = subject(profile) else { return };
    let (mut theirs, mut ours) = (Side::start(real), Side::start(&launch));
    let mut messages = 0;
    let fixed = SCRIPTS.iter().map(|script| lines(script));
    let random = (1..=scripts).map(|seed| random_script(seed, 200));
    for script in fixed.chain(random) {
        theirs.reset();
        ours.reset();
        messages += compare(&mut theirs, &mut ours, &script);
    }
    assert!(messages > 200, "{messages} messages are too few");
}

#[test]
fn clients_are_told_what_is_old_as_by_redis_server() {
    let Some(real) = oracle() else { return };
    check("redis-7.0", &real, 20);
}

#[test]
fn clients_are_told_what_is_old_as_by_valkey() {
    for (profile, real) in valkeys() {
        check(profile.name(), &real, 20);
    }
}
