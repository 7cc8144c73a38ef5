//! KEYS over many keys holds neither its worker nor the gate for all of its time, and a slot that is busy does not send it
//! back.

use crate::{TestNode, ask};
use conformance::connection::Connection;
use conformance::reply::Reply;
use profile::Profile;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Many pieces, on a fast machine too.
const KEYS: usize = 200_000;
/// Tries until others were served in the midst of a walk: once is enough, and hardly any fails.
const ROUNDS: usize = 50;

fn node(workers: usize) -> TestNode {
    let more = format!("workers {workers}\nenable-debug-command yes\n");
    let node = TestNode::start(Profile::Redis70, &more);
    assert_eq!(ask(&mut node.connect(), &format!("DEBUG POPULATE {KEYS}")).to_text(), "OK");
    node
}

/// Whether another client's `requests`, sent again and again, which count in `n`, are served between the beginning and the end
/// of a walk that is sent in one go with two looks at the counter.
fn is_served_meanwhile(node: &TestNode, requests: &str) -> bool {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let (mut walking, mut other) = (node.connect(), node.connect());
        let stop = &stop;
        scope.spawn(move || {
            let replies = requests.lines().count();
            other.send_raw(requests.repeat(2).as_bytes()).expect("sent");
            while !stop.load(Ordering::Relaxed) {
                other.send_raw(requests.as_bytes()).expect("sent");
                (0..replies).for_each(|_| _ = other.receive().expect("a reply"));
            }
        });
        let is_served = (0..ROUNDS).any(|_| {
            walking.send_raw(b"GET n\r\nKEYS nothing*\r\nGET n\r\n").expect("sent");
            let mut next = || walking.receive().expect("a reply");
            let (before, found, after) = (next(), next(), next());
            assert_eq!(found, Reply::Array(Vec::new()));
            before != after
        });
        stop.store(true, Ordering::Relaxed);
        is_served
    })
}

#[test]
fn other_clients_of_the_worker_are_served_in_the_midst_of_a_walk() {
    assert!(is_served_meanwhile(&node(1), "INCR n\r\n"));
}

#[test]
fn the_world_is_to_be_had_in_the_midst_of_a_walk() {
    // DBSIZE makes the transaction one that needs the world.
    assert!(is_served_meanwhile(&node(2), "MULTI\r\nINCR n\r\nDBSIZE\r\nEXEC\r\n"));
}

#[test]
fn a_walk_ends_beside_slow_commands_on_one_key() {
    let node = node(2);
    let mut client = node.connect();
    let elements: Vec<String> = (0..20_000).map(|n| n.to_string()).collect();
    let push: Vec<&str> = ["RPUSH", "list"].into_iter().chain(elements.iter().map(String::as_str)).collect();
    assert_eq!(client.call(&push).expect("a reply"), Reply::Integer(20_000));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            let mut slow = node.connect();
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    slow.send_raw("LPOS list nothing\r\n".repeat(50).as_bytes()).expect("sent");
                    (0..50).for_each(|_| _ = slow.receive().expect("a reply"));
                }
            });
        }
        let mut both = [node.connect(), node.connect()];
        let done = both.iter_mut().all(|walking: &mut Connection| {
            (0..3).all(|_| {
                matches!(walking.call(&["KEYS", "*"]), Ok(Reply::Array(keys)) if keys.len() == KEYS + 1)
                    && matches!(walking.call(&["SCAN", "0", "COUNT", "1000000"]), Ok(Reply::Array(parts))
                        if matches!(&parts[1], Reply::Array(keys) if keys.len() == KEYS + 1))
            })
        });
        stop.store(true, Ordering::Relaxed);
        assert!(done);
    });
}

/// The reply of a walk is whole though the client hears messages meanwhile, and earlier replies of its pipeline come first.
#[test]
fn a_walks_reply_stays_together() {
    let node = node(1);
    let mut walking = node.connect();
    for line in ["HELLO 3", "SUBSCRIBE channel"] {
        assert!(!matches!(ask(&mut walking, line), Reply::Error(_)));
    }
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let mut other = node.connect();
        let stop = &stop;
        scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let _ = ask(&mut other, "PUBLISH channel message");
            }
        });
        walking.send_raw(b"ECHO first\r\nKEYS *\r\nECHO last\r\n").expect("sent");
        let mut replies = Vec::new();
        while replies.len() < 3 {
            match walking.receive().expect("a reply") {
                Reply::Push(message) => assert_eq!(message.len(), 3),
                reply => replies.push(reply),
            }
        }
        stop.store(true, Ordering::Relaxed);
        assert_eq!(replies[0].to_text(), "first");
        assert!(matches!(&replies[1], Reply::Array(keys) if keys.len() == KEYS));
        assert_eq!(replies[2].to_text(), "last");
    });
}
