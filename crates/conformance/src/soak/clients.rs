//! The kinds of clients of a soak: one row each, and what it does in a round.
//!
//! Keys are few, so that clients contend: `k0`… hold strings, `n0`… integers, `l0`… lists, `h0`… hashes. A kind that delays
//! all clients (FLUSHALL, SWAPDB, a save) pauses between its rounds.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::connection::{Connection, encode};
use crate::peer::Peer;
use crate::reply::Reply;
use crate::rng::Rng;

/// How many keys of strings, integers, lists and hashes.
const STRINGS: usize = 3000;
const INTEGERS: usize = 50;
const LISTS: usize = 20;
const HASHES: usize = 5;
/// Commands of one pipeline.
const PIPELINE: usize = 16;
/// More slots than a command locks one by one.
const MANY_KEYS: usize = 1500;

/// A kind of client.
pub(super) struct Kind {
    /// How it is called in a finding.
    pub(super) name: &'static str,
    /// How many of it there are.
    pub(super) clients: usize,
    /// How long it rests after a round.
    pub(super) pause: Duration,
    /// It sets `maxmemory`.
    pub(super) only_with_evictions: bool,
    /// One round; every reply to it is read.
    pub(super) round: fn(&mut Session) -> Result<()>,
}

const fn kind(
    name: &'static str,
    clients: usize,
    pause_ms: u64,
    round: fn(&mut Session) -> Result<()>,
) -> Kind {
    Kind { name, clients, pause: Duration::from_millis(pause_ms), only_with_evictions: false, round }
}

/// Every kind.
pub(super) const KINDS: &[Kind] = &[
    kind("pipeline", 6, 0, pipeline),
    kind("exec", 2, 0, exec),
    kind("watch", 2, 0, watch),
    kind("mget", 1, 5, |s| s.call(&many("MGET", MANY_KEYS))),
    kind("del", 1, 20, |s| {
        let count = 900 + s.rng.below(400);
        s.call(&many("DEL", count))
    }),
    kind("mset", 1, 20, mset),
    kind("blpop", 2, 0, |s| {
        let keys = [s.list(), s.list(), s.list()];
        s.call(&["BLPOP", &keys[0], &keys[1], &keys[2], "0.05"])
    }),
    kind("blmove", 1, 0, |s| {
        let (from, to) = (s.list(), s.list());
        s.call(&["BLMOVE", &from, &to, "LEFT", "RIGHT", "0.05"])
    }),
    kind("blmpop", 1, 0, |s| {
        let (one, other) = (s.list(), s.list());
        s.call(&["BLMPOP", "0.05", "2", &one, &other, "RIGHT", "COUNT", "3"])
    }),
    kind("blpop-many", 1, 0, |s| {
        let mut args = vec!["BLPOP".to_owned()];
        args.extend((0..MANY_KEYS).map(|i| format!("l{i}")));
        args.push("0.05".to_owned());
        s.call(&args)
    }),
    kind("scan", 1, 10, scan),
    kind("keys", 1, 10, |s| s.call(&["KEYS", "k1*"])),
    kind("random", 1, 1, |s| s.call(&["RANDOMKEY"])),
    kind("hrandfield", 1, 1, |s| {
        let hash = s.hash();
        s.call(&["HRANDFIELD", &hash, "-1000", "WITHVALUES"])
    }),
    kind("move", 1, 1, move_key),
    kind("swap", 1, 50, |s| s.call(&["SWAPDB", "0", "1"])),
    kind("flush", 1, 700, |s| {
        let how = if s.rng.percent(50) { "ASYNC" } else { "SYNC" };
        s.call(&["FLUSHALL", how])
    }),
    kind("save", 1, 200, |s| s.call(&["BGSAVE"])),
    kind("publish", 1, 1, |s| s.call(&["PUBLISH", "channel", "message"])),
    kind("subscribe", 1, 5, subscribe),
    kind("pause", 1, 100, |s| s.call(&["CLIENT", "PAUSE", "5", "WRITE"])),
    kind("info", 1, 20, |s| s.call(&["INFO", "everything"])),
    kind("leave", 1, 50, leave),
    Kind {
        only_with_evictions: true,
        ..kind("maxmemory", 1, 50, |s| {
            let limit = if s.rng.percent(50) { "0".to_owned() } else { format!("{}mb", s.rng.range(7, 11)) };
            s.call(&["CONFIG", "SET", "maxmemory", &limit])
        })
    },
];

