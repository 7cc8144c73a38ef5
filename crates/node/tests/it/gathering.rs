//! Connections that move from worker to worker while they are used.
//!
//! What makes them move is real: commands that take long. A test waits for moves by looking where clients are, and what it checks
//! holds however many there were.

use crate::{TestNode, ask};
use conformance::connection::Connection;
use conformance::reply::Reply;
use profile::Profile;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

fn node(backend: &str) -> TestNode {
    let more = format!("io-backend {backend}\ngather-connections yes\nenable-debug-command yes\n");
    TestNode::start(Profile::Valkey80, &more)
}

fn id_of(client: &mut Connection) -> u64 {
    match ask(client, "CLIENT ID") {
        Reply::Integer(id) => id as u64,
        other => panic!("{}", other.to_text()),
    }
}

fn on_both(test: impl Fn(&TestNode)) {
    for backend in ["io_uring", "epoll"] {
        test(&node(backend));
    }
}

/// Runs `act` while two clients run long commands, whereupon the others move from one worker to the other and back.
fn while_clients_move(node: &TestNode, act: impl FnOnce()) {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            let stop = &stop;
            scope.spawn(move || {
                let mut client = node.connect();
                while !stop.load(Ordering::Relaxed) {
                    assert_eq!(ask(&mut client, "DEBUG SLEEP 0.005"), Reply::Simple(b"OK".to_vec()));
                }
            });
        }
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn connections_spread_when_one_holds_the_others_and_gather_when_all_is_calm() {
    on_both(|node| {
        let mut clients: Vec<Connection> = (0..10).map(|_| node.connect()).collect();
        let ids: Vec<u64> = clients.iter_mut().map(id_of).collect();
        let workers = || ids.iter().map(|&id| node.node.worker_of(id).expect("a client")).collect::<Vec<_>>();
        assert_eq!(workers(), [0; 10]);
        while workers().iter().all(|&worker| worker == 0) {
            ask(&mut clients[0], "DEBUG SLEEP 0.005");
            clients[1..]
                .iter_mut()
                .for_each(|client| assert_eq!(ask(client, "PING"), Reply::Simple(b"PONG".to_vec())));
        }
        assert_eq!(workers()[0], 0, "who makes others wait stays");
        while workers().iter().any(|&worker| worker != 0) {
            clients
                .iter_mut()
                .for_each(|client| assert_eq!(ask(client, "PING"), Reply::Simple(b"PONG".to_vec())));
        }
    });
}

#[test]
fn requests_and_replies_are_whole_and_in_order_while_clients_move() {
    const CLIENTS: usize = 6;
    const MOVES: usize = 3;
    on_both(|node| {
        while_clients_move(node, || {
            let ready = AtomicUsize::new(0);
            thread::scope(|scope| {
                for number in 0..CLIENTS {
                    let ready = &ready;
                    scope.spawn(move || {
                        let mut client = node.connect();
                        let id = id_of(&mut client);
                        let (mut worker, mut moves, mut next) = (0, 0, 0_usize);
                        // Until all have moved: so that none of them is alone with who makes them move.
                        while ready.load(Ordering::Relaxed) < CLIENTS {
                            let count = 1 + (next + number) % 7;
                            let words = (next..next + count).map(|n| format!("ECHO {number}-{n}\r\n"));
                            let bytes = words.collect::<String>().into_bytes();
                            // In two parts: what is received of a request moves along.
                            let (head, tail) = bytes.split_at((next * 7) % bytes.len());
                            client.send_raw(head).expect("sent");
                            client.send_raw(tail).expect("sent");
                            for n in next..next + count {
                                let reply = client.receive().expect("a reply");
                                assert_eq!(reply, Reply::Bulk(format!("{number}-{n}").into_bytes()));
                            }
                            next += count;
                            let present = node.node.worker_of(id).expect("a client");
                            if present != worker {
                                (worker, moves) = (present, moves + 1);
                                if moves == MOVES {
                                    ready.fetch_add(1, Ordering::Relaxed);
                                }
                            }
                        }
                    });
                }
            });
        });
    });
}

#[test]
fn a_client_is_killed_and_unblocked_wherever_it_has_moved() {
    on_both(|node| {
        while_clients_move(node, || {
            let mut killer = node.connect();
            for round in 0..200 {
                let mut client = node.connect();
                let id = id_of(&mut client);
                if round % 2 == 0 {
                    assert_eq!(ask(&mut killer, &format!("CLIENT KILL ID {id}")), Reply::Integer(1));
                    assert!(client.receive().is_err(), "its connection ends");
                } else {
                    client.send_raw(b"BLPOP nothing 0\r\n").expect("sent");
                    while ask(&mut killer, &format!("CLIENT UNBLOCK {id}")) != Reply::Integer(1) {}
                    assert_eq!(client.receive().expect("a reply"), Reply::NullArray);
                }
            }
        });
    });
}

#[test]
fn messages_and_waits_find_clients_that_came_from_another_worker() {
    on_both(|node| {
        while_clients_move(node, || {
            let mut other = node.connect();
            for round in 0..100 {
                let (mut listener, mut popper) = (node.connect(), node.connect());
                for _ in 0..round % 5 {
                    ask(&mut listener, "PING");
                    ask(&mut popper, "PING");
                }
                ask(&mut listener, "SUBSCRIBE news");
                popper.send_raw(b"BLPOP list 0\r\n").expect("sent");
                assert_eq!(ask(&mut other, "PUBLISH news now"), Reply::Integer(1));
                ask(&mut other, "RPUSH list now");
                let message = ["message", "news", "now"].map(Reply::bulk);
                assert_eq!(listener.receive().expect("a message"), Reply::Array(message.to_vec()));
                let popped = ["list", "now"].map(Reply::bulk);
                assert_eq!(popper.receive().expect("a reply"), Reply::Array(popped.to_vec()));
                ask(&mut listener, "UNSUBSCRIBE");
            }
        });
    });
}
