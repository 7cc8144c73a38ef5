//! Two nodes of this process as primary and replica. WAIT is the event that says that a replica is there and has it all.

use crate::{TestNode, ask};
use conformance::connection::{Connection, Failure};
use conformance::reply::Reply;
use profile::Profile;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A node with a TCP port, which replicas need. Somebody else may take the port in between, so there is more than one attempt.
pub(crate) fn node(more: &str) -> (TestNode, u16) {
    node_of(Profile::Redis70, more)
}

/// The same of another profile.
pub(crate) fn node_of(profile: Profile, more: &str) -> (TestNode, u16) {
    for _ in 0..5 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let more = format!("port {port}\nbind 127.0.0.1\nrepl-diskless-sync-delay 0\n{more}");
        // A PING in the stream makes offsets differ for a moment.
        let more = format!("{more}repl-ping-replica-period 100000\n");
        if let Ok(node) = TestNode::try_start(profile, &more) {
            return (node, port);
        }
    }
    panic!("no port is free for long enough");
}

#[track_caller]
fn expect(connection: &mut Connection, line: &str, reply: &str) {
    assert_eq!(ask(connection, line).to_text(), reply, "{line}");
}

/// Waits until the replica has loaded its primary's data and stands at its offset. Nobody may write meanwhile.
#[track_caller]
pub(crate) fn catch_up(primary: &mut Connection, replica: &mut Connection) {
    let offset = |connection: &mut Connection| field(connection, "replication", "master_repl_offset");
    while field(replica, "replication", "master_link_status") != "up" || offset(primary) != offset(replica) {
        std::thread::yield_now();
    }
}

/// Waits until one replica has everything that this connection wrote. What it wrote while nobody listened to the stream
/// does not count: a replica on its way may be enough then, as on redis-server.
#[track_caller]
pub(crate) fn settle(primary: &mut Connection) {
    assert_eq!(ask(primary, "WAIT 1 60000"), Reply::Integer(1));
}

pub(crate) fn field(connection: &mut Connection, section: &str, name: &str) -> String {
    let info = ask(connection, &format!("INFO {section}")).to_text();
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::to_owned);
    value.unwrap_or_else(|| panic!("INFO {section} has no {name}"))
}

/// Writes one of everything that takes a way of its own through the stream.
fn write(primary: &mut Connection) {
    for line in [
        "SET a 1",
        "RPUSH list a b c",
        "MULTI",
        "INCR a",
        "SELECT 3",
        "SET other 1",
        "EXEC",
        "SWAPDB 3 5",
        "SELECT 2",
        "SET gone 1",
        "FLUSHDB",
        "SELECT 0",
        "HSET hash f v",
        "SET volatile 1 PX 1",
    ] {
        assert!(!ask(primary, line).is_error(), "{line}");
    }
    let large = vec![b'x'; 3 << 20];
    assert_eq!(
        primary.call(&[&b"SET"[..], b"large", &large]).expect("a reply"),
        Reply::Simple(b"OK".to_vec())
    );
}

#[test]
fn a_replica_gets_the_data_and_then_the_stream() {
    for form in ["yes", "no"] {
        let (primary, port) = node(&format!("repl-diskless-sync {form}\nenable-debug-command yes\n"));
        let mut to_primary = primary.connect();
        write(&mut to_primary);
        let (replica, _) = node(&format!("enable-debug-command yes\nreplicaof 127.0.0.1 {port}\n"));
        let mut to_replica = replica.connect();
        expect(&mut to_primary, "SET b 2", "OK");
        settle(&mut to_primary);
        write(&mut to_primary);
        settle(&mut to_primary);
        // Expired keys leave the replica when the primary says so.
        ask(&mut to_primary, "DEL volatile");
        expect(&mut to_primary, "SET last 1", "OK");
        settle(&mut to_primary);
        let digest = ask(&mut to_primary, "DEBUG DIGEST");
        assert_eq!(ask(&mut to_replica, "DEBUG DIGEST"), digest, "diskless {form}");
        expect(&mut to_replica, "SET a 1", "READONLY You can't write against a read only replica.");
    }
}

