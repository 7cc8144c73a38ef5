//! Large values while a snapshot captures them in pieces: who would change one waits, everybody else goes on.
//!
//! The snapshot is a full sync whose replica reads nothing until the test wants it to: then the walk stands still in the
//! midst of the value, for as long as the test has questions.

use crate::replication::{field, node};
use crate::{TestNode, ask};
use conformance::connection::Connection;
use conformance::reply::Reply;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;

/// One worker: what would stop it would stop every client. The replica is to be cut off for nothing that it does not read.
const ALONE: &str =
    "workers 1\nrepl-diskless-sync yes\nclient-output-buffer-limit replica 0 0 0\nrepl-timeout 600\n";
const LARGE: &str = "{tag}large";
const FIELDS: usize = 800;
/// Together more than sockets and channels hold.
const VALUE_BYTES: usize = 60_000;

/// A reply's text, also that of an integer.
fn text(reply: &Reply) -> String {
    match reply {
        Reply::Integer(value) => value.to_string(),
        other => other.to_text(),
    }
}

#[track_caller]
fn expect(connection: &mut Connection, line: &str, reply: &str) {
    assert_eq!(text(&ask(connection, line)), reply, "{line}");
}

/// Bytes that do not compress.
fn noise(seed: usize) -> Vec<u8> {
    let mut state = seed as u64 + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..VALUE_BYTES / 8).flat_map(|_| next()).collect()
}

fn make_large(client: &mut Connection) {
    for n in 0..FIELDS {
        let reply = client.call(&[b"HSET", LARGE.as_bytes(), format!("f{n}").as_bytes(), &noise(n)]);
        assert_eq!(reply.expect("a reply"), Reply::Integer(1));
    }
    expect(client, "SET {tag}small 1", "OK");
}

/// A replica that reads nothing of its snapshot until it is told to.
pub(crate) struct IdleReplica {
    stream: BufReader<TcpStream>,
    /// Where the stream goes on behind the snapshot.
    offset: String,
}

impl IdleReplica {
    /// When it is there, the walk has begun.
    pub(crate) fn attach(port: u16) -> IdleReplica {
        let mut stream =
            BufReader::with_capacity(64, TcpStream::connect(("127.0.0.1", port)).expect("it listens"));
        let mut ask = |line: &str| {
            stream.get_mut().write_all(line.as_bytes()).expect("sent");
            let mut reply = String::new();
            // Empty lines say that the primary is alive.
            while reply.trim().is_empty() {
                reply.clear();
                assert_ne!(stream.read_line(&mut reply).expect("a line"), 0, "the connection stays");
            }
            reply
        };
        assert_eq!(ask("REPLCONF capa eof capa psync2\r\n").trim(), "+OK");
        let answer = ask("PSYNC ? -1\r\n");
        assert!(answer.starts_with("+FULLRESYNC "), "{answer}");
        let offset = answer.trim().rsplit(' ').next().expect("an offset").to_owned();
        IdleReplica { stream, offset }
    }

    /// Reads its snapshot, and the stream behind it up to these bytes; gives back the snapshot alone.
    pub(crate) fn read_until(mut self, stream_holds: &[u8]) -> Vec<u8> {
        let mut line = Vec::new();
        while line.trim_ascii().is_empty() {
            line.clear();
            self.stream.read_until(b'\n', &mut line).expect("a line");
        }
        let mark = line.trim_ascii().strip_prefix(b"$EOF:").expect("a mark at the end").to_vec();
        let mut read = Vec::new();
        let mut buffer = vec![0; 1 << 16];
        let find = |text: &[u8], what: &[u8]| text.windows(what.len()).position(|window| window == what);
        // Where the snapshot ends, once that was seen.
        let mut end = None;
        loop {
            let unseen = end.unwrap_or(read.len().saturating_sub(mark.len()));
            let n = self.stream.read(&mut buffer).expect("it goes on");
            assert_ne!(n, 0, "the connection stays");
            read.extend_from_slice(&buffer[..n]);
            if end.is_none() {
                end = find(&read[unseen..], &mark).map(|at| unseen + at);
                if end.is_some() {
                    // Without it the stream does not go on.
                    let ack = format!("REPLCONF ACK {}\r\n", self.offset);
                    self.stream.get_mut().write_all(ack.as_bytes()).expect("sent");
                }
            }
            if let Some(end) = end
                && find(&read[end..], stream_holds).is_some()
            {
                read.truncate(end);
                return read;
            }
        }
    }
}

/// Sends a command and waits until the node has looked at it.
#[track_caller]
fn send(client: &mut Connection, words: &[&str], seen_by: &mut Connection) {
    let id = text(&ask(client, "CLIENT ID"));
    client.send(words).expect("sent");
    wait_for_command(&id, words[0], seen_by);
}

