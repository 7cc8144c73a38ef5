//! What a connection may count on whatever else goes on: its own order, its own pace, its limits.
//!
//! Every test runs on both event loops. With two workers and connections dealt in turn, the first and the second connection
//! of a test belong to different workers, the first and the third to the same.

use crate::{TestNode, ask};
use conformance::connection::{Connection, Failure};
use conformance::reply::Reply;
use profile::Profile;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a loaded machine; reached only by a test that fails.
const LONG: Duration = Duration::from_secs(60);

fn on_both(more: &str, test: impl Fn(&TestNode)) {
    for backend in ["epoll", "auto"] {
        test(&TestNode::start(Profile::Valkey80, &format!("io-backend {backend}\n{more}")));
    }
}

fn raw(node: &TestNode) -> UnixStream {
    let stream = UnixStream::connect(node.dir.join("s")).expect("the node listens");
    stream.set_read_timeout(Some(LONG)).expect("a timeout");
    stream
}

fn ok() -> Reply {
    Reply::Simple(b"OK".to_vec())
}

/// Everything that comes until the node closes the connection.
fn rest(mut stream: UnixStream) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("the node closes");
    all
}

/// Waits until a field of INFO has a value.
#[track_caller]
fn until(connection: &mut Connection, field: &str, reached: impl Fn(u64) -> bool) {
    let began = Instant::now();
    loop {
        let reply = ask(connection, "INFO all");
        let text = String::from_utf8_lossy(reply.text().expect("INFO is text")).into_owned();
        let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let value = value.and_then(|value| value.parse().ok()).expect("a number");
        if reached(value) {
            return;
        }
        assert!(began.elapsed() < LONG, "{field} stays {value}");
    }
}

fn is_closed(connection: &mut Connection) -> bool {
    matches!(connection.receive_within(LONG), Err(Failure::Closed(_)))
}

#[test]
fn what_was_sent_before_hanging_up_is_executed_and_answered() {
    on_both("", |node| {
        for count in [1, 511, 5000] {
            let mut stream = raw(node);
            let mut requests = "INCR n\r\n".repeat(count - 1);
            requests.push_str("GETDEL n\r\n");
            stream.write_all(requests.as_bytes()).expect("sent");
            stream.shutdown(Shutdown::Write).expect("half closed");
            let replies = String::from_utf8(rest(stream)).expect("text");
            let last = if count == 1 { "$-1".to_owned() } else { (count - 1).to_string() };
            assert_eq!(replies.lines().last(), Some(last.as_str()), "{count}");
        }
    });
}

