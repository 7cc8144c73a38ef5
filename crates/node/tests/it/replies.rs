//! Replies of a length that a client chose: it gets them in pieces, or is closed at its limit, and nobody else notices.

use crate::replication::field;
use crate::{TestNode, ask};
use conformance::connection::Connection;
use conformance::reply::Reply;
use profile::Profile;

/// One worker: what would keep it would keep everybody.
fn node(more: &str) -> TestNode {
    TestNode::start(Profile::Valkey80, &format!("workers 1\n{more}\n"))
}

const ENDLESS: &str = "HRANDFIELD h -9223372036854775807";
/// More than sockets hold, so that the reply is not complete before it is read.
const DRAWN: usize = 1_500_000;

fn long() -> String {
    format!("HRANDFIELD h -{DRAWN}")
}

#[track_caller]
fn expect(connection: &mut Connection, line: &str, reply: &str) {
    assert_eq!(shown(&ask(connection, line)), reply, "{line}");
}

/// A reply as redis-cli shows it.
fn shown(reply: &Reply) -> String {
    reply.lines().join("\n")
}

fn send(connection: &mut Connection, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    connection.send(&words).expect("sent");
}

/// The id of a client that is about to do something that cannot be asked about.
fn id(connection: &mut Connection) -> String {
    shown(&ask(connection, "CLIENT ID")).trim_start_matches("(integer) ").to_owned()
}

/// Waits until a client is gone.
fn await_end(other: &mut Connection, id: &str) {
    while ask(other, &format!("CLIENT LIST ID {id}")).text() != Some(b"") {}
}

fn elements(reply: Reply) -> Vec<Reply> {
    match reply {
        Reply::Array(elements) => elements,
        other => panic!("{other:?} is not an array"),
    }
}

/// How often each of two fields was drawn, and nothing else.
fn drawn(reply: Reply) -> (usize, usize) {
    let elements = elements(reply);
    let count = |name: &[u8]| elements.iter().filter(|element| element.text() == Some(name)).count();
    let (a, b) = (count(b"a"), count(b"b"));
    assert_eq!((elements.len(), a + b), (DRAWN, DRAWN));
    (a, b)
}

#[test]
fn a_client_is_closed_at_the_limit_of_its_class_before_the_reply_is_there() {
    let node = node("client-output-buffer-limit normal 1mb 0 0");
    let (mut other, value) = (node.connect(), "x".repeat(100_000));
    ask(&mut other, "HSET h a 1 b 2");
    ask(&mut other, &format!("SET s {value}"));
    ask(&mut other, &format!("RPUSH l{}", format!(" {value}").repeat(20)));
    let many = format!("MGET{}", " s".repeat(900));
    let with_values = format!("{} WITHVALUES", ENDLESS.replace("9223372036854775807", "4611686018427387903"));
    let lines = [ENDLESS, &with_values, &long(), "LRANGE l 0 -1", &many];
    for (n, line) in lines.into_iter().enumerate() {
        for hello in ["HELLO 2", "HELLO 3"] {
            let mut client = node.connect();
            ask(&mut client, hello);
            let id = id(&mut client);
            send(&mut client, line);
            await_end(&mut other, &id);
            assert!(client.receive().is_err(), "{line:.40}: it is closed");
        }
        assert_eq!(
            field(&mut other, "stats", "client_output_buffer_limit_disconnections"),
            (2 * (n + 1)).to_string()
        );
    }
    let log = std::fs::read_to_string(node.dir.join("log")).expect("a log");
    let told = log.lines().filter(|line| {
        line.contains("Client id=")
            && line.ends_with("scheduled to be closed ASAP for overcoming of output buffer limits.")
    });
    assert_eq!(told.count(), 2 * lines.len());
}

