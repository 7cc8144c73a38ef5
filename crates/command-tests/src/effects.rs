//! What commands leave behind, beside a real redis-server: the commands they replicate, their keyspace events, the
//! changes they count, hits and misses. Every transcript runs on both.

use crate::peer::{Client, Peer};
use crate::session::Session;
use crate::transcripts;
use keyspace::EventClass;
use profile::Profile;
use resp::{Decoder, Frame};
use std::time::{SystemTime, UNIX_EPOCH};

/// What one command did.
#[derive(Debug, PartialEq, Eq)]
struct Did {
    replicated: Vec<Vec<String>>,
    events: Vec<String>,
    changes: u64,
    hits: u64,
    misses: u64,
}

/// Asserts that effects are those of redis-server, in all transcripts of a family that it wrote.
pub fn check(sources: &str) {
    let Some(peer) = Peer::start() else { return };
    let mut oracle = Oracle::new(peer);
    let mut session = Session::new(Profile::Redis70);
    let mut wrong = String::new();
    for transcript in transcripts::of(sources).iter().filter(|one| one.profile == Profile::Redis70) {
        for scene in &transcript.scenes {
            session.reset();
            oracle.reset();
            for step in scene {
                let argv = resp::split_quoted(step.command.as_bytes()).expect("balanced quotes");
                session.now_ms = now_ms();
                let expected = oracle.run(&argv);
                let mut received = run(&mut session, &argv);
                // Redis 7.0 looks each key up to see its type, and counts that.
                if step.command.starts_with("SCAN") && step.command.contains("TYPE") {
                    received.hits = expected.hits;
                }
                if !same(&expected, &received) {
                    let (file, line, command) = (transcript.file.display(), step.line, &step.command);
                    wrong += &format!(
                        "{file}:{line}: {command}\n  expected {expected:?}\n  received {received:?}\n"
                    );
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64
}

fn run(session: &mut Session, argv: &[Vec<u8>]) -> Did {
    let (hits, misses) = (session.scratch().hits, session.scratch().misses);
    session.call(argv);
    let scratch = session.scratch();
    let effects = &scratch.effects;
    let events = effects.events().iter().map(|event| {
        assert_ne!(event.class, EventClass::empty());
        format!("{} {} {}", event.db, event.name, event.key.escape_ascii())
    });
    Did {
        replicated: commands(effects.bytes()),
        events: events.collect(),
        changes: effects.dirty,
        hits: scratch.hits - hits,
        misses: scratch.misses - misses,
    }
}

/// The commands in a stream, but for what the stream itself adds: SELECT, and MULTI and EXEC around several commands.
pub fn commands(stream: &[u8]) -> Vec<Vec<String>> {
    let mut decoder = Decoder::new();
    decoder.feed(stream);
    let frames = std::iter::from_fn(|| decoder.next_frame().expect("a stream of commands"));
    let words = |frame| match frame {
        Frame::Array(words) => words.iter().map(word).collect::<Vec<_>>(),
        other => panic!("{other:?} in a stream"),
    };
    let mut commands: Vec<Vec<String>> = frames.map(words).collect();
    for command in &mut commands {
        command[0].make_ascii_uppercase();
    }
    commands.retain(|command| !["SELECT", "MULTI", "EXEC"].contains(&command[0].as_str()));
    commands
}

fn word(frame: &Frame) -> String {
    match frame {
        Frame::Bulk(bytes) | Frame::Simple(bytes) => bytes.escape_ascii().to_string(),
        other => panic!("{other:?} in place of a word"),
    }
}

/// Equal, but for the time that passes between the two.
fn same(expected: &Did, received: &Did) -> bool {
    let words = |did: &Did| did.replicated.concat();
    let pairs = words(expected).into_iter().zip(words(received));
    let lengths = |did: &Did| did.replicated.iter().map(Vec::len).collect::<Vec<_>>();
    let rest = |did: &Did| (did.events.clone(), did.changes, did.hits, did.misses, lengths(did));
    rest(expected) == rest(received) && pairs.into_iter().all(|(a, b)| a == b || close_times(&a, &b))
}

/// Times of about one moment; those in IDs of a stream too.
fn close_times(a: &str, b: &str) -> bool {
    let parts = |text: &str| {
        let (time, rest) = text.split_once('-').unwrap_or((text, ""));
        (time.to_owned(), rest.to_owned())
    };
    let ((a, of_a), (b, of_b)) = (parts(a), parts(b));
    if of_a != of_b {
        return false;
    }
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(a), Ok(b)) => a > 1_000_000_000_000 && a.abs_diff(b) < 10_000,
        _ => false,
    }
}

/// The server with one who listens to its events.
struct Oracle {
    peer: Peer,
    listener: Client,
    /// Bytes of its stream that have been read.
    read: usize,
}

/// Published after each command, so that the listener knows where its events end.
const END: &str = "end-of-events";

impl Oracle {
    fn new(peer: Peer) -> Oracle {
        let mut listener = peer.connect();
        listener.call(&["PSUBSCRIBE", "__keyevent@*__:*", END]);
        listener.receive();
        let mut oracle = Oracle { peer, listener, read: 0 };
        // Only look-ups remove expired keys, or the two would differ by chance.
        oracle.peer.call(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"]);
        oracle
    }

    fn reset(&mut self) {
        for argv in [&["FLUSHALL"][..], &["SELECT", "0"], &["HELLO", "2"], &["CONFIG", "RESETSTAT"]] {
            self.peer.call(argv);
        }
        for (name, value) in [
            ("proto-max-bulk-len", "536870912"),
            ("maxmemory-policy", "noeviction"),
            ("lazyfree-lazy-expire", "no"),
        ] {
            self.peer.call(&["CONFIG", "SET", name, value]);
        }
        self.events();
        self.read = self.peer.stream().len();
    }

    fn counters(&mut self) -> [u64; 3] {
        ["rdb_changes_since_last_save", "keyspace_hits", "keyspace_misses"].map(|field| self.peer.info(field))
    }

    fn run(&mut self, argv: &[Vec<u8>]) -> Did {
        let before = self.counters();
        self.peer.call(argv);
        let after = self.counters();
        let stream = self.peer.stream();
        let new = &stream[std::mem::replace(&mut self.read, stream.len())..];
        let [changes, hits, misses] = std::array::from_fn(|at| after[at] - before[at]);
        Did { replicated: commands(new), events: self.events(), changes, hits, misses }
    }

    fn events(&mut self) -> Vec<String> {
        self.peer.call(&["PUBLISH", END, ""]);
        let mut events = Vec::new();
        loop {
            let Frame::Array(message) = self.listener.receive() else { panic!("a message") };
            let (channel, key) = (word(&message[2]), word(&message[3]));
            if channel == END {
                return events;
            }
            let place = channel.strip_prefix("__keyevent@").and_then(|rest| rest.split_once("__:"));
            let (db, name) = place.expect("a keyspace event");
            events.push(format!("{db} {name} {key}"));
        }
    }
}
