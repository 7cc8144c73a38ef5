//! What depends on who a node is and how it is configured, and cannot be seen in a transcript.

use command_tests::{NOON_MS, Session};
use keyspace::Expiry;
use profile::Profile;
use resp::Proto;

/// The commands that the last one replicated, in one line.
fn replicated(session: &Session) -> String {
    let bytes = session.scratch().effects.bytes();
    let words =
        bytes.split(|&byte| byte == b'\n').map(|line| String::from_utf8_lossy(line).trim().to_owned());
    words.filter(|word| !word.is_empty() && !word.starts_with(['$', '*'])).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_replica_hides_expired_keys_and_deletes_none() {
    let mut session = Session::new(Profile::Valkey80);
    session.expiry = Expiry::Hide;
    session.line("SET a 1 PX 10");
    session.now_ms += 10;
    assert_eq!(session.line("GET a"), "(nil)");
    assert_eq!(session.line("KEYS *"), "(empty array)");
    assert_eq!(session.line("SCAN 0"), "1) \"0\"\n2) (empty array)");
    // As Redis does, where all keys have expired.
    assert_eq!(session.line("RANDOMKEY"), "\"a\"");
    assert_eq!(session.line("DBSIZE"), "(integer) 1");
    assert_eq!(replicated(&session), "");
}

#[test]
fn writes_to_a_replica_replace_what_has_expired() {
    for line in [
        "COPY b a",
        "RENAMENX b a",
        "RESTORE a 0 \"\\x00\\x05hello\\n\\x00cr\\xdfve4 \\n\"",
        "SETNX a x",
        "APPEND a x",
    ] {
        let mut session = Session::new(Profile::Redis70);
        session.expiry = Expiry::Hide;
        session.line("SET a 1 PX 10");
        session.line("SET b x");
        session.now_ms += 10;
        assert!(!session.line(line).starts_with("(error)"), "{line}");
        let expected = if line.starts_with("RESTORE") { "\"hello\"" } else { "\"x\"" };
        assert_eq!(
            (session.line("GET a").as_str(), session.line("TTL a").as_str()),
            (expected, "(integer) -1"),
            "{line}"
        );
        let left = if line.starts_with("RENAME") { 1 } else { 2 };
        assert_eq!(session.line("DBSIZE"), format!("(integer) {left}"), "{line}");
    }
}

#[test]
fn what_a_primary_sends_is_applied_whatever_the_time_says() {
    let mut session = Session::new(Profile::Valkey80);
    session.expiry = Expiry::Ignore;
    assert_eq!(session.line("SET a 1 PXAT 1"), "OK");
    assert_eq!(session.line("APPEND a 2"), "(integer) 2");
    assert_eq!(session.line("PEXPIREAT a 2"), "(integer) 1");
    assert_eq!(session.line("PEXPIRETIME a"), "(integer) 2");
    assert_eq!(session.line("GETEX a PXAT 3"), "\"12\"");
    assert_eq!(session.line("DBSIZE"), "(integer) 1");
}

#[test]
fn expired_keys_are_unlinked_where_that_is_the_default() {
    for (profile, name) in [(Profile::Redis70, "DEL"), (Profile::Valkey80, "UNLINK")] {
        let mut session = Session::new(profile);
        for line in ["GETEX a PXAT 1", "EXPIRE a -1", "PEXPIREAT a 1"] {
            session.line("SET a 1");
            session.line(line);
            assert_eq!(replicated(&session), format!("{name} a"), "{line}");
        }
        session.line("SET a 1 PX 1");
        session.now_ms += 1;
        session.line("GET a");
        assert_eq!(replicated(&session), format!("{name} a"));
        assert_eq!(session.scratch().effects.expired, 1);
    }
}

#[test]
fn times_are_replicated_as_times() {
    let mut session = Session::new(Profile::Redis70);
    let at = NOON_MS + 100_000;
    for (line, expected) in [
        ("SET a 1 EX 100", format!("SET a 1 PXAT {at}")),
        ("SET a 1 GET PX 100000", format!("SET a 1 PXAT {at}")),
        ("SETEX a 100 1", format!("SET a 1 PXAT {at}")),
        ("PSETEX a 100000 1", format!("SET a 1 PXAT {at}")),
        ("GETEX a EX 100", format!("PEXPIREAT a {at}")),
        ("EXPIRE a 100 XX", format!("PEXPIREAT a {at} XX")),
        ("SET a 1 GET KEEPTTL", "SET a 1 KEEPTTL".to_owned()),
        ("INCRBYFLOAT a 0.5", "SET a 1.5 KEEPTTL".to_owned()),
    ] {
        session.line(line);
        assert_eq!(replicated(&session), expected, "{line}");
    }
}

#[test]
fn nothing_is_replicated_where_nothing_changed() {
    let mut session = Session::new(Profile::Redis70);
    session.line("MSET a 1 b 2");
    for line in [
        "SET a 2 NX",
        "SETNX a 2",
        "GETEX a",
        "GETEX a PERSIST",
        "PERSIST a",
        "EXPIRE a 10 GT",
        "EXPIRE z 10",
        "RENAMENX a b",
        "RENAME a a",
        "COPY a b",
        "DEL z",
        "GETDEL z",
        "MSETNX a 1 z 1",
        "SETRANGE a 0 ''",
        "INCR a x",
        "EXPIRE a 10 NX XX",
        "TOUCH a",
        "DUMP a",
    ] {
        session.line(line);
        let effects = &session.scratch().effects;
        assert!(effects.records().is_empty() && effects.dirty == 0, "{line}: {effects:?}");
    }
}

#[test]
fn maps_and_nulls_follow_the_version_of_the_protocol() {
    let mut session = Session::new(Profile::Valkey80);
    assert_eq!(session.call(&["GET", "a"]), b"$-1\r\n");
    session.proto = Proto::Resp3;
    assert_eq!(session.call(&["GET", "a"]), b"_\r\n");
    assert_eq!(session.call(&["LCS", "a", "b", "IDX"]), b"%2\r\n$7\r\nmatches\r\n*0\r\n$3\r\nlen\r\n:0\r\n");
}

#[test]
fn idle_time_counts_from_the_last_use() {
    let mut session = Session::new(Profile::Redis70);
    session.line("SET a 1");
    session.now_ms += 5_000;
    // Questions about a key are no use of it.
    for line in ["EXISTS a", "TYPE a", "TTL a", "OBJECT ENCODING a", "KEYS *", "SCAN 0"] {
        session.line(line);
        assert_eq!(session.line("OBJECT IDLETIME a"), "(integer) 5", "{line}");
    }
    // Writes that leave the key as it is are uses.
    for line in [
        "SETNX a x",
        "SET a x NX",
        "MSETNX a x",
        "EXPIRE a 100 XX",
        "PERSIST a",
        "RENAME a a",
        "RENAMENX a a",
    ] {
        session.now_ms += 5_000;
        session.line(line);
        assert_eq!(session.line("OBJECT IDLETIME a"), "(integer) 0", "{line}");
    }
    session.now_ms += 5_000;
    session.line("COPY a b");
    assert_eq!(session.line("OBJECT IDLETIME b"), "(integer) 0", "a copy is new");
    let payload = "\"\\x00\\x05hello\\n\\x00cr\\xdfve4 \\n\"";
    session.line(&format!("RESTORE idle 0 {payload} IDLETIME 1000"));
    session.now_ms += 5_000;
    assert_eq!(session.line("OBJECT IDLETIME idle"), "(integer) 1005");
    session.line(&format!("RESTORE idle 0 {payload} REPLACE FREQ 100"));
    assert_eq!(session.line("OBJECT IDLETIME idle"), "(integer) 0", "not what this policy goes by");
}

/// What a client with CLIENT NO-TOUCH does is no use of a key, except for TOUCH.
#[test]
fn a_client_may_leave_access_clocks_alone() {
    let mut session = Session::new(Profile::Valkey80);
    session.line("CONFIG SET lfu-log-factor 0");
    for (policy, question, untouched, touched) in
        [("allkeys-lru", "IDLETIME", "5", "0"), ("allkeys-lfu", "FREQ", "5", "6")]
    {
        session.line(&format!("CONFIG SET maxmemory-policy {policy}"));
        session.line("SET a 1");
        session.now_ms += 5_000;
        session.no_touch = true;
        for line in ["GET a", "SET a 2", "APPEND a x", "SETNX a x", "EXPIRE a 100"] {
            session.line(line);
            let answer = session.line(&format!("OBJECT {question} a"));
            assert_eq!(answer, format!("(integer) {untouched}"), "{policy}, {line}");
        }
        session.line("TOUCH a");
        assert_eq!(session.line(&format!("OBJECT {question} a")), format!("(integer) {touched}"));
        session.no_touch = false;
        session.line("DEL a");
    }
}

#[test]
fn counters_of_accesses_fall_with_time() {
    let mut session = Session::new(Profile::Redis70);
    session.line("CONFIG SET maxmemory-policy volatile-lfu");
    session.line("CONFIG SET lfu-decay-time 2");
    session.line("RESTORE a 0 \"\\x00\\x05hello\\n\\x00cr\\xdfve4 \\n\" FREQ 100");
    session.now_ms += 20 * 60_000;
    assert_eq!(session.line("OBJECT FREQ a"), "(integer) 90");
    session.now_ms += 200 * 60_000;
    assert_eq!(session.line("OBJECT FREQ a"), "(integer) 0");
}