/// Errors that are not findings: keys come and go, and other clients save, flush and set limits meanwhile.
const EXPECTED: &[&str] = &[
    "OOM command not allowed",
    "ERR no such key",
    "ERR value is not an integer",
    "ERR value is not a valid float",
    "ERR increment or decrement would overflow",
    "ERR Background save already in progress",
    "ERR source and destination objects are the same",
    "EXECABORT Transaction discarded because of",
];

/// One client.
pub(super) struct Session {
    connection: Connection,
    /// Where others can be opened.
    socket: PathBuf,
    rng: Rng,
}

impl Session {
    pub(super) fn new(primary: &Peer, rng: Rng) -> Result<Session> {
        Ok(Session { connection: primary.connect()?, socket: primary.unix_socket(), rng })
    }

    /// Sends a command and reads its reply.
    fn call<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Result<()> {
        self.connection.send(args)?;
        self.receive().map(drop)
    }

    /// Reads a reply. An error in it must be one of those expected.
    fn receive(&mut self) -> Result<Reply> {
        let reply = self.connection.receive()?;
        check(&reply)?;
        Ok(reply)
    }

    fn string(&mut self) -> String {
        format!("k{}", self.rng.below(STRINGS))
    }

    fn integer(&mut self) -> String {
        format!("n{}", self.rng.below(INTEGERS))
    }

    fn list(&mut self) -> String {
        format!("l{}", self.rng.below(LISTS))
    }

    fn hash(&mut self) -> String {
        format!("h{}", self.rng.below(HASHES))
    }

    /// A write or a read of one key or two.
    fn small(&mut self) -> Vec<String> {
        let line = match self.rng.below(18) {
            0 => format!("SET {} {}", self.string(), "v".repeat(self.rng.below(200))),
            1 => format!("GET {}", self.string()),
            2 => format!("DEL {}", self.string()),
            3 => format!("SET {} {} PX {}", self.string(), "v".repeat(50), 1 + self.rng.below(200)),
            4 => format!("PEXPIRE {} {}", self.string(), 1 + self.rng.below(300)),
            5 => format!("LPUSH {} x{}", self.list(), self.rng.below(99)),
            6 => format!("LPOP {}", self.list()),
            7 => format!("HSET {} f{} {}", self.hash(), self.rng.below(500), "v".repeat(20)),
            8 => format!("HDEL {} f{}", self.hash(), self.rng.below(500)),
            9 => format!("INCR {}", self.integer()),
            10 => format!("RENAME {} {}", self.string(), self.string()),
            11 => format!("COPY {} {} REPLACE", self.string(), self.string()),
            12 => format!("APPEND {} z", self.string()),
            13 => format!("GETEX {} PX 50", self.string()),
            14 => format!("PERSIST {}", self.string()),
            15 => format!("INCRBYFLOAT f{} 0.5", self.rng.below(10)),
            16 => format!("UNLINK {} {}", self.string(), self.hash()),
            _ => format!("SETRANGE {} {} z", self.string(), self.rng.below(300)),
        };
        line.split(' ').map(str::to_owned).collect()
    }
}

fn check(reply: &Reply) -> Result<()> {
    match reply {
        Reply::Error(text) => {
            let text = String::from_utf8_lossy(text);
            ensure!(EXPECTED.iter().any(|known| text.starts_with(known)), "an unexpected error: {text}");
            Ok(())
        }
        Reply::Array(elements) => elements.iter().try_for_each(check),
        _ => Ok(()),
    }
}