#[track_caller]
fn wait_for_command(id: &str, name: &str, seen_by: &mut Connection) {
    let wanted = format!("cmd={}", name.to_lowercase());
    while !ask(seen_by, &format!("CLIENT LIST ID {id}")).to_text().contains(&wanted) {
        thread::yield_now();
    }
}

fn start() -> (TestNode, u16, Connection) {
    let (node, port) = node(ALONE);
    let mut client = node.connect();
    make_large(&mut client);
    (node, port, client)
}

#[test]
fn a_write_on_it_waits_and_everything_else_goes_on() {
    let (node, port, mut other) = start();
    let replica = IdleReplica::attach(port);
    let mut writers: Vec<(Connection, Vec<&str>, Reply)> = [
        (vec!["HSET", LARGE, "f1", "changed"], Reply::Integer(0)),
        (vec!["HSET", LARGE, "new", "changed"], Reply::Integer(1)),
        (vec!["EXPIRE", LARGE, "1000"], Reply::Integer(1)),
    ]
    .into_iter()
    .map(|(words, reply)| (node.connect(), words, reply))
    .collect();
    for (writer, words, _) in &mut writers {
        send(writer, words, &mut other);
    }
    // Other keys of the slot, and readers of this one.
    expect(&mut other, "INCR {tag}small", "2");
    expect(&mut other, "RENAME {tag}small {tag}other", "OK");
    expect(&mut other, &format!("HLEN {LARGE}"), &FIELDS.to_string());
    assert_eq!(ask(&mut other, &format!("HGET {LARGE} f1")), Reply::bulk(noise(1)));
    expect(&mut other, &format!("TTL {LARGE}"), "-1");
    // What the connection sends behind it keeps its place.
    writers[0].0.send(&["PING"]).expect("sent");
    expect(&mut other, &format!("EXISTS {LARGE} {{tag}}other"), "2");
    let reader = thread::spawn(move || replica.read_until(b"the last write"));
    for (writer, words, reply) in &mut writers {
        assert_eq!(writer.receive().expect("a reply"), *reply, "{words:?}");
    }
    assert_eq!(writers[0].0.receive().expect("a reply"), Reply::Simple(b"PONG".to_vec()));
    expect(&mut other, &format!("HLEN {LARGE}"), &(FIELDS + 1).to_string());
    let reply = other.call(&["SET", "last", "the last write"]).expect("a reply");
    assert_eq!(reply, Reply::Simple(b"OK".to_vec()));
    let snapshot = reader.join().expect("no panic");
    assert!(snapshot.len() > FIELDS * VALUE_BYTES);
    assert!(!snapshot.windows(7).any(|window| window == b"changed"), "it shows the instant");
}

#[test]
fn transactions_and_moves_and_removals_wait_too() {
    let (node, port, mut other) = start();
    // It will push onto the large value when it is served: the wrong type, which it learns then.
    let mut blocked = node.connect();
    send(&mut blocked, &["BLMOVE", "{tag}source", LARGE, "LEFT", "LEFT", "0"], &mut other);
    while field(&mut other, "clients", "blocked_clients") != "1" {
        thread::yield_now();
    }
    let replica = IdleReplica::attach(port);
    let mut transaction = node.connect();
    let id = text(&ask(&mut transaction, "CLIENT ID"));
    expect(&mut transaction, "MULTI", "OK");
    for line in ["SET {tag}a 1", "SELECT 3", "SET {tag}b 1", "SELECT 0", &format!("HSET {LARGE} f1 changed")]
    {
        expect(&mut transaction, line, "QUEUED");
    }
    transaction.send(&["EXEC"]).expect("sent");
    wait_for_command(&id, "EXEC", &mut other);
    // In another database the same name is another key.
    let mut elsewhere = node.connect();
    for (line, reply) in [("MULTI", "OK"), ("SELECT 3", "QUEUED")] {
        expect(&mut elsewhere, line, reply);
    }
    expect(&mut elsewhere, &format!("HSET {LARGE} f 1"), "QUEUED");
    let done = ask(&mut elsewhere, "EXEC");
    assert_eq!(done.elements().and_then(<[Reply]>::last), Some(&Reply::Integer(1)));
    expect(&mut other, "RPUSH {tag}source x", "1");
    expect(&mut other, "LLEN {tag}source", "1");
    expect(&mut other, "EXISTS {tag}a", "0");
    let reader = thread::spawn(move || replica.read_until(b"the last write"));
    let done = transaction.receive().expect("a reply");
    assert_eq!(done.elements().and_then(<[Reply]>::last), Some(&Reply::Integer(0)));
    assert!(blocked.receive().expect("a reply").to_text().starts_with("WRONGTYPE"));
    expect(&mut other, &format!("HGET {LARGE} f1"), "changed");
    other.call(&["SET", "last", "the last write"]).expect("a reply");
    reader.join().expect("no panic");

    for words in [vec!["UNLINK", LARGE], vec!["RENAME", LARGE, "{tag}renamed"], vec!["SET", LARGE, "short"]] {
        let (node, port, mut other) = start();
        let replica = IdleReplica::attach(port);
        let mut writer = node.connect();
        send(&mut writer, &words, &mut other);
        expect(&mut other, &format!("HLEN {LARGE}"), &FIELDS.to_string());
        drop(replica);
        assert!(!writer.receive().expect("a reply").is_error(), "{words:?}");
        assert_ne!(ask(&mut other, &format!("HLEN {LARGE}")), Reply::Integer(FIELDS as i64));
    }
}

