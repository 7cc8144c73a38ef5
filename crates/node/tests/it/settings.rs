//! What CONFIG SET and CONFIG RESETSTAT do to what others use: replication, snapshots, counters.

use crate::replication::{catch_up, field, node};
use crate::{TestNode, ask, oracle};
use conformance::connection::Connection;
use profile::Profile;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

#[track_caller]
fn ok(connection: &mut Connection, line: &str) {
    assert_eq!(ask(connection, line).to_text(), "OK", "{line}");
}

/// Sends these commands and asks for a full synchronisation; how the snapshot begins, and the connection.
fn synchronise(port: u16, before: &str) -> (String, BufReader<TcpStream>) {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    let mut link = BufReader::new(stream);
    for command in [before, "REPLCONF capa eof capa psync2", "PSYNC ? -1"] {
        link.get_mut().write_all(format!("{command}\r\n").as_bytes()).expect("sent");
        if command.starts_with("PSYNC") {
            break;
        }
        let mut line = String::new();
        link.read_line(&mut line).expect("a reply");
        assert_eq!(line, "+OK\r\n", "{command}");
    }
    loop {
        let mut line = String::new();
        link.read_line(&mut line).expect("the stream goes on");
        if line.starts_with('$') {
            return (line, link);
        }
        assert!(!line.starts_with('-'), "{line}");
    }
}

#[test]
fn the_next_synchronisation_is_as_it_was_configured_before() {
    let (_node, port) = node("");
    for form in ["no", "yes", "no", "yes", "no"] {
        let (begin, _link) = synchronise(port, &format!("CONFIG SET repl-diskless-sync {form}"));
        assert_eq!(begin.starts_with("$EOF:"), form == "yes", "repl-diskless-sync {form}: {begin}");
    }
}

#[test]
fn replicas_that_are_good_enough_are_judged_at_once() {
    let (primary, port) = node("");
    let (replica, _) = node(&format!("replicaof 127.0.0.1 {port}\n"));
    let (mut to_primary, mut to_replica) = (primary.connect(), replica.connect());
    catch_up(&mut to_primary, &mut to_replica);
    ok(&mut to_primary, "CONFIG SET min-replicas-to-write 1 min-replicas-max-lag 60");
    ok(&mut to_primary, "SET a 1");
    ok(&mut to_primary, "CONFIG SET min-replicas-to-write 2");
    assert!(ask(&mut to_primary, "SET a 2").to_text().starts_with("NOREPLICAS "));
}

#[test]
fn a_snapshot_for_a_replica_is_in_progress() {
    let (node, port) = node("");
    let mut client = node.connect();
    // A key every five minutes.
    ok(&mut client, "CONFIG SET rdb-key-save-delay 300000000");
    for key in ["a", "b"] {
        ok(&mut client, &format!("SET {key} x"));
    }
    let (_, link) = synchronise(port, "CONFIG SET repl-diskless-sync yes");
    while field(&mut client, "persistence", "rdb_bgsave_in_progress") != "1" {
        std::thread::yield_now();
    }
    assert_ne!(field(&mut client, "persistence", "rdb_current_bgsave_time_sec"), "-1");
    // Nobody is there to take the rest.
    drop(link);
    while field(&mut client, "persistence", "rdb_bgsave_in_progress") != "0" {
        std::thread::yield_now();
    }
}

/// The counters of INFO.
fn numbers(connection: &mut Connection) -> BTreeMap<String, u64> {
    let info = ask(connection, "INFO all").to_text();
    let number = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    info.lines().filter_map(number).collect()
}

/// Makes counters grow; then those that CONFIG RESETSTAT makes smaller, and those that it leaves.
fn reset(connection: &mut Connection) -> (Vec<String>, Vec<String>) {
    for line in [
        "SET a 1",
        "GET a",
        "GET none",
        "LPUSH a x",
        "NOTHING",
        "EXPIRE a 100",
        "FLUSHALL ASYNC",
        "SET a 1",
        "SAVE",
        "PUBLISH channel x",
        "CONFIG SET maxmemory-policy allkeys-lru",
        "CONFIG SET maxmemory 1",
        "SET b 1",
        "CONFIG SET maxmemory 0",
        "SET b 1",
        "SET e 1 PX 1",
    ] {
        ask(connection, line);
    }
    let is_missing = |numbers: &BTreeMap<String, u64>| {
        ["lazyfreed_objects", "expired_keys"].iter().any(|&name| numbers[name] == 0)
    };
    let mut before = numbers(connection);
    while is_missing(&before) {
        std::thread::yield_now();
        before = numbers(connection);
    }
    ok(connection, "CONFIG RESETSTAT");
    let after = numbers(connection);
    let grown = before.into_iter().filter(|(_, number)| *number > 0);
    grown.map(|(name, number)| (after.get(&name).is_none_or(|after| *after < number), name)).fold(
        (Vec::new(), Vec::new()),
        |(mut smaller, mut left), (is_smaller, name)| {
            if is_smaller {
                smaller.push(name)
            } else {
                left.push(name)
            }
            (smaller, left)
        },
    )
}

#[test]
fn resetstat_resets_what_redis_server_resets() {
    let Some(real) = oracle() else { return };
    let node = TestNode::start(Profile::Redis70, "");
    let theirs = reset(&mut real.connect().expect("a connection"));
    let ours = reset(&mut node.connect());
    for name in ["lazyfreed_objects", "rdb_saves", "evicted_keys", "expired_keys", "keyspace_misses"] {
        assert!(theirs.0.iter().any(|known| known == name), "{name} is reset there: {theirs:?}");
        assert!(ours.0.iter().any(|known| known == name), "{name} is reset: {ours:?}");
    }
    // Memory and what is measured by the clock go up and down by themselves.
    let is_counter = |name: &&String| {
        !["mem", "alloc", "used_", "rss_", "instantaneous"].iter().any(|part| name.contains(part))
    };
    for name in theirs.0.iter().filter(is_counter) {
        assert!(!ours.1.contains(name), "{name} is reset by redis-server");
    }
    for name in ours.0.iter().filter(is_counter) {
        assert!(!theirs.1.contains(name), "{name} is left by redis-server");
    }
}

#[test]
fn resetstat_resets_the_counters_of_synchronisations() {
    let (primary, port) = node("");
    let (replica, _) = node(&format!("replicaof 127.0.0.1 {port}\n"));
    let (mut to_primary, mut to_replica) = (primary.connect(), replica.connect());
    catch_up(&mut to_primary, &mut to_replica);
    assert_eq!(field(&mut to_primary, "stats", "sync_full"), "1");
    ok(&mut to_primary, "CONFIG RESETSTAT");
    assert_eq!(field(&mut to_primary, "stats", "sync_full"), "0");
}
