//! What leaves on a connection: in which order, and how much of it may wait.

use crate::large_values::IdleReplica;
use crate::replication::node;
use crate::{TestNode, ask};
use conformance::reply::Reply;
use profile::Profile;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

/// Sends lines, and waits for the reply to a last one.
fn exchange(stream: &mut UnixStream, lines: &str) -> String {
    stream.write_all(format!("{lines}PING end\r\n").as_bytes()).expect("sent");
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    while !received.ends_with(b"$3\r\nend\r\n") {
        let n = stream.read(&mut buffer).expect("it goes on");
        assert_ne!(n, 0, "the connection stays");
        received.extend_from_slice(&buffer[..n]);
    }
    received.truncate(received.len() - b"$3\r\nend\r\n".len());
    String::from_utf8(received).expect("text").replace("\r\n", " ")
}

/// As redis-server 7.0.15 and valkey-server 9.1.2 were seen to do.
#[test]
fn messages_to_oneself_come_behind_the_reply_since_7_2() {
    let (hi, a, b) = (">3 $7 message $2 ch $2 hi ", ">3 $7 message $2 ch $1 a ", ">3 $7 message $2 ch $1 b ");
    let queued = "+OK +QUEUED +QUEUED +QUEUED +QUEUED *4 ";
    let exec = "MULTI\r\nPUBLISH ch a\r\nSET k 1\r\nPUBLISH ch b\r\nUNSUBSCRIBE ch\r\nEXEC\r\n";
    let gone = ">3 $11 unsubscribe $2 ch :0 ";
    for (profile, alone, together) in [
        (Profile::Redis70, format!("{hi}:1 "), format!("{queued}{a}:1 +OK {b}:1 {gone}")),
        (Profile::Valkey80, format!(":1 {hi}"), format!("{queued}:1 +OK :1 {gone}{a}{b}")),
    ] {
        let node = TestNode::start(profile, "");
        let mut stream = UnixStream::connect(node.dir.join("s")).expect("the node listens");
        exchange(&mut stream, "HELLO 3\r\nSUBSCRIBE ch\r\n");
        assert_eq!(exchange(&mut stream, "PUBLISH ch hi\r\n"), alone, "{profile}");
        assert_eq!(exchange(&mut stream, exec), together, "{profile}");
    }
    // Events are messages too, and what others publish comes where it comes.
    let node = TestNode::start(Profile::Valkey80, "notify-keyspace-events E$\n");
    let mut stream = UnixStream::connect(node.dir.join("s")).expect("the node listens");
    exchange(&mut stream, "HELLO 3\r\nSUBSCRIBE __keyevent@0__:set ch\r\n");
    assert_eq!(
        exchange(&mut stream, "MULTI\r\nSET k 1\r\nPUBLISH ch a\r\nGET k\r\nEXEC\r\n"),
        format!("+OK +QUEUED +QUEUED +QUEUED *3 +OK :1 $1 1 {a}>3 $7 message $18 __keyevent@0__:set $1 k "),
    );
}

