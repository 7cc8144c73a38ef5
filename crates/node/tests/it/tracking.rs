//! Clients that keep copies of what they read, where no client's own command makes them old: on a replica, by eviction, by expiry.

use crate::ask;
use crate::replication::{catch_up, field, node};
use conformance::connection::Connection;
use conformance::reply::Reply;
use std::time::Duration;

#[track_caller]
fn expect(connection: &mut Connection, line: &str, reply: &str) {
    assert_eq!(ask(connection, line).to_text(), reply, "{line}");
}

/// A client that is told.
fn tracking(mut connection: Connection, options: &str) -> Connection {
    ask(&mut connection, "HELLO 3");
    expect(&mut connection, format!("CLIENT TRACKING ON {options}").trim_end(), "OK");
    connection
}

/// The keys of the next message; `None` is all.
#[track_caller]
fn told(connection: &mut Connection) -> Option<Vec<String>> {
    let message = connection.receive_within(Duration::from_secs(60)).expect("the node is there");
    let Some(Reply::Push(parts)) = &message else { panic!("no message: {message:?}") };
    assert_eq!(parts[0].text(), Some(&b"invalidate"[..]));
    parts[1].elements().map(|keys| keys.iter().map(Reply::to_text).collect())
}

#[test]
fn a_replica_tells_its_own_clients() {
    let (primary, port) = node("");
    let (replica, _) = node("");
    let (mut to_primary, mut to_replica) = (primary.connect(), replica.connect());
    expect(&mut to_replica, "SET k old", "OK");
    expect(&mut to_primary, "MSET k 1 l 1", "OK");
    let mut reader = tracking(replica.connect(), "");
    let mut listener = tracking(replica.connect(), "BCAST PREFIX k");
    expect(&mut reader, "GET k", "old");
    // All its data is replaced.
    expect(&mut to_replica, &format!("REPLICAOF 127.0.0.1 {port}"), "OK");
    assert_eq!((told(&mut reader), told(&mut listener)), (None, None));
    catch_up(&mut to_primary, &mut to_replica);
    expect(&mut reader, "GET k", "1");
    expect(&mut to_primary, "SET k 2", "OK");
    let k = Some(vec!["k".to_owned()]);
    assert_eq!((told(&mut reader), told(&mut listener)), (k.clone(), k));
    // What it is told is there by then.
    expect(&mut reader, "GET k", "2");
    expect(&mut to_primary, "FLUSHALL", "OK");
    assert_eq!((told(&mut reader), told(&mut listener)), (None, None));
}

#[test]
fn what_the_node_removes_is_told() {
    let (node, _) = node("maxmemory-policy allkeys-lru\n");
    let mut writer = node.connect();
    let mut reader = tracking(node.connect(), "NOLOOP");
    expect(&mut writer, "SET k 1 PX 2000", "OK");
    expect(&mut reader, "GET k", "1");
    assert_eq!(told(&mut reader), Some(vec!["k".to_owned()]));
    expect(&mut writer, "SET l 1", "OK");
    expect(&mut reader, "GET l", "1");
    expect(&mut writer, "CONFIG SET maxmemory 1", "OK");
    assert_eq!(told(&mut reader), Some(vec!["l".to_owned()]));
    assert_eq!(field(&mut writer, "stats", "tracking_total_keys"), "0");
    drop(reader);
    while field(&mut writer, "clients", "tracking_clients") != "0" {}
}