#[test]
fn a_client_that_writes_to_a_replica_is_disconnected_where_that_is_asked_for() {
    let (primary, port) = node("");
    let (replica, _) = node(&format!("close-on-replica-write yes\nreplicaof 127.0.0.1 {port}\n"));
    let readonly = "READONLY You can't write against a read only replica.";
    let mut client = replica.connect();
    // While it loads, all it answers is -LOADING.
    catch_up(&mut primary.connect(), &mut client);
    expect(&mut client, "PING", "PONG");
    expect(&mut client, "SET a 1", readonly);
    assert!(matches!(client.receive_within(Duration::from_secs(60)), Err(Failure::Closed(_))));
    let mut client = replica.connect();
    expect(&mut client, "CONFIG SET close-on-replica-write no", "OK");
    expect(&mut client, "SET a 1", readonly);
    expect(&mut client, "PING", "PONG");
}

/// A replica's end of the link, read by hand.
struct Link(BufReader<TcpStream>);

impl Link {
    /// Synchronises, up to where the stream begins.
    fn new(port: u16) -> Link {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        let mut link = Link(BufReader::new(stream));
        link.0.get_mut().write_all(b"REPLCONF capa eof capa psync2\r\n").expect("sent");
        assert_eq!(link.line(), "+OK");
        link.0.get_mut().write_all(b"PSYNC ? -1\r\n").expect("sent");
        let answer = link.said();
        assert!(answer.starts_with("+FULLRESYNC "), "{answer}");
        let mark = link.said().strip_prefix("$EOF:").expect("an end mark").as_bytes().to_vec();
        let mut snapshot = Vec::new();
        while !snapshot.ends_with(&mark) {
            snapshot.push(link.byte());
        }
        link.0.get_mut().write_all(b"REPLCONF ACK 0\r\n").expect("sent");
        link
    }

    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        self.0.read_exact(&mut byte).expect("the stream goes on");
        byte[0]
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("the stream goes on");
        line.trim_end().to_owned()
    }

    /// The next line that says something: empty ones keep the link alive until the snapshot comes.
    fn said(&mut self) -> String {
        loop {
            let line = self.line();
            if !line.is_empty() {
                return line;
            }
        }
    }

    /// The next command of the stream.
    fn command(&mut self) -> Vec<String> {
        let count: usize = self.line().strip_prefix('*').expect("an array").parse().expect("a length");
        (0..count)
            .map(|_| {
                let len = self.line().strip_prefix('$').expect("a string").parse().expect("a length");
                let mut bytes = vec![0; len];
                self.0.read_exact(&mut bytes).expect("the stream goes on");
                assert_eq!(self.line(), "");
                String::from_utf8(bytes).expect("text")
            })
            .collect()
    }

    /// The next write.
    fn write(&mut self) -> Vec<String> {
        loop {
            let command = self.command();
            if command[0] != "SELECT" && command[0] != "PING" {
                return command;
            }
        }
    }
}

#[test]
fn a_replica_that_reads_now_and_then_gets_the_stream_in_order() {
    for backend in ["io_uring", "epoll"] {
        let (primary, port) = node(&format!("io-backend {backend}\n"));
        let mut client = primary.connect();
        let mut link = Link::new(port);
        let filling = "x".repeat(10_000);
        let mut read = 0;
        let mut set = |n: usize| expect(&mut client, &format!("SET k {n}:{filling}"), "OK");
        let mut get = |n: usize| {
            let [name, key, value] = link.write().try_into().expect("three words");
            assert_eq!((name.as_str(), key.as_str()), ("SET", "k"));
            let (number, rest) = value.split_once(':').expect("a number");
            assert_eq!((number.parse(), rest.len()), (Ok(n), filling.len()), "{backend}");
        };
        let mut written = 0;
        // More than sockets hold, then less than is written, then step by step.
        for (writes, reads) in [(2000, 500), (200, 1000), (1500, 2199), (1, 2), (1, 1), (1, 1), (300, 300)] {
            (written..written + writes).for_each(&mut set);
            written += writes;
            (read..read + reads).for_each(&mut get);
            read += reads;
        }
        assert_eq!(read, written);
    }
}

