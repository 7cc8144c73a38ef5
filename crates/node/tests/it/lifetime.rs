//! What goes when its time is up, and what a snapshot keeps.

use crate::{TestNode, ask};
use conformance::connection::Connection;
use conformance::reply::Reply;
use profile::Profile;
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a loaded machine; reached only by a test that fails.
const LONG: Duration = Duration::from_secs(60);

fn number(connection: &mut Connection, field: &str) -> u64 {
    let reply = ask(connection, "INFO all");
    let text = String::from_utf8_lossy(reply.text().expect("INFO is text")).into_owned();
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.and_then(|value| value.parse().ok()).expect("a number")
}

#[test]
fn many_keys_expire_soon_and_each_is_told_of() {
    let node = TestNode::start(Profile::Redis70, "notify-keyspace-events Ex\nenable-debug-command yes\n");
    let (mut client, mut listener) = (node.connect(), node.connect());
    ask(&mut listener, "SUBSCRIBE __keyevent@0__:expired");
    let count = 20_000;
    // They stay beyond their time until it is looked for.
    assert!(!ask(&mut client, "DEBUG SET-ACTIVE-EXPIRE 0").is_error());
    for n in 0..count {
        client.send(&["SET", &format!("key:{n}"), "v", "PX", "1"]).expect("sent");
        if n % 1000 == 999 {
            (0..1000).for_each(|_| assert!(!client.receive().expect("a reply").is_error()));
        }
    }
    assert!(!ask(&mut client, "DEBUG SET-ACTIVE-EXPIRE 1").is_error());
    let began = Instant::now();
    for _ in 0..count {
        listener.receive_within(LONG).expect("an event").expect("in time");
    }
    assert!(began.elapsed() < LONG);
    assert_eq!(ask(&mut client, "DBSIZE"), Reply::Integer(0));
    assert_eq!(number(&mut client, "expired_keys"), count);
}

#[test]
fn what_was_answered_during_shutdown_is_in_the_file() {
    let mut node = TestNode::start(Profile::Redis70, "");
    let mut ending = node.connect();
    assert_eq!(ask(&mut ending, "INCR n"), Reply::Integer(1));
    let mut writers: Vec<Connection> = (0..2).map(|_| node.connect()).collect();
    let last = thread::scope(|scope| {
        let counting = writers.iter_mut().map(|client| {
            scope.spawn(move || {
                let mut last = 0;
                while let Ok(Reply::Integer(n)) = client.call(&["INCR", "n"]) {
                    last = n;
                }
                last
            })
        });
        let counting: Vec<_> = counting.collect();
        ending.send(&["SHUTDOWN", "SAVE"]).expect("sent");
        node.node.wait();
        node.node.end();
        counting.into_iter().map(|thread| thread.join().expect("a writer")).max()
    });
    let again = TestNode::start(Profile::Redis70, &format!("dir {}\n", node.dir.display()));
    let Some(kept) = ask(&mut again.connect(), "GET n").text().map(<[u8]>::to_vec) else {
        panic!("nothing is kept")
    };
    let kept: i64 = String::from_utf8_lossy(&kept).parse().expect("a number");
    assert!(Some(kept) >= last, "{kept} is kept, {last:?} was answered");
}

#[test]
fn a_snapshot_under_writes_is_of_one_instant() {
    let node = TestNode::start(Profile::Redis70, "");
    let (mut client, mut other) = (node.connect(), node.connect());
    // Always equal, in slots far apart.
    let write = |client: &mut Connection, n: i64| {
        let n = n.to_string();
        client.call(&["MSET", "a", &n, "b", &n, "c", &n, "d", &n]).expect("a reply")
    };
    for n in 0..2000 {
        ask(&mut client, &format!("SET filler:{n} {n}"));
    }
    write(&mut client, 0);
    let before = ask(&mut client, "LASTSAVE");
    assert!(!ask(&mut other, "BGSAVE").is_error());
    let began = Instant::now();
    let mut n = 0;
    while n % 50 != 0 || number(&mut other, "rdb_bgsave_in_progress") == 1 || n == 0 {
        n += 1;
        write(&mut client, n);
        assert!(began.elapsed() < LONG);
    }
    assert!(ask(&mut client, "LASTSAVE") >= before);
    let again = TestNode::start(Profile::Redis70, &format!("dir {}\n", node.dir.display()));
    let reply = ask(&mut again.connect(), "MGET a b c d");
    let values = reply.elements().expect("four values");
    assert!(values.iter().all(|value| *value == values[0] && value.text().is_some()), "{values:?}");
    assert_eq!(ask(&mut again.connect(), "DBSIZE"), Reply::Integer(2004));
}

#[test]
fn flushall_ends_a_save_that_is_on_its_way() {
    let node = TestNode::start(Profile::Redis70, "rdb-key-save-delay 2000000000\nenable-debug-command yes\n");
    let mut client = node.connect();
    assert_eq!(ask(&mut client, "DEBUG POPULATE 10 k 100"), Reply::Simple(b"OK".to_vec()));
    assert_eq!(ask(&mut client, "STRLEN k:9"), Reply::Integer(100));
    assert_eq!(ask(&mut client, "DEBUG POPULATE 20 k"), Reply::Simple(b"OK".to_vec()));
    assert_eq!(
        ask(&mut client, "MGET k:9 k:19").elements().map(|both| both[1].clone()),
        Some(Reply::bulk("value:19"))
    );
    ask(&mut client, "SET a 1");
    assert!(!ask(&mut client, "BGSAVE").is_error());
    let began = Instant::now();
    // The first key is written, and the next a long time later.
    while number(&mut client, "current_save_keys_processed") == 0 {
        assert!(began.elapsed() < LONG);
    }
    assert_eq!(number(&mut client, "current_save_keys_total"), 21);
    assert!(!ask(&mut client, "FLUSHALL").is_error());
    while number(&mut client, "rdb_bgsave_in_progress") == 1 {
        assert!(began.elapsed() < LONG);
    }
    assert!(number(&mut client, "rdb_changes_since_last_save") > 1, "nothing was saved");
    assert!(!node.dir.join("dump.rdb").exists());
}

#[test]
fn the_only_key_that_expires_wakes_who_looks_for_it() {
    let node = TestNode::start(Profile::Redis70, "notify-keyspace-events Ex\n");
    let (mut client, mut listener) = (node.connect(), node.connect());
    ask(&mut listener, "SUBSCRIBE __keyevent@0__:expired");
    for _ in 0..3 {
        // The thread that looks for such keys sleeps for an hour while there are none, unless somebody wakes it.
        assert!(!ask(&mut client, "SET k v PX 1").is_error());
        listener.receive_within(LONG).expect("an event").expect("in time");
    }
}