#[test]
fn a_write_is_done_though_its_reply_is_cut_off() {
    let node = node("client-output-buffer-limit normal 1mb 0 0");
    let (mut other, mut client) = (node.connect(), node.connect());
    ask(&mut other, &format!("RPUSH l{}", format!(" {}", "x".repeat(100_000)).repeat(20)));
    ask(&mut other, "HSET h a 1 b 2");
    let its_id = id(&mut client);
    for line in ["MULTI", "INCR before", ENDLESS, "LPOP l 15", "INCR behind"] {
        ask(&mut client, line);
    }
    send(&mut client, "EXEC");
    await_end(&mut other, &its_id);
    assert!(client.receive().is_err());
    assert_eq!(shown(&ask(&mut other, "MGET before behind")), "1) \"1\"\n2) \"1\"");
    expect(&mut other, "LLEN l", "(integer) 5");
}

#[test]
fn a_long_reply_is_of_one_instant_and_keeps_nobody_waiting() {
    let node = node("");
    let (mut reader, mut other) = (node.connect(), node.connect());
    ask(&mut other, "HSET h a 1 b 2");
    send(&mut reader, &long());
    send(&mut reader, "HGET h a");
    send(&mut reader, "PING");
    // It is under way, and reads nothing.
    while field(&mut other, "clients", "client_recent_max_output_buffer") == "0" {}
    expect(&mut other, "HSET h a 3 c 4", "(integer) 1");
    expect(&mut other, "KEYS *", "1) \"h\"");
    expect(&mut other, "FLUSHALL", "OK");
    expect(&mut other, "HSET h a 5", "(integer) 1");
    let (a, b) = drawn(reader.receive().expect("a reply"));
    assert!(a > DRAWN / 3 && b > DRAWN / 3, "{a} {b}");
    // What follows has waited for its turn.
    assert_eq!(reader.receive().expect("a reply").text(), Some(&b"5"[..]));
    assert_eq!(reader.receive().expect("a reply").text(), Some(&b"PONG"[..]));
}

#[test]
fn a_transaction_answers_in_order() {
    let node = node("");
    let mut client = node.connect();
    ask(&mut client, "HSET h a 1 b 2");
    for line in ["MULTI", "INCR n", &long(), "INCR n", &long(), "DEL h"] {
        ask(&mut client, line);
    }
    send(&mut client, "EXEC");
    send(&mut client, "INCR n");
    let replies = elements(client.receive().expect("a reply"));
    let texts: Vec<String> =
        replies.iter().filter(|reply| !matches!(reply, Reply::Array(_))).map(shown).collect();
    assert_eq!(texts, ["(integer) 1", "(integer) 2", "(integer) 1"]);
    let long: Vec<Reply> = replies.into_iter().filter(|reply| matches!(reply, Reply::Array(_))).collect();
    assert_eq!(long.into_iter().map(drawn).count(), 2);
    assert_eq!(shown(&client.receive().expect("a reply")), "(integer) 3");
}

#[test]
fn replies_that_nobody_wants_are_not_written() {
    let node = node("");
    let mut client = node.connect();
    ask(&mut client, "HSET h a 1 b 2");
    send(&mut client, "CLIENT REPLY OFF");
    send(&mut client, &long());
    send(&mut client, "CLIENT REPLY ON");
    assert_eq!(client.receive().expect("a reply").text(), Some(&b"OK"[..]));
    for line in ["CLIENT REPLY SKIP", &long(), "ECHO behind"] {
        send(&mut client, line);
    }
    assert_eq!(client.receive().expect("a reply").text(), Some(&b"behind"[..]));
}

#[test]
fn a_client_in_the_midst_of_a_long_reply_is_killed_and_the_node_ends() {
    let node = node("");
    let mut other = node.connect();
    ask(&mut other, "HSET h a 1 b 2");
    let mut readers: Vec<Connection> = (0..2).map(|_| node.connect()).collect();
    let ids: Vec<String> = readers.iter_mut().map(id).collect();
    for reader in &mut readers {
        send(reader, "HRANDFIELD h -100000000");
    }
    while field(&mut other, "clients", "client_recent_max_output_buffer") == "0" {}
    assert_eq!(shown(&ask(&mut other, &format!("CLIENT KILL ID {}", ids[0]))), "(integer) 1");
    await_end(&mut other, &ids[0]);
    // The test ends when the node has, with the other still in the midst of its reply.
    drop(node);
    assert!(readers[1].receive().is_err());
}
