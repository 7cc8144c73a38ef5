//! Keys that the node removes by itself, and what replicas hear of it.
//!
//! The memory of this process is far above a `maxmemory` of one byte, so everything that may go is evicted.

use crate::replication::{catch_up, field, node, settle};
use crate::{TestNode, ask};
use conformance::connection::Connection;
use conformance::reply::Reply;
use std::time::{Duration, Instant};

/// Keys of each kind.
const KEYS: usize = 2000;

/// A primary that leaves expired keys where they are, and its replica.
fn pair() -> (TestNode, TestNode, Connection, Connection) {
    let more = "enable-debug-command yes\nmaxmemory-policy allkeys-lru\n";
    let (primary, port) = node(more);
    let (replica, _) = node(&format!("enable-debug-command yes\nreplicaof 127.0.0.1 {port}\n"));
    let (mut to_primary, to_replica) = (primary.connect(), replica.connect());
    ok(&mut to_primary, "DEBUG SET-ACTIVE-EXPIRE 0");
    ok(&mut to_primary, "SET first 1");
    settle(&mut to_primary);
    (primary, replica, to_primary, to_replica)
}

#[track_caller]
fn ok(connection: &mut Connection, line: &str) {
    assert_eq!(ask(connection, line).to_text(), "OK", "{line}");
}

/// Adds keys whose time has come when this returns, and that nobody has looked at since.
fn add_expired(connection: &mut Connection, prefix: &str, count: usize) {
    // By the primary's clock: to be set before, and looked for by its own name.
    let now_ms = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_millis();
    let at_ms = now_ms + 1000;
    for i in 0..count {
        ok(connection, &format!("SET {prefix}{i} x PXAT {at_ms}"));
    }
    ok(connection, &format!("SET sentinel x PXAT {at_ms}"));
    while ask(connection, "EXISTS sentinel") != Reply::Integer(0) {
        std::thread::yield_now();
    }
}

#[test]
fn replicas_hear_of_everything_that_is_evicted() {
    let (_primary, _replica, mut to_primary, mut to_replica) = pair();
    add_expired(&mut to_primary, "expired", KEYS);
    for i in 0..KEYS {
        ok(&mut to_primary, &format!("SET live{i} x"));
    }
    let count = Reply::Integer(2 * KEYS as i64 + 1);
    assert_eq!(ask(&mut to_primary, "DBSIZE"), count);
    ok(&mut to_primary, "CONFIG SET maxmemory 1");
    while ask(&mut to_primary, "DBSIZE") != Reply::Integer(0) {}
    catch_up(&mut to_primary, &mut to_replica);
    assert_eq!(ask(&mut to_replica, "DBSIZE"), Reply::Integer(0));
    assert_eq!(field(&mut to_primary, "stats", "evicted_keys"), (2 * KEYS + 1).to_string());
}

/// A lower limit is kept to at once, not whenever somebody comes.
#[test]
fn eviction_goes_on_while_nobody_asks_for_anything() {
    const MANY: usize = 60_000;
    let (node, _) =
        node("enable-debug-command yes\nmaxmemory-policy allkeys-lru\nnotify-keyspace-events Ee\n");
    let (mut client, mut listener) = (node.connect(), node.connect());
    ask(&mut listener, "SUBSCRIBE __keyevent@0__:evicted");
    ok(&mut client, &format!("DEBUG POPULATE {MANY}"));
    ok(&mut client, "CONFIG SET maxmemory 1");
    let began = Instant::now();
    for told in 0..MANY {
        let left = Duration::from_secs(60).saturating_sub(began.elapsed());
        let message = listener.receive_within(left).expect("the node is there");
        assert!(message.is_some(), "{told} of {MANY} keys are gone");
    }
}

#[test]
fn there_is_room_while_expired_keys_can_go() {
    let (_primary, _replica, mut to_primary, _to_replica) = pair();
    add_expired(&mut to_primary, "expired", 10 * KEYS);
    ok(&mut to_primary, "CONFIG SET maxmemory 1");
    loop {
        let written = ask(&mut to_primary, "SET first 2");
        if ask(&mut to_primary, "DBSIZE") == Reply::Integer(0) {
            break;
        }
        assert_eq!(written.to_text(), "OK");
    }
}

#[test]
fn replicas_hear_of_expired_keys_that_debug_populate_replaces() {
    let (_primary, _replica, mut to_primary, mut to_replica) = pair();
    add_expired(&mut to_primary, "a:", 10);
    ok(&mut to_primary, "DEBUG POPULATE 10 a");
    catch_up(&mut to_primary, &mut to_replica);
    assert_eq!(ask(&mut to_primary, "DBSIZE"), Reply::Integer(11));
    assert_eq!(ask(&mut to_replica, "DBSIZE"), Reply::Integer(1), "populated keys are the primary's alone");
    assert_eq!(field(&mut to_primary, "stats", "expired_keys"), "11");
}

/// How many objects wait to be freed.
fn pending(connection: &mut Connection) -> u64 {
    field(connection, "memory", "lazyfree_pending_objects").parse().expect("a number")
}

