//! A long command is refused where others wait for it, before anything has happened, and runs where they do not.

use crate::session::Session;
use commands::Effort;
use profile::Profile;

const ELEMENTS: usize = 300_000;
const BYTES: usize = 20 << 20;
/// Entries of the stream, consumers of one of its groups, and groups.
const ENTRIES: usize = 12_000;
/// An entry of so many bytes has a node for itself.
const ENTRY_BYTES: usize = 4100;

/// What the calls name of these: large values `list`, `hash`, `members` and `other` (sets), `ranked` (a sorted set), `string` and `stream`
/// (all pending in its group `g`, nothing delivered in `fresh`), and the small ones `one` (a set) and `part` (a string).
pub fn filled(calls: &[&str]) -> Session {
    let mut session = Session::new(Profile::Valkey80);
    let is_named = |key: &str| calls.iter().any(|line| line.split(' ').any(|word| word == key));
    let numbers: Vec<String> = (0..ELEMENTS).map(|n| n.to_string()).collect();
    for (name, key, elements) in [
        ("RPUSH", "list", 1),
        ("HSET", "hash", 2),
        ("SADD", "members", 1),
        ("SADD", "other", 1),
        ("ZADD", "ranked", 2),
    ] {
        if is_named(key) {
            let each = numbers.iter().flat_map(|number| std::iter::repeat_n(number.as_str(), elements));
            session.call(&[name, key].into_iter().chain(each).collect::<Vec<_>>());
        }
    }
    if is_named("string") {
        session.call(&[b"SET", &b"string"[..], &vec![b'x'; BYTES]]);
        session.line("EXPIRE string 1000");
    }
    if is_named("stream") {
        fill_stream(&mut session);
    }
    session.line("SADD one 5");
    session.call(&[b"SET", &b"part"[..], &vec![b'x'; 5000]]);
    session
}

fn fill_stream(session: &mut Session) {
    let value = vec![b'x'; ENTRY_BYTES];
    for n in 1..=ENTRIES {
        session.call(&[b"XADD", &b"stream"[..], format!("1-{n}").as_bytes(), b"field", &value]);
    }
    for group in ["g", "fresh"].map(String::from).into_iter().chain((0..ENTRIES).map(|n| format!("g{n}"))) {
        session.call(&["XGROUP", "CREATE", "stream", &group, "0"]);
    }
    session.call(&["XREADGROUP", "GROUP", "g", "c", "STREAMS", "stream", ">"]);
    for n in 0..ENTRIES {
        session.call(&["XGROUP", "CREATECONSUMER", "stream", "g", &format!("c{n}")]);
    }
}

/// All that the values show of a change.
fn state(session: &mut Session) -> Vec<String> {
    [
        "LLEN list",
        "HLEN hash",
        "SCARD members",
        "ZCARD ranked",
        "STRLEN string",
        "TTL string",
        "EXISTS copy new result",
        "LINDEX list 0",
        "LINDEX list -1",
        "XLEN stream",
        "XPENDING stream g - + 3",
        "XPENDING stream fresh",
    ]
    .map(|line| session.line(line))
    .to_vec()
}

/// Asserts that calls which take long on the values of [`filled`] are refused where others wait for them, before anything has
/// happened, and run where nobody does.
pub fn check_long(calls: &[&str]) {
    let mut session = filled(calls);
    let before = state(&mut session);
    for line in calls {
        session.effort = Effort::SHORT;
        let refused = session.line(line);
        assert_eq!(refused, "(error) TRYAGAIN the command takes long", "{line}");
        assert!(session.scratch().effects.records().is_empty(), "{line}");
        session.effort = Effort::ANY;
        assert_eq!(state(&mut session), before, "{line}");
    }
    for line in calls {
        assert!(!session.line(line).starts_with("(error)"), "{line}");
    }
}

/// Asserts that calls which take no longer on the values of [`filled`] than on small ones are answered at once.
pub fn check_short(calls: &[&str]) {
    let mut session = filled(calls);
    session.effort = Effort::SHORT;
    for line in calls {
        assert!(!session.line(line).starts_with("(error)"), "{line}");
    }
}

/// Asserts that the calls which take long on large values are answered at once on small ones, but for those that make a value large.
pub fn check_small(calls: &[&str]) {
    let mut session = Session::new(Profile::Valkey80);
    let grows = |line: &&&str| !["SETBIT", "SETRANGE", "SET u8"].iter().any(|word| line.contains(word));
    for line in calls.iter().filter(grows) {
        session.reset();
        session.effort = Effort::SHORT;
        for make in [
            "RPUSH list a b c",
            "HSET hash a b",
            "SADD members a b",
            "SADD other b",
            "SADD one a",
            "ZADD ranked 1 a 2 b",
            "SET string value",
            "SET part value",
            "XADD stream 1-1 a b",
            "XGROUP CREATE stream g 0",
            "XGROUP CREATE stream fresh 0",
            "XREADGROUP GROUP g c STREAMS stream >",
        ] {
            session.line(make);
        }
        assert!(!session.line(line).starts_with("(error)"), "{line}");
    }
}
