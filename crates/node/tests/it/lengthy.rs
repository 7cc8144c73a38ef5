//! Commands that take long: nobody but who waits for the same keys is kept waiting by them.

use crate::replication::field;
use crate::{TestNode, ask};
use conformance::connection::Connection;
use conformance::reply::Reply;
use profile::Profile;
use std::time::Duration;

/// Enough for a helper to be asked, by far.
const ELEMENTS: usize = 1_000_000;
/// Long commands in one go: they take longer together than everything else in a test.
const CALLS: usize = 400;
const OTHERS: usize = 50;

fn node(more: &str) -> TestNode {
    TestNode::start(Profile::Valkey80, more)
}

/// A list of many elements at a key.
fn fill(client: &mut Connection, key: &str) {
    const AT_ONCE: usize = 10_000;
    let elements: Vec<String> = (0..AT_ONCE).map(|n| format!("element:{n}")).collect();
    let push: Vec<&str> = ["RPUSH", key].into_iter().chain(elements.iter().map(String::as_str)).collect();
    for _ in 0..ELEMENTS / AT_ONCE {
        client.call(&push).expect("a length");
    }
}

fn calls(client: &mut Connection, command: &str) -> usize {
    let info = ask(client, "INFO commandstats").to_text();
    let name = format!("cmdstat_{command}:calls=");
    let calls = info.lines().find_map(|line| line.strip_prefix(&name)?.split(',').next()?.parse().ok());
    calls.unwrap_or(0)
}

#[test]
fn fifty_clients_are_served_while_one_runs_long_commands() {
    for backend in ["io_uring", "epoll"] {
        let node = node(&format!("io-backend {backend}\n"));
        let mut others: Vec<Connection> = (0..OTHERS).map(|_| node.connect()).collect();
        fill(&mut others[0], "list");
        let mut long = node.connect();
        long.send_raw("LPOS list nothing\r\n".repeat(CALLS).as_bytes()).expect("sent");
        // They are under way.
        while calls(&mut others[0], "lpos") == 0 {}
        for client in &mut others {
            assert_eq!(ask(client, "PING"), Reply::Simple(b"PONG".to_vec()));
            assert_eq!(ask(client, "SET elsewhere value"), Reply::Simple(b"OK".to_vec()));
        }
        let done = calls(&mut others[0], "lpos");
        assert!(done < CALLS, "all long commands were over before the others were served");
    }
}

#[test]
fn what_a_client_sends_behind_a_long_command_runs_behind_it() {
    let node = node("");
    let mut client = node.connect();
    fill(&mut client, "list");
    let request = "LPOS list nothing\r\nRPUSH list last\r\nLPOS list last\r\nLLEN list\r\nLREM list 0 last\r\nLLEN list\r\n";
    // In two parts, the second of which comes while the first command runs.
    let (head, tail) = request.as_bytes().split_at(40);
    for _ in 0..20 {
        client.send_raw(head).expect("sent");
        client.send_raw(tail).expect("sent");
        let replies: Vec<Reply> = (0..6).map(|_| client.receive().expect("a reply")).collect();
        let len = ELEMENTS as i64;
        let expected = [len + 1, len, len + 1, 1, len].map(Reply::Integer);
        assert_eq!(replies[0], Reply::NullBulk);
        assert_eq!(replies[1..], expected);
    }
    assert_eq!(calls(&mut client, "lpos"), 40);
    assert_eq!(calls(&mut client, "lrem"), 20);
}

#[test]
fn who_wants_the_same_key_gets_it_when_the_long_command_is_over() {
    let node = node("");
    let (mut long, mut other) = (node.connect(), node.connect());
    fill(&mut long, "list");
    for round in 1..=20 {
        long.send_raw(b"LPOS list nothing\r\n").expect("sent");
        assert_eq!(ask(&mut other, "RPUSH list more"), Reply::Integer((ELEMENTS + round) as i64));
        assert_eq!(long.receive().expect("a reply"), Reply::NullBulk);
    }
}

#[test]
fn a_long_command_of_a_transaction_runs_in_it() {
    let node = node("");
    let mut client = node.connect();
    fill(&mut client, "list");
    ask(&mut client, "MULTI");
    ask(&mut client, "LPOS list nothing");
    ask(&mut client, "LLEN list");
    let expected = vec![Reply::NullBulk, Reply::Integer(ELEMENTS as i64)];
    assert_eq!(ask(&mut client, "EXEC"), Reply::Array(expected));
}

#[test]
fn hits_and_misses_are_counted_once() {
    let node = node("");
    let mut client = node.connect();
    fill(&mut client, "list");
    ask(&mut client, "CONFIG RESETSTAT");
    ask(&mut client, "LPOS list nothing");
    assert_eq!(field(&mut client, "stats", "keyspace_hits"), "1");
    assert_eq!(field(&mut client, "stats", "keyspace_misses"), "0");
}

#[test]
fn a_client_that_is_killed_or_goes_away_in_the_midst_of_a_long_command_is_gone_after_it() {
    let node = node("");
    let mut other = node.connect();
    fill(&mut other, "list");
    for round in 0..10 {
        let mut long = node.connect();
        let Reply::Integer(id) = ask(&mut long, "CLIENT ID") else { panic!("an id") };
        long.send_raw("LPOS list nothing\r\n".repeat(50).as_bytes()).expect("sent");
        if round % 2 == 0 {
            ask(&mut other, &format!("CLIENT KILL ID {id}"));
            while long.receive().is_ok() {}
        } else {
            long.close();
        }
        while node.node.worker_of(id as u64).is_some() {
            ask(&mut other, "PING");
        }
    }
}

#[test]
fn a_subscriber_gets_its_messages_though_it_runs_long_commands() {
    let node = node("");
    let (mut long, mut other) = (node.connect(), node.connect());
    fill(&mut other, "list");
    ask(&mut long, "HELLO 3");
    ask(&mut long, "SUBSCRIBE news");
    const MESSAGES: usize = 30;
    for _ in 0..MESSAGES {
        long.send_raw(b"LPOS list nothing\r\n").expect("sent");
        assert_eq!(ask(&mut other, "PUBLISH news now"), Reply::Integer(1));
    }
    let (mut messages, mut replies) = (0, 0);
    while (messages, replies) != (MESSAGES, MESSAGES) {
        match long.receive().expect("a reply or a message") {
            Reply::Push(_) => messages += 1,
            Reply::Null => replies += 1,
            other => panic!("{}", other.to_text()),
        }
    }
}

#[test]
fn a_large_request_and_a_large_reply_are_whole() {
    let node = node("");
    let mut client = node.connect();
    let value = vec![b'x'; 20 << 20];
    assert_eq!(client.call(&[b"SET", &b"key"[..], &value]).expect("a reply"), Reply::Simple(b"OK".to_vec()));
    assert_eq!(client.call(&["GET", "key"]).expect("a reply"), Reply::Bulk(value.clone()));
    assert_eq!(ask(&mut client, "COPY key copy"), Reply::Integer(1));
    assert_eq!(client.call(&["GETRANGE", "copy", "0", "-1"]).expect("a reply"), Reply::Bulk(value));
}

#[test]
fn the_node_ends_in_the_midst_of_long_commands() {
    let node = node("");
    let mut long = node.connect();
    fill(&mut long, "list");
    long.send_raw("LPOS list nothing\r\n".repeat(CALLS).as_bytes()).expect("sent");
    assert_eq!(long.receive_within(Duration::from_secs(60)).expect("a reply"), Some(Reply::NullBulk));
    drop(node);
    while long.receive().is_ok() {}
}