#[test]
fn publishers_wait_for_a_busy_worker() {
    const MESSAGES: usize = 40;
    let node = TestNode::start(
        Profile::Valkey80,
        "enable-debug-command yes\nclient-output-buffer-limit pubsub 0 0 0\n",
    );
    // Connections are dealt in turn: the first and the third have the same worker.
    let (mut listener, mut publisher, mut busy) = (node.connect(), node.connect(), node.connect());
    ask(&mut listener, "SUBSCRIBE ch");
    busy.send(&["DEBUG", "SLEEP", "1"]).expect("sent");
    let payload = vec![b'x'; 1 << 20];
    let publishing = std::thread::spawn(move || {
        // The reply to one shows that it was taken.
        (0..MESSAGES).map(|_| publisher.call(&[&b"PUBLISH"[..], b"ch", &payload]).expect("a reply")).count()
    });
    // Meanwhile other commands of the publisher's worker run, and the messages that wait are bounded.
    let mut other = node.connect();
    let published = |other: &mut conformance::connection::Connection| -> usize {
        let info = ask(other, "INFO commandstats").to_text();
        let line =
            info.lines().find(|line| line.starts_with("cmdstat_publish:")).unwrap_or_default().to_owned();
        let calls = line.split(['=', ',']).nth(1).unwrap_or("0");
        calls.parse().expect("a number")
    };
    let mut most = 0;
    while busy.receive_within(std::time::Duration::from_millis(10)).expect("no failure").is_none() {
        most = most.max(published(&mut other));
    }
    // Those of the last look may have been let go by the worker that had just woken.
    assert!(most < MESSAGES, "{most} messages of a megabyte wait for a worker");
    assert_eq!(publishing.join().expect("no panic"), MESSAGES);
    for _ in 0..MESSAGES {
        listener.receive().expect("a message");
    }
}

#[test]
fn who_was_served_while_it_waited_waits_for_that_write() {
    let (primary, port) = node("");
    let (mut pusher, mut waiting) = (primary.connect(), primary.connect());
    ask(&mut pusher, "SET first 1");
    let replica = IdleReplica::attach(port);
    // It says that it has its snapshot, and nothing any more.
    let reader = std::thread::spawn(move || replica.read_until(b"dst"));
    waiting.send(&["BLMOVE", "src", "dst", "LEFT", "RIGHT", "0"]).expect("sent");
    while !ask(&mut pusher, "INFO clients").to_text().contains("blocked_clients:1") {}
    ask(&mut pusher, "RPUSH src x");
    assert_eq!(waiting.receive().expect("an element").to_text(), "x");
    reader.join().expect("no panic");
    assert_eq!(ask(&mut waiting, "WAIT 1 50"), Reply::Integer(0));
}

/// As redis-server 7.0.15 and valkey-server 9.1.2 were seen to do.
#[test]
fn clients_that_want_no_replies_get_messages_and_notices_alone() {
    for profile in [Profile::Redis70, Profile::Valkey80] {
        let node = TestNode::start(profile, "");
        let check = |lines: &str, expected: &str| {
            let mut stream = UnixStream::connect(node.dir.join("s")).expect("the node listens");
            exchange(&mut stream, "HELLO 3\r\n");
            let on = "CLIENT REPLY ON\r\n";
            assert_eq!(
                exchange(&mut stream, &format!("{lines}{on}")),
                format!("{expected}+OK "),
                "{profile}: {lines}"
            );
        };
        let notice = ">3 $9 subscribe $1 a :1 ";
        let message = ">3 $7 message $1 a $1 m ";
        check("CLIENT REPLY OFF\r\nSUBSCRIBE a\r\n", notice);
        check("CLIENT REPLY OFF\r\nSUBSCRIBE\r\nNO SUCH\r\n", "");
        check("CLIENT REPLY OFF\r\nMULTI\r\nSUBSCRIBE a\r\nSET k v\r\nEXEC\r\n", notice);
        check("SUBSCRIBE a\r\nCLIENT REPLY OFF\r\nPUBLISH a m\r\n", &format!("{notice}{message}"));
        check(
            "SUBSCRIBE a\r\nCLIENT REPLY SKIP\r\nPUBLISH a m\r\nSET k v\r\n",
            &format!("{notice}{message}+OK "),
        );
        check("CLIENT REPLY SKIP\r\nSET k v\r\n", "");
        // In the midst of a transaction it holds from there on.
        check(
            "MULTI\r\nSET k v\r\nCLIENT REPLY OFF\r\nSET k v\r\nEXEC\r\n",
            "+OK +QUEUED +QUEUED +QUEUED *3 +OK ",
        );
        check("CLIENT REPLY OFF\r\nHRANDFIELD none -1500000\r\nKEYS *\r\n", "");
    }
}
