//! Fields of hashes that expire: the sweep, replicas, files.

use crate::replication::{catch_up, field, node_of, settle};
use crate::{TestNode, ask};
use conformance::connection::Connection;
use conformance::reply::Reply;
use profile::Profile;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

const FAR_MS: &str = "4102444800123";

fn valkey(more: &str) -> (TestNode, u16) {
    node_of(Profile::Valkey91, &format!("enable-debug-command yes\n{more}"))
}

#[track_caller]
fn expect(connection: &mut Connection, line: &str, reply: Reply) {
    assert_eq!(ask(connection, line), reply, "{line}");
}

/// Asks until the answer is this one.
#[track_caller]
fn await_reply(connection: &mut Connection, line: &str, reply: Reply) {
    while ask(connection, line) != reply {
        std::thread::yield_now();
    }
}

/// The hashes with fields that expire, as INFO tells for the first database.
fn volatile_hashes(connection: &mut Connection) -> String {
    let parts = field(connection, "keyspace", "db0");
    let own = parts.split(',').find_map(|part| part.strip_prefix("keys_with_volatile_items="));
    own.expect("a part of the line").to_owned()
}

#[test]
fn a_replica_hides_what_its_primary_deletes() {
    let (primary, port) = valkey("");
    let mut to_primary = primary.connect();
    expect(&mut to_primary, &format!("HSETEX h PXAT {FAR_MS} FIELDS 2 far 1 gone 2"), Reply::Integer(1));
    expect(&mut to_primary, "HSET h left 3", Reply::Integer(1));
    expect(&mut to_primary, "HSET plain f v", Reply::Integer(1));
    let (replica, _) = valkey(&format!("replicaof 127.0.0.1 {port}\n"));
    let mut to_replica = replica.connect();
    catch_up(&mut to_primary, &mut to_replica);
    let at = |fields: &[i64]| Reply::Array(fields.iter().map(|at| Reply::Integer(*at)).collect());
    let far_ms = FAR_MS.parse().expect("a number");
    expect(&mut to_replica, "HPEXPIRETIME h FIELDS 3 far gone left", at(&[far_ms, far_ms, -1]));
    assert_eq!(volatile_hashes(&mut to_replica), "1");

    // While the primary leaves it, the replica hides it and keeps it.
    assert_eq!(ask(&mut to_primary, "DEBUG SET-ACTIVE-EXPIRE 0").to_text(), "OK");
    expect(&mut to_primary, "HPEXPIRE h 1000 FIELDS 1 gone", at(&[1]));
    settle(&mut to_primary);
    await_reply(&mut to_replica, "HGET h gone", Reply::NullBulk);
    expect(&mut to_replica, "HLEN h", Reply::Integer(3));
    await_reply(&mut to_primary, "HGET h gone", Reply::NullBulk);
    expect(&mut to_primary, "HLEN h", Reply::Integer(3));
    assert_eq!(field(&mut to_primary, "stats", "expired_fields"), "0");

    assert_eq!(ask(&mut to_primary, "DEBUG SET-ACTIVE-EXPIRE 1").to_text(), "OK");
    await_reply(&mut to_primary, "HLEN h", Reply::Integer(2));
    await_reply(&mut to_replica, "HLEN h", Reply::Integer(2));
    assert_eq!(field(&mut to_primary, "stats", "expired_fields"), "1");
    assert_eq!(field(&mut to_replica, "stats", "expired_fields"), "0");
    expect(&mut to_replica, "HGET h far", Reply::bulk("1"));

    // The key goes with its last field, and nobody has to look at it.
    expect(&mut to_primary, "HPEXPIRE h 1 FIELDS 2 far left", at(&[1, 1]));
    await_reply(&mut to_primary, "DBSIZE", Reply::Integer(1));
    await_reply(&mut to_replica, "DBSIZE", Reply::Integer(1));
    assert_eq!(
        (volatile_hashes(&mut to_primary), volatile_hashes(&mut to_replica)),
        ("0".into(), "0".into())
    );
    let digests = [&mut to_primary, &mut to_replica].map(|client| ask(client, "DEBUG DIGEST").to_text());
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn many_fields_of_many_hashes_go() {
    let (node, _) = valkey("");
    let mut client = node.connect();
    for hash in 0..50 {
        let fields: Vec<String> = (0..300).map(|number| format!("f{number} v")).collect();
        let line = format!("HSETEX h{hash} PX 50 FIELDS 300 {}", fields.join(" "));
        expect(&mut client, &line, Reply::Integer(1));
    }
    expect(&mut client, "HSET h7 left 1", Reply::Integer(1));
    await_reply(&mut client, "DBSIZE", Reply::Integer(1));
    await_reply(&mut client, "HLEN h7", Reply::Integer(1));
    assert_eq!(field(&mut client, "stats", "expired_fields"), "15000");
    assert_eq!(volatile_hashes(&mut client), "0");
}

#[test]
fn a_watch_notices_that_fields_are_deleted() {
    let (node, _) = valkey("");
    let (mut client, mut other) = (node.connect(), node.connect());
    expect(&mut client, &format!("HSETEX unchanged PXAT {FAR_MS} FIELDS 1 far 1"), Reply::Integer(1));
    for (key, notices) in [("h", true), ("unchanged", false)] {
        // Until it is watched while the field is there.
        loop {
            expect(&mut client, "HSETEX h PX 200 FIELDS 1 gone 1", Reply::Integer(1));
            assert_eq!(ask(&mut client, &format!("WATCH {key}")).to_text(), "OK");
            if ask(&mut client, "HLEN h") == Reply::Integer(1) {
                break;
            }
            assert_eq!(ask(&mut client, "UNWATCH").to_text(), "OK");
        }
        assert_eq!(ask(&mut client, "MULTI").to_text(), "OK");
        assert_eq!(ask(&mut client, "PING").to_text(), "QUEUED");
        await_reply(&mut other, "EXISTS h", Reply::Integer(0));
        assert_eq!(ask(&mut client, "EXEC") == Reply::NullArray, notices, "{key}");
    }
}

#[test]
fn a_file_keeps_expiries() {
    let (node, _) = valkey("");
    let mut client = node.connect();
    expect(&mut client, &format!("HSETEX h PXAT {FAR_MS} FIELDS 1 far 1"), Reply::Integer(1));
    expect(&mut client, "HSET h left 1", Reply::Integer(1));
    assert_eq!(ask(&mut client, "DEBUG RELOAD").to_text(), "OK");
    let times = Reply::Array(vec![Reply::Integer(FAR_MS.parse().expect("a number")), Reply::Integer(-1)]);
    expect(&mut client, "HPEXPIRETIME h FIELDS 2 far left", times);
    assert_eq!(volatile_hashes(&mut client), "1");
    assert_eq!(ask(&mut client, "FLUSHALL").to_text(), "OK");
    expect(&mut client, "HSET other f 1", Reply::Integer(1));
    assert_eq!(volatile_hashes(&mut client), "0");
}

/// What a replica of a version receives when it asks for everything, up to the head of the snapshot, an error or the end.
fn full_sync(port: u16, version: &str) -> Vec<String> {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("the primary listens");
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    for request in ["REPLCONF capa eof capa psync2".to_owned(), format!("REPLCONF version {version}")] {
        stream.get_mut().write_all(format!("{request}\r\n").as_bytes()).expect("it takes it");
        line.clear();
        stream.read_line(&mut line).expect("a reply");
        assert_eq!(line, "+OK\r\n", "{request}");
    }
    stream.get_mut().write_all(b"PSYNC ? -1\r\n").expect("it takes it");
    let mut lines = Vec::new();
    loop {
        line.clear();
        match stream.read_line(&mut line) {
            Ok(0) | Err(_) => return lines,
            Ok(_) if line.trim().is_empty() => {}
            Ok(_) if line.starts_with("$EOF:") => {
                let mut magic = [0; 9];
                stream.read_exact(&mut magic).expect("a snapshot");
                lines.push(String::from_utf8_lossy(&magic).into_owned());
                return lines;
            }
            Ok(_) => lines.push(line.trim().to_owned()),
        }
    }
}

/// Its RDB version has no place for the expiries, and without them it would keep the fields for ever.
#[test]
fn a_replica_of_an_older_version_gets_no_snapshot_of_them() {
    let (node, port) = valkey("repl-diskless-sync yes\n");
    let mut client = node.connect();
    expect(&mut client, &format!("HSETEX h PXAT {FAR_MS} FIELDS 1 far 1"), Reply::Integer(1));
    assert_eq!(full_sync(port, "9.0.0").last().map(String::as_str), Some("VALKEY080"));
    let refused = full_sync(port, "8.1.0");
    assert_eq!(refused.last().map(String::as_str), Some("-ERR BGSAVE failed, replication can't continue"));
    expect(&mut client, "HPERSIST h FIELDS 1 far", Reply::Array(vec![Reply::Integer(1)]));
    assert_eq!(full_sync(port, "8.1.0").last().map(String::as_str), Some("REDIS0011"));
}