/// Adds keys and begins a save that stays for a while with each that it comes to.
fn begin_slow_save(connection: &mut Connection) {
    ok(connection, "CONFIG SET rdb-key-save-delay 300000");
    for i in 0..6 {
        ok(connection, &format!("SET k{i} x"));
    }
    assert_eq!(ask(connection, "BGSAVE").to_text(), "Background saving started");
    while field(connection, "persistence", "current_save_keys_processed") == "0" {
        std::thread::yield_now();
    }
}

/// Whatever became of the objects, nobody waits for them, so that keys are evicted again.
#[track_caller]
fn nothing_is_pending(connection: &mut Connection) {
    ok(connection, "CONFIG SET rdb-key-save-delay 0");
    while pending(connection) != 0 || field(connection, "persistence", "rdb_bgsave_in_progress") != "0" {
        std::thread::yield_now();
    }
    for line in ["CONFIG SET maxmemory 0", "SET last x", "CONFIG SET maxmemory-policy allkeys-lru"] {
        ok(connection, line);
    }
    ok(connection, "CONFIG SET maxmemory 1");
    while ask(connection, "DBSIZE") != Reply::Integer(0) {}
    ok(connection, "CONFIG SET maxmemory 0");
}

#[test]
fn tables_that_a_save_adopts_are_freed_with_it() {
    let (node, _) = node("");
    let mut client = node.connect();
    for flush in ["FLUSHDB ASYNC", "FLUSHDB SYNC"] {
        begin_slow_save(&mut client);
        ok(&mut client, flush);
        assert!(pending(&mut client) > 0, "{flush}: the save has yet to write them");
        // They are no reason to put eviction off.
        ok(&mut client, "SET new x");
        ok(&mut client, "CONFIG SET maxmemory-policy allkeys-lru");
        ok(&mut client, "CONFIG SET maxmemory 1");
        while ask(&mut client, "DBSIZE") != Reply::Integer(0) {}
        ok(&mut client, "CONFIG SET maxmemory 0");
        nothing_is_pending(&mut client);
    }
}

#[test]
fn tables_of_a_save_that_is_aborted_are_freed() {
    let (node, _) = node("");
    let mut client = node.connect();
    begin_slow_save(&mut client);
    // Which aborts the save.
    ok(&mut client, "FLUSHALL ASYNC");
    nothing_is_pending(&mut client);
}

#[test]
fn tables_of_swapped_databases_are_freed() {
    let (node, _) = node("");
    let mut client = node.connect();
    begin_slow_save(&mut client);
    for line in ["SWAPDB 0 1", "SELECT 1", "FLUSHDB ASYNC", "SELECT 0"] {
        ok(&mut client, line);
    }
    assert!(pending(&mut client) > 0);
    nothing_is_pending(&mut client);
}

#[test]
fn tables_that_a_full_synchronisation_replaces_are_freed() {
    for lazy in ["yes", "no"] {
        let (primary, port) = node("");
        let (replica, _) = node(&format!("replica-lazy-flush {lazy}\n"));
        let mut client = replica.connect();
        begin_slow_save(&mut client);
        ok(&mut client, &format!("REPLICAOF 127.0.0.1 {port}"));
        catch_up(&mut primary.connect(), &mut client);
        ok(&mut client, "REPLICAOF NO ONE");
        nothing_is_pending(&mut client);
    }
}

#[test]
fn a_node_ends_with_tables_that_are_not_freed() {
    let (node, _) = node("");
    let mut client = node.connect();
    begin_slow_save(&mut client);
    ok(&mut client, "FLUSHDB ASYNC");
    assert!(pending(&mut client) > 0);
    drop(node);
    assert!(client.call(&["PING"]).is_err());
}

#[test]
fn a_writable_replica_removes_what_its_own_clients_wrote() {
    let (primary, port) = node("enable-debug-command yes\n");
    let (replica, _) = node(&format!("replica-read-only no\nreplicaof 127.0.0.1 {port}\n"));
    let (mut to_primary, mut to_replica) = (primary.connect(), replica.connect());
    ok(&mut to_primary, "DEBUG SET-ACTIVE-EXPIRE 0");
    catch_up(&mut to_primary, &mut to_replica);
    ok(&mut to_primary, "SET theirs x PX 1");
    catch_up(&mut to_primary, &mut to_replica);
    for line in ["SET own x PX 1", "SET later x EX 1000", "MSET a 1 b 1 c 1"] {
        ok(&mut to_replica, line);
    }
    for line in ["PEXPIRE a 1", "RENAME b d", "PEXPIRE c 100000", "PEXPIRE d 1"] {
        ask(&mut to_replica, line);
    }
    // Nobody looks at them. What the primary wrote is the primary's to remove.
    while ask(&mut to_replica, "DBSIZE") != Reply::Integer(3) {
        std::thread::yield_now();
    }
    assert_eq!(field(&mut to_replica, "stats", "expired_keys"), "3");
    assert_eq!(field(&mut to_replica, "stats", "slave_expires_tracked_keys"), "2");
    assert_eq!(ask(&mut to_replica, "EXISTS later c theirs"), Reply::Integer(2), "one is hidden");
    // Its history is the primary's: nothing was added to it.
    catch_up(&mut to_primary, &mut to_replica);
    ok(&mut to_replica, "REPLICAOF NO ONE");
    assert_eq!(field(&mut to_replica, "stats", "slave_expires_tracked_keys"), "0");
    assert_eq!(field(&mut to_primary, "stats", "slave_expires_tracked_keys"), "0");
}
