//! Every kind of need beside workers that are never idle: whoever waits for the world, or for somebody who has it, gets on.
//!
//! A client that waits in vain gets no reply within the time that a connection allows, which ends the test.

use crate::replication::field;
use crate::{TestNode, ask};
use conformance::connection::Connection;
use conformance::reply::Reply;
use profile::Profile;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// More slots than are locked one by one.
const MANY: usize = 1200;
const ROUNDS: usize = 4;
/// Connections are dealt to the two workers in turn: both have two of each.
const BUSY: usize = 4;
const RUNNERS: usize = 4;

type Line = Vec<String>;

fn line(text: &str) -> Line {
    text.split(' ').map(str::to_owned).collect()
}

/// A command, with this many keys of a family behind it and a value behind each.
fn over(count: usize, name: &str, family: &str, behind_each: &[&str], last: &[&str]) -> Line {
    let mut words = line(name);
    for n in 0..count {
        words.push(format!("{family}{n}"));
        words.extend(behind_each.iter().map(|&word| word.to_owned()));
    }
    words.extend(last.iter().map(|&word| word.to_owned()));
    words
}

/// A command for every need, alone in its name or not.
fn commands() -> Vec<Line> {
    vec![
        line("ECHO a"),
        line("INCR a"),
        over(5, "MSET", "few", &["v"], &[]),
        over(MANY, "MSET", "many", &["v"], &[]),
        over(MANY, "MGET", "many", &[], &[]),
        over(MANY, "DEL", "many", &[], &[]),
        line("KEYS nothing*"),
        line("SCAN 0 COUNT 1000"),
        line("RANDOMKEY"),
        line("DBSIZE"),
        line("SWAPDB 1 2"),
        line("DEBUG DIGEST"),
        line("BLPOP nothing 0.001"),
        over(MANY, "BLPOP", "nothing", &[], &["0.001"]),
        line("BLMOVE nothing elsewhere LEFT RIGHT 0.001"),
        line("PUBLISH channel message"),
    ]
}

/// Each command alone, in a transaction, and in one that watches few or many keys.
fn scripts() -> Vec<Vec<Line>> {
    let watches = [vec![], vec![line("WATCH own")], vec![over(MANY, "WATCH", "own", &[], &[])]];
    let mut scripts = Vec::new();
    for command in commands() {
        for watch in &watches {
            let mut script = watch.clone();
            script.extend([line("MULTI"), command.clone(), line("EXEC")]);
            scripts.push(script);
        }
        scripts.push(vec![command]);
    }
    scripts
}

#[track_caller]
fn run(client: &mut Connection, script: &[Line]) {
    for words in script {
        let shown = &words[..words.len().min(4)];
        let reply = client.call(words).unwrap_or_else(|failure| panic!("{shown:?}: {failure}"));
        assert!(!matches!(reply, Reply::Error(_)), "{shown:?}: {}", reply.to_text());
        if words[0] == "EXEC" {
            assert!(matches!(&reply, Reply::Array(all) if all.len() == 1), "{}", reply.to_text());
        }
    }
}

/// A node with two workers that are kept busy by slow commands while `act` runs.
fn beside_busy_workers(act: impl FnOnce(&TestNode)) {
    let node = TestNode::start(Profile::Redis70, "enable-debug-command yes\n");
    let mut client = node.connect();
    run(&mut client, &[over(2000, "RPUSH list", "element", &[], &[])]);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..BUSY {
            let mut client = node.connect();
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    client.send_raw("LPOS list nothing\r\n".repeat(20).as_bytes()).expect("sent");
                    (0..20).for_each(|_| _ = client.receive().expect("a reply"));
                }
            });
        }
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| act(&node)));
        stop.store(true, Ordering::Relaxed);
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
}

fn run_all(node: &TestNode) {
    thread::scope(|scope| {
        for _ in 0..RUNNERS {
            let mut client = node.connect();
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    scripts().iter().for_each(|script| run(&mut client, script));
                }
            });
        }
    });
}

#[test]
fn every_need_is_met_beside_busy_workers() {
    beside_busy_workers(run_all);
}

#[test]
fn every_need_is_met_while_a_snapshot_is_taken() {
    beside_busy_workers(|node| {
        let mut client = node.connect();
        run(&mut client, &[line("DEBUG POPULATE 3000"), line("CONFIG SET rdb-key-save-delay 100000")]);
        run(&mut client, &[line("BGSAVE")]);
        run_all(node);
        assert_eq!(field(&mut client, "persistence", "rdb_bgsave_in_progress"), "1", "it was all the time");
        run(&mut client, &[line("CONFIG SET rdb-key-save-delay 0")]);
    });
}

#[test]
fn every_need_is_met_while_the_role_changes() {
    beside_busy_workers(|node| {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let mut client = node.connect();
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    run(&mut client, &[line("REPLICAOF 127.0.0.1 1"), line("REPLICAOF NO ONE")]);
                }
            });
            let readers: Vec<_> = (0..RUNNERS)
                .map(|_| {
                    let mut client = node.connect();
                    scope.spawn(move || {
                        for _ in 0..ROUNDS * 10 {
                            let many = over(MANY, "MGET", "many", &[], &[]);
                            run(&mut client, &[many.clone(), line("KEYS *"), line("DEBUG DIGEST")]);
                            run(&mut client, &[line("MULTI"), many, line("EXEC")]);
                        }
                    })
                })
                .collect();
            let ends: Vec<_> = readers.into_iter().map(thread::ScopedJoinHandle::join).collect();
            stop.store(true, Ordering::Relaxed);
            assert!(ends.iter().all(Result::is_ok));
        });
    });
}

/// Who closed the gate and dies, or is killed, leaves it open.
#[test]
fn whoever_dies_waiting_for_the_world_holds_up_nobody() {
    beside_busy_workers(|node| {
        let wanting = [
            over(MANY, "MGET", "many", &[], &[]),
            over(MANY, "BLPOP", "nothing", &[], &["0"]),
            line("SWAPDB 1 2"),
            line("KEYS *"),
        ];
        let mut survivor = node.connect();
        for words in wanting.iter().cycle().take(60) {
            let mut dying = node.connect();
            dying.send(words).expect("sent");
            drop(dying);
            let mut killed = node.connect();
            let Reply::Integer(id) = ask(&mut killed, "CLIENT ID") else { panic!("a number") };
            killed.send(words).expect("sent");
            run(&mut survivor, &[line(&format!("CLIENT KILL ID {id}")), line("INCR a")]);
            run(&mut survivor, &[over(MANY, "DEL", "many", &[], &[])]);
        }
    });
}