#[test]
fn a_promoted_replica_goes_on_with_the_history() {
    let (first, first_port) = node("");
    let (second, second_port) = node("");
    let (mut to_first, mut to_second) = (first.connect(), second.connect());
    expect(&mut to_first, "SET a 1", "OK");
    expect(&mut to_second, &format!("REPLICAOF 127.0.0.1 {first_port}"), "OK");
    // Before it has loaded everything it would refuse the next one, as redis-server does.
    catch_up(&mut to_first, &mut to_second);
    expect(
        &mut to_second,
        &format!("REPLICAOF 127.0.0.1 {first_port}"),
        "OK Already connected to specified master",
    );
    expect(&mut to_second, "REPLICAOF NO ONE", "OK");
    expect(&mut to_second, "SET b 2", "OK");
    expect(&mut to_first, &format!("REPLICAOF 127.0.0.1 {second_port}"), "OK");
    settle(&mut to_second);
    expect(&mut to_first, "GET b", "2");
    assert_eq!(field(&mut to_second, "stats", "sync_partial_ok"), "1");
    assert_eq!(field(&mut to_second, "stats", "sync_full"), "0");
    assert_eq!(
        field(&mut to_first, "replication", "master_replid"),
        field(&mut to_second, "replication", "master_replid")
    );
}

#[test]
fn sub_replicas_get_the_same_history() {
    let (primary, port) = node("");
    let (middle, middle_port) = node(&format!("replicaof 127.0.0.1 {port}\n"));
    let mut to_primary = primary.connect();
    settle(&mut to_primary);
    let (leaf, _) = node(&format!("replicaof 127.0.0.1 {middle_port}\n"));
    let mut to_leaf = leaf.connect();
    // The leaf's listeners hear what is published at the top, in the order of the stream.
    let mut listener = leaf.connect();
    assert!(!ask(&mut listener, "SUBSCRIBE done").is_error());
    write(&mut to_primary);
    loop {
        ask(&mut to_primary, "PUBLISH done now");
        settle(&mut to_primary);
        if field(&mut to_leaf, "replication", "master_link_status") == "up" {
            break;
        }
    }
    ask(&mut to_primary, "PUBLISH done now");
    let message = listener.receive().expect("a message");
    assert_eq!(message.elements().map(|elements| elements[2].clone()), Some(Reply::bulk("now")));
    expect(&mut to_leaf, "GET a", "2");
    drop(middle);
}

#[test]
fn clients_that_block_learn_of_the_change_of_role() {
    let (node, port) = node("");
    let mut blocked = node.connect();
    let mut waiting = node.connect();
    let mut admin = node.connect();
    blocked.send(&["BLPOP", "nothing", "0"]).expect("it is sent");
    waiting.send(&["WAIT", "1", "0"]).expect("it is sent");
    while field(&mut admin, "clients", "blocked_clients") != "2" {
        std::thread::yield_now();
    }
    expect(&mut admin, &format!("REPLICAOF 127.0.0.1 {port}"), "OK");
    for client in [&mut blocked, &mut waiting] {
        let reply = client.receive().expect("a reply").to_text();
        assert!(reply.starts_with("UNBLOCKED force unblock from blocking operation"), "{reply}");
        assert!(client.receive().is_err(), "the connection is closed");
    }
    assert!(ask(&mut admin, "WAIT 0 0").to_text().starts_with("ERR WAIT cannot be used with replica"));
}