#[test]
fn a_snapshot_that_fails_in_its_midst_lets_writes_through() {
    let (node, port, mut other) = start();
    let replica = IdleReplica::attach(port);
    let mut writer = node.connect();
    send(&mut writer, &["HSET", LARGE, "f1", "changed"], &mut other);
    assert_eq!(ask(&mut other, &format!("HGET {LARGE} f1")), Reply::bulk(noise(1)));
    drop(replica);
    assert_eq!(writer.receive().expect("a reply"), Reply::Integer(0));
    expect(&mut other, &format!("HGET {LARGE} f1"), "changed");
}

#[test]
fn the_world_does_not_wait() {
    let (_node, port, mut other) = start();
    let replica = IdleReplica::attach(port);
    expect(&mut other, "FLUSHALL", "OK");
    expect(&mut other, &format!("HSET {LARGE} f1 changed"), "1");
    let reader = thread::spawn(move || replica.read_until(b"the last write"));
    other.call(&["SET", "last", "the last write"]).expect("a reply");
    let snapshot = reader.join().expect("no panic");
    assert!(snapshot.len() > FIELDS * VALUE_BYTES, "what FLUSHALL removed is in it");
    assert!(!snapshot.windows(7).any(|window| window == b"changed"));
}

#[test]
fn a_replica_applies_what_changes_it_after_its_own_snapshot() {
    let (_primary, primary_port, mut to_primary) = start();
    let (middle, middle_port) = node(&format!("{ALONE}replicaof 127.0.0.1 {primary_port}\n"));
    let mut to_middle = middle.connect();
    crate::replication::catch_up(&mut to_primary, &mut to_middle);
    let leaf = IdleReplica::attach(middle_port);
    expect(&mut to_primary, "SET {tag}before 1", "OK");
    expect(&mut to_primary, &format!("HSET {LARGE} f1 changed"), "0");
    expect(&mut to_primary, "MULTI", "OK");
    for line in [format!("HSET {LARGE} f2 changed"), "SET after 1".to_owned()] {
        expect(&mut to_primary, &line, "QUEUED");
    }
    assert!(!ask(&mut to_primary, "EXEC").is_error());
    while ask(&mut to_middle, "GET {tag}before").text().is_none() {
        thread::yield_now();
    }
    assert_eq!(ask(&mut to_middle, &format!("HGET {LARGE} f1")), Reply::bulk(noise(1)));
    expect(&mut to_middle, "EXISTS after", "0");
    let reader = thread::spawn(move || leaf.read_until(b"after"));
    crate::replication::settle(&mut to_primary);
    expect(&mut to_middle, &format!("HGET {LARGE} f2"), "changed");
    let snapshot = reader.join().expect("no panic");
    assert!(!snapshot.windows(7).any(|window| window == b"changed"));
}

#[test]
fn a_save_shows_one_instant_while_a_value_is_written_without_a_pause() {
    let node = TestNode::start(profile::Profile::Redis70, "enable-debug-command yes\n");
    let mut client = node.connect();
    for n in 0..200 {
        let mut words = vec!["HSET".to_owned(), LARGE.to_owned()];
        words.extend((0..1000).flat_map(|m| [format!("field {n} {m}"), format!("value {m}")]));
        assert_eq!(client.call(&words).expect("a reply"), Reply::Integer(1000));
    }
    let mut saver = node.connect();
    let writer = thread::spawn(move || {
        let mut count = 0;
        while count == 0 || field(&mut client, "persistence", "rdb_bgsave_in_progress") == "1" {
            count += 1;
            for name in ["first", "second"] {
                assert!(!ask(&mut client, &format!("HSET {LARGE} {name} {count}")).is_error());
            }
            if count == 1 {
                expect(&mut saver, "BGSAVE", "Background saving started");
            }
        }
        (client, count)
    });
    let (mut client, count) = writer.join().expect("no panic");
    assert_eq!(field(&mut client, "persistence", "rdb_last_bgsave_status"), "ok");
    expect(&mut client, "DEBUG RELOAD NOSAVE", "OK");
    expect(&mut client, &format!("HLEN {LARGE}"), "200002");
    let read = |client: &mut Connection, name: &str| -> usize {
        ask(client, &format!("HGET {LARGE} {name}")).to_text().parse().expect("a number")
    };
    let (first, second) = (read(&mut client, "first"), read(&mut client, "second"));
    assert!(first == second || first == second + 1, "{first} was written before {second}");
    assert!((1..=count).contains(&first));
}