/// A command over `k0`, `k1`, …
fn many(name: &str, count: usize) -> Vec<String> {
    std::iter::once(name.to_owned()).chain((0..count).map(|i| format!("k{i}"))).collect()
}

fn pipeline(s: &mut Session) -> Result<()> {
    let mut bytes = Vec::new();
    for _ in 0..PIPELINE {
        bytes.extend(encode(&s.small()));
    }
    s.connection.send_raw(&bytes)?;
    for _ in 0..PIPELINE {
        s.receive()?;
    }
    Ok(())
}

fn exec(s: &mut Session) -> Result<()> {
    s.call(&["MULTI"])?;
    for _ in 0..1 + s.rng.below(5) {
        let command = s.small();
        s.call(&command)?;
    }
    if s.rng.percent(20) {
        s.call(&["DBSIZE"])?;
    }
    s.call(&["EXEC"])
}

/// A transaction that some other client spoils now and then. No other client counts what it adds.
fn watch(s: &mut Session) -> Result<()> {
    let key = s.integer();
    s.call(&["WATCH", &key])?;
    s.call(&["GET", &key])?;
    s.call(&["MULTI"])?;
    s.call(&["INCR", &key])?;
    s.call(&["EXEC"])
}

fn mset(s: &mut Session) -> Result<()> {
    let count = 1 + s.rng.below(1100);
    let mut args = vec!["MSET".to_owned()];
    args.extend((0..count).flat_map(|i| [format!("k{i}"), "v".to_owned()]));
    s.call(&args)
}

/// A whole scan; it ends although others write, flush and swap.
fn scan(s: &mut Session) -> Result<()> {
    let mut cursor = "0".to_owned();
    loop {
        s.connection.send(&["SCAN", &cursor, "COUNT", "500"])?;
        let reply = s.receive()?;
        let next = reply.elements().and_then(|both| both.first()).map(Reply::to_text);
        match next {
            Some(next) if next == "0" => return Ok(()),
            Some(next) => cursor = next,
            None => anyhow::bail!("SCAN answers {reply}"),
        }
    }
}

fn move_key(s: &mut Session) -> Result<()> {
    let (from, to) = (s.rng.below(2), s.rng.below(2));
    s.call(&["SELECT", &from.to_string()])?;
    let key = s.string();
    s.call(&["MOVE", &key, &to.to_string()])
}

/// Subscribes on a connection of its own, sees a message of its own, and leaves.
fn subscribe(s: &mut Session) -> Result<()> {
    let mut listener = Connection::unix(&s.socket)?;
    let channel = format!("own{}", s.rng.next_bits());
    listener.call(&["SUBSCRIBE", &channel])?;
    s.call(&["PUBLISH", &channel, "hello"])?;
    let message = listener.receive()?;
    let text = message.elements().and_then(|parts| parts.get(2)).map(Reply::to_text);
    ensure!(text.as_deref() == Some("hello"), "a subscriber got {message}");
    Ok(())
}

/// Sends a command that takes long or blocks, and disconnects before the reply.
fn leave(s: &mut Session) -> Result<()> {
    let mut gone = Connection::unix(&s.socket)?;
    let command = match s.rng.below(6) {
        0 => many("MGET", MANY_KEYS),
        1 => many("DEL", MANY_KEYS),
        2 => vec!["FLUSHALL".to_owned()],
        3 => vec!["BLPOP".to_owned(), "nobody".to_owned(), "0".to_owned()],
        4 => vec!["KEYS".to_owned(), "*".to_owned()],
        _ => vec!["MULTI".to_owned()],
    };
    gone.send(&command)?;
    if s.rng.percent(50) {
        std::thread::park_timeout(Duration::from_millis(1));
    }
    gone.close();
    Ok(())
}