#[test]
fn a_request_may_arrive_in_any_pieces() {
    on_both("", |node| {
        let mut text = Vec::new();
        let mut expected = Vec::new();
        for n in 0..300 {
            let value = vec![b'a' + (n % 26) as u8; n * 7 % 900];
            text.extend_from_slice(format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n", value.len()).as_bytes());
            text.extend_from_slice(&value);
            text.extend_from_slice(b"\r\nGET k\r\n\r\n");
            expected.extend_from_slice(format!("+OK\r\n${}\r\n", value.len()).as_bytes());
            expected.extend_from_slice(&value);
            expected.extend_from_slice(b"\r\n");
        }
        for piece in [1, 2, 3, 7, 64, 1000, 70_000] {
            let stream = raw(node);
            let mut sending = stream.try_clone().expect("a handle");
            thread::scope(|scope| {
                let text = if piece == 1 { &text[..4000] } else { &text };
                scope.spawn(move || {
                    text.chunks(piece).for_each(|chunk| sending.write_all(chunk).expect("sent"));
                    sending.shutdown(Shutdown::Write).expect("half closed");
                });
                let got = rest(stream);
                assert!(expected.starts_with(&got) && !got.is_empty(), "pieces of {piece}");
                assert!(piece == 1 || got.len() == expected.len(), "pieces of {piece}");
            });
        }
    });
}

#[test]
fn a_large_value_passes_and_a_long_pipeline_takes_linear_time() {
    on_both("", |node| {
        let mut client = node.connect();
        let value = vec![b'v'; 100 << 20];
        assert_eq!(client.call(&[&b"SET"[..], b"big", &value]).expect("a reply"), ok());
        assert_eq!(ask(&mut client, "STRLEN big"), Reply::Integer(100 << 20));
        assert!(client.call(&["GET", "big"]).expect("a reply").text() == Some(&value[..]));
        let stream = raw(node);
        let mut sending = stream.try_clone().expect("a handle");
        thread::scope(|scope| {
            scope.spawn(move || {
                let requests = "ECHO abcdefghijklmnopqrstuvwxyz\r\n".repeat(200_000);
                sending.write_all(requests.as_bytes()).expect("sent");
                sending.shutdown(Shutdown::Write).expect("half closed");
            });
            assert_eq!(rest(stream).len(), 200_000 * 33);
        });
    });
}

#[test]
fn others_go_on_while_a_slot_is_held() {
    on_both("", |node| {
        let mut clients: Vec<Connection> = (0..4).map(|_| node.connect()).collect();
        let text = "ab".repeat(1000);
        for key in ["{held}1", "{held}2"] {
            assert_eq!(ask(&mut clients[0], &format!("SET {key} {text}")), ok());
        }
        // The read may come first, and on a busy machine this thread may sleep through a short transaction: then another try,
        // with more commands.
        let served = [60, 60, 60, 240, 240, 240, 960, 960, 960, 3840, 3840].into_iter().any(|count| {
            ask(&mut clients[0], "MULTI");
            for _ in 0..count {
                ask(&mut clients[0], "LCS {held}1 {held}2 LEN");
            }
            // The fourth is of the second's worker.
            clients[0].send(&["EXEC"]).expect("sent");
            // Whether the transaction has begun or not: this read comes before it or after it.
            clients[3].send(&["STRLEN", "{held}1"]).expect("sent");
            let mut rounds = 0;
            while clients[3].receive_within(Duration::from_micros(1)).expect("no failure").is_none() {
                assert_eq!(ask(&mut clients[1], "PING"), Reply::Simple(b"PONG".to_vec()));
                assert_eq!(ask(&mut clients[1], "GET free"), Reply::NullBulk);
                rounds += 1;
            }
            assert_eq!(clients[0].receive().expect("a reply").elements().map(<[Reply]>::len), Some(count));
            // One could have been answered before the transaction, and one after it.
            rounds > 2
        });
        assert!(served, "nobody is answered while a slot is held");
    });
}

#[test]
fn others_go_on_while_the_world_is_closed() {
    on_both("enable-debug-command yes\n", |node| {
        let mut clients: Vec<Connection> = (0..4).map(|_| node.connect()).collect();
        // As above: a longer sleep where this thread slept through a short one.
        let served = ["1", "4", "16"].into_iter().any(|seconds| {
            for line in ["MULTI", "SET a 1", &format!("DEBUG SLEEP {seconds}")] {
                ask(&mut clients[0], line);
            }
            clients[0].send(&["EXEC"]).expect("sent");
            // Beside the sleeping worker PING answers, and a read waits for the end.
            let mut answered = 0;
            loop {
                assert_eq!(ask(&mut clients[1], "PING"), Reply::Simple(b"PONG".to_vec()));
                answered += 1;
                if clients[0].receive_within(Duration::from_millis(1)).expect("no failure").is_some() {
                    break;
                }
            }
            // One could have been answered before the sleep, and one after it.
            answered > 2
        });
        assert!(served, "nobody is answered while the world is closed");
        assert_eq!(ask(&mut clients[3], "GET a").text(), Some(&b"1"[..]));
    });
}

#[test]
fn pushes_of_two_workers_serve_every_waiter_once() {
    on_both("", |node| {
        let mut asking = node.connect();
        let mut waiting: Vec<Connection> = (0..8).map(|_| node.connect()).collect();
        for client in &mut waiting {
            client.send(&["BLPOP", "{a}x", "y", "z", "0"]).expect("sent");
        }
        until(&mut asking, "blocked_clients", |blocked| blocked == 8);
        let mut pushing: Vec<Connection> = (0..2).map(|_| node.connect()).collect();
        thread::scope(|scope| {
            for (n, client) in pushing.iter_mut().enumerate() {
                scope.spawn(move || {
                    for line in ["MULTI", "RPUSH y 1 2", "RPUSH {a}x 3 4", "EXEC"] {
                        assert!(!ask(client, line).is_error(), "{n}");
                    }
                });
            }
        });
        let mut got: Vec<Vec<u8>> = Vec::new();
        for client in &mut waiting {
            let reply = client.receive_within(LONG).expect("a reply").expect("in time");
            let pair = reply.elements().expect("a key and an element").to_vec();
            got.push(pair[1].text().expect("text").to_vec());
        }
        got.sort();
        assert_eq!(got, [b"1", b"1", b"2", b"2", b"3", b"3", b"4", b"4"]);
        assert_eq!(ask(&mut asking, "EXISTS y {a}x"), Reply::Integer(0));
    });
}

#[test]
fn an_element_goes_down_a_chain_of_waiters() {
    on_both("", |node| {
        let mut asking = node.connect();
        let mut chain: Vec<Connection> = (0..6).map(|_| node.connect()).collect();
        for (n, client) in chain.iter_mut().enumerate().rev() {
            let (from, to) = (format!("l{n}"), format!("l{}", n + 1));
            client.send(&["BLMOVE", &from, &to, "LEFT", "RIGHT", "0"]).expect("sent");
        }
        until(&mut asking, "blocked_clients", |blocked| blocked == 6);
        for round in 0..2 {
            assert_eq!(ask(&mut asking, "RPUSH l0 x"), Reply::Integer(1));
            if round == 0 {
                for client in &mut chain {
                    let moved = client.receive_within(LONG).expect("a reply").expect("in time");
                    assert_eq!(moved, Reply::bulk("x"));
                }
                assert_eq!(
                    ask(&mut asking, "LRANGE l6 0 -1").lines(),
                    Reply::Array(vec![Reply::bulk("x")]).lines()
                );
            }
        }
        assert_eq!(ask(&mut asking, "LLEN l0"), Reply::Integer(1));
    });
}

#[test]
fn waits_end_by_time_and_by_leaving() {
    on_both("", |node| {
        let mut asking = node.connect();
        let mut waiting: Vec<Connection> = (0..2).map(|_| node.connect()).collect();
        for client in &mut waiting {
            client.send(&["BLPOP", "k", "0.02"]).expect("sent");
            client.send(&["BLMOVE", "k", "other", "LEFT", "LEFT", "0.02"]).expect("sent");
            client.send(&["PING"]).expect("sent");
        }
        for client in &mut waiting {
            assert_eq!(client.receive().expect("a reply"), Reply::NullArray);
            assert_eq!(client.receive().expect("a reply"), Reply::NullArray);
            assert_eq!(client.receive().expect("a reply"), Reply::Simple(b"PONG".to_vec()));
            client.send(&["BLPOP", "k", "0"]).expect("sent");
        }
        until(&mut asking, "blocked_clients", |blocked| blocked == 2);
        waiting.clear();
        until(&mut asking, "blocked_clients", |blocked| blocked == 0);
        assert_eq!(ask(&mut asking, "RPUSH k x"), Reply::Integer(1));
        assert_eq!(ask(&mut asking, "LLEN k"), Reply::Integer(1));
    });
}

#[test]
fn a_transaction_depends_on_what_it_watches() {
    on_both("", |node| {
        let (mut one, mut other) = (node.connect(), node.connect());
        for (line, spoils) in
            [("SET other 1", false), ("SET k 1", true), ("PEXPIRE k 1", true), ("RENAME k j", true)]
        {
            ask(&mut one, "SET k 0");
            ask(&mut one, "WATCH k");
            assert!(!ask(&mut other, line).is_error());
            ask(&mut one, "MULTI");
            ask(&mut one, "INCR done");
            assert_eq!(ask(&mut one, "EXEC") == Reply::NullArray, spoils, "{line}");
        }
        // A key whose time comes between WATCH and EXEC has changed.
        for lives_ms in (0..).map(|attempt| 10 << attempt) {
            ask(&mut one, "UNWATCH");
            ask(&mut one, &format!("SET k 0 PX {lives_ms}"));
            ask(&mut one, "WATCH k");
            if ask(&mut other, "EXISTS k") == Reply::Integer(1) {
                break;
            }
        }
        while ask(&mut other, "EXISTS k") != Reply::Integer(0) {}
        ask(&mut one, "MULTI");
        assert_eq!(ask(&mut one, "EXEC"), Reply::NullArray);
    });
}

#[test]
fn a_message_is_there_before_what_its_publisher_causes() {
    on_both("", |node| {
        let mut publisher = node.connect();
        let mut listening: Vec<Connection> = (0..2).map(|_| node.connect()).collect();
        for client in &mut listening {
            assert!(!ask(client, "HELLO 3").is_error());
            ask(client, "SUBSCRIBE c");
        }
        for n in 0..200 {
            assert_eq!(ask(&mut publisher, &format!("PUBLISH c {n}")), Reply::Integer(2));
            for client in &mut listening {
                client.send(&["PING"]).expect("sent");
                let pushed = client.receive().expect("a message");
                assert_eq!(pushed.elements().expect("a push")[2], Reply::bulk(n.to_string()));
                assert_eq!(client.receive().expect("a reply"), Reply::Simple(b"PONG".to_vec()));
            }
        }
    });
}

#[test]
fn all_listeners_see_the_messages_of_a_channel_in_one_order() {
    on_both("", |node| {
        let mut listening: Vec<Connection> = (0..4).map(|_| node.connect()).collect();
        listening.iter_mut().for_each(|client| drop(ask(client, "SUBSCRIBE c")));
        let mut publishing: Vec<Connection> = (0..4).map(|_| node.connect()).collect();
        let each = 300;
        thread::scope(|scope| {
            for (who, client) in publishing.iter_mut().enumerate() {
                scope.spawn(move || {
                    for n in 0..each {
                        client.send(&["PUBLISH", "c", &format!("{who}-{n}")]).expect("sent");
                    }
                    (0..each).for_each(|_| assert_eq!(client.receive().expect("a reply"), Reply::Integer(4)));
                });
            }
        });
        let mut orders = listening.iter_mut().map(|client| -> Vec<Reply> {
            (0..each * 4).map(|_| client.receive_within(LONG).expect("a message").expect("in time")).collect()
        });
        let first = orders.next().expect("four");
        assert!(orders.all(|order| order == first), "every listener's order is the first's");
    });
}

#[test]
fn one_who_does_not_read_is_cut_off() {
    on_both("client-output-buffer-limit pubsub 1mb 0 0\n", |node| {
        let (mut deaf, mut publisher) = (node.connect(), node.connect());
        ask(&mut deaf, "SUBSCRIBE c");
        let payload = "x".repeat(100_000);
        let began = Instant::now();
        while ask(&mut publisher, &format!("PUBLISH c {payload}")) == Reply::Integer(1) {
            assert!(began.elapsed() < LONG);
        }
        until(&mut publisher, "client_output_buffer_limit_disconnections", |count| count == 1);
    });
}

#[test]
fn a_burst_is_offered_to_the_kernel_before_anybody_is_cut_off() {
    on_both("workers 1\nclient-output-buffer-limit pubsub 1mb 0 0\n", |node| {
        let (mut slow, mut publisher) = (node.connect(), node.connect());
        ask(&mut slow, "SUBSCRIBE c");
        // In one turn a little more than the limit: less than the limit once the socket has its part.
        let payload = "x".repeat((1 << 20) / 10 + 1000);
        ask(&mut publisher, "MULTI");
        for _ in 0..10 {
            ask(&mut publisher, &format!("PUBLISH c {payload}"));
        }
        assert!(!ask(&mut publisher, "EXEC").is_error());
        // By now its worker has looked at it several times.
        for _ in 0..10 {
            ask(&mut publisher, "PING");
        }
        for _ in 0..10 {
            let message = slow.receive_within(LONG).expect("a message").expect("in time");
            assert_eq!(message.elements().map(|elements| elements[2].text()), Some(Some(payload.as_bytes())));
        }
        assert_eq!(ask(&mut publisher, "PUBLISH c x"), Reply::Integer(1));
    });
}

#[test]
fn one_who_is_behind_for_too_long_is_cut_off() {
    on_both("client-output-buffer-limit pubsub 0 1mb 1\n", |node| {
        let (mut deaf, mut publisher) = (node.connect(), node.connect());
        ask(&mut deaf, "SUBSCRIBE c");
        // More than the limit and what the socket takes; without a hard limit that is no reason by itself.
        let payload = "x".repeat(100_000);
        for _ in 0..40 {
            ask(&mut publisher, &format!("PUBLISH c {payload}"));
        }
        until(&mut publisher, "client_output_buffer_limit_disconnections", |count| count == 1);
        // It is counted when it is scheduled to be closed, and gone soon after.
        let began = Instant::now();
        while ask(&mut publisher, "PUBLISH c x") != Reply::Integer(0) {
            assert!(began.elapsed() < LONG, "it still listens");
        }
    });
}

#[test]
fn one_who_catches_up_in_time_is_not_cut_off() {
    on_both("client-output-buffer-limit pubsub 0 1mb 3600\n", |node| {
        let (mut slow, mut publisher) = (node.connect(), node.connect());
        ask(&mut slow, "SUBSCRIBE c");
        let payload = "x".repeat(100_000);
        for _ in 0..40 {
            assert_eq!(ask(&mut publisher, &format!("PUBLISH c {payload}")), Reply::Integer(1));
        }
        for _ in 0..40 {
            let message = slow.receive_within(LONG).expect("a message").expect("in time");
            assert_eq!(message.elements().map(|elements| elements[2].text()), Some(Some(payload.as_bytes())));
        }
        assert_eq!(ask(&mut publisher, "PUBLISH c x"), Reply::Integer(1));
    });
}

#[test]
fn one_who_sends_a_request_without_end_is_cut_off() {
    on_both("client-query-buffer-limit 1mb\n", |node| {
        let mut stream = raw(node);
        let begun = b"*2\r\n$4\r\nECHO\r\n$3000000\r\n".to_vec();
        // The node may close before all is sent.
        let _ = stream.write_all(&[begun, vec![b'x'; 2_000_000]].concat());
        let mut end = [0; 1];
        assert!(matches!(stream.read(&mut end), Ok(0) | Err(_)));
        let mut other = node.connect();
        assert_eq!(ask(&mut other, "PING"), Reply::Simple(b"PONG".to_vec()));
        until(&mut other, "client_query_buffer_limit_disconnections", |count| count == 1);
    });
}

/// The kernel's list of TCP sockets says of each which timer it runs: 2 is that of keep-alive.
#[cfg(target_os = "linux")]
#[test]
fn connections_over_tcp_are_kept_alive_as_configured() {
    let timer = |ours: std::net::SocketAddr, theirs: std::net::SocketAddr| -> Option<String> {
        let hex = |address: std::net::SocketAddr| format!(":{:04X}", address.port());
        let sockets = std::fs::read_to_string("/proc/net/tcp").expect("Linux tells");
        let mut lines = sockets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let socket =
            lines.find(|words| words[1].ends_with(&hex(ours)) && words[2].ends_with(&hex(theirs)))?;
        socket[5].split(':').next().map(str::to_owned)
    };
    for backend in ["epoll", "auto"] {
        let node = TestNode::start(Profile::Redis70, &format!("io-backend {backend}\nport 0\n"));
        let mut admin = node.connect();
        let port =
            std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it").port();
        assert_eq!(ask(&mut admin, "CONFIG SET bind 127.0.0.1"), ok());
        assert_eq!(ask(&mut admin, &format!("CONFIG SET port {port}")), ok());
        for (seconds, expected) in [("0", "00"), ("300", "02")] {
            assert_eq!(ask(&mut admin, &format!("CONFIG SET tcp-keepalive {seconds}")), ok());
            // Every worker has the setting once it has answered after it.
            (0..2).for_each(|_| drop(ask(&mut node.connect(), "PING")));
            let mut client = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
            client.write_all(b"PING\r\n").expect("sent");
            client.read_exact(&mut [0; 7]).expect("an answer");
            let (ours, theirs) = (client.peer_addr().expect("it"), client.local_addr().expect("it"));
            // The timer of an answer that is not acknowledged yet comes first.
            let began = Instant::now();
            while timer(ours, theirs).as_deref() != Some(expected) {
                assert!(began.elapsed() < LONG, "{:?} with tcp-keepalive {seconds}", timer(ours, theirs));
            }
        }
    }
}

#[test]
fn one_too_many_is_told() {
    on_both("maxclients 3\n", |node| {
        let mut inside: Vec<Connection> = (0..3).map(|_| node.connect()).collect();
        inside.iter_mut().for_each(|client| drop(ask(client, "PING")));
        let refused = rest(raw(node));
        assert_eq!(refused, b"-ERR max number of clients reached\r\n");
        until(&mut inside[0], "rejected_connections", |count| count == 1);
        drop(inside.pop());
        until(&mut inside[0], "connected_clients", |count| count == 2);
        assert_eq!(ask(&mut node.connect(), "PING"), Reply::Simple(b"PONG".to_vec()));
    });
}

#[test]
fn one_who_is_idle_is_closed_and_one_who_listens_is_not() {
    let node = TestNode::start(Profile::Redis70, "");
    let (mut idle, mut listening, mut admin) = (node.connect(), node.connect(), node.connect());
    ask(&mut idle, "PING");
    ask(&mut listening, "SUBSCRIBE c");
    // This one listens too, and may say more.
    assert!(!ask(&mut admin, "HELLO 3").is_error());
    ask(&mut admin, "SUBSCRIBE other");
    assert_eq!(ask(&mut admin, "CONFIG SET timeout 1"), ok());
    assert!(is_closed(&mut idle));
    assert_eq!(ask(&mut admin, "PUBLISH c x"), Reply::Integer(1));
    assert!(listening.receive().is_ok());
}
