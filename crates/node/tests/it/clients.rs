//! Clients about themselves and about each other.

use crate::{TestNode, ask, oracle};
use conformance::connection::{Connection, Failure};
use conformance::reply::Reply;
use profile::Profile;

fn id(connection: &mut Connection) -> i64 {
    match ask(connection, "CLIENT ID") {
        Reply::Integer(id) => id,
        other => panic!("CLIENT ID answers {other:?}"),
    }
}

/// The names of the fields of CLIENT INFO.
fn fields(connection: &mut Connection) -> Vec<String> {
    let reply = ask(connection, "CLIENT INFO");
    let line = String::from_utf8(reply.text().expect("a line").to_vec()).expect("text");
    line.trim_end().split(' ').map(|field| field.split('=').next().expect("a name").to_owned()).collect()
}

/// A field of a client as another sees it.
fn field(asking: &mut Connection, of: i64, name: &str) -> String {
    let reply = ask(asking, &format!("CLIENT LIST ID {of}"));
    let line = String::from_utf8(reply.text().expect("a line").to_vec()).expect("text");
    let found = line.trim_end().split(' ').find_map(|field| field.strip_prefix(&format!("{name}=")));
    found.unwrap_or_else(|| panic!("{name} in {line:?}")).to_owned()
}

fn is_closed(connection: &mut Connection) -> bool {
    matches!(connection.receive(), Err(Failure::Closed(_)))
}

#[test]
fn the_line_has_the_fields_of_redis() {
    let Some(real) = oracle() else { return };
    let node = TestNode::start(Profile::Redis70, "");
    assert_eq!(fields(&mut node.connect()), fields(&mut real.connect().expect("a connection")));
}

#[test]
fn errors_are_those_of_redis() {
    let Some(real) = oracle() else { return };
    let node = TestNode::start(Profile::Redis70, "");
    let (mut theirs, mut ours) = (real.connect().expect("a connection"), node.connect());
    let lines = [
        "CLIENT",
        "CLIENT NOPE",
        "CLIENT ID x",
        "CLIENT LIST TYPE x",
        "CLIENT LIST ID",
        "CLIENT LIST ID x",
        "CLIENT LIST x y",
        "CLIENT LIST TYPE master",
        "CLIENT KILL x",
        "CLIENT KILL ID",
        "CLIENT KILL ID 0",
        "CLIENT KILL ID 99 TYPE x",
        "CLIENT KILL USER nobody",
        "CLIENT KILL SKIPME maybe",
        "CLIENT KILL MAXAGE 1",
        "CLIENT KILL ID 99",
        "CLIENT GETNAME",
        "CLIENT PAUSE x",
        "CLIENT PAUSE -1",
        "CLIENT PAUSE 1 x",
        "CLIENT PAUSE 1 WRITE x",
        "CLIENT UNBLOCK x",
        "CLIENT UNBLOCK 1 x",
        "CLIENT UNBLOCK 99",
        "CLIENT REPLY x",
        "CLIENT NO-EVICT x",
        "CLIENT NO-TOUCH ON",
        "CLIENT SETINFO lib-name x",
        "CLIENT GETREDIR",
        "SLOWLOG GET x",
        "SLOWLOG GET -2",
        "SLOWLOG GET 1 2",
        "SLOWLOG x",
        "SLOWLOG HELP",
        "COMMAND HELP",
        "COMMAND LIST FILTERBY x y",
        "COMMAND LIST FILTERBY PATTERN GET",
        "COMMAND LIST FILTERBY ACLCAT nope",
        "COMMAND LIST FILTERBY MODULE m",
        "COMMAND INFO nope",
        "COMMAND DOCS nope",
        "HELLO 4",
        "SELECT 99",
        "SELECT 99999999999",
        "AUTH x",
        "\u{fffd} \u{fffd}",
    ];
    for line in lines {
        assert_eq!(ask(&mut ours, line), ask(&mut theirs, line), "{line}");
    }
}

#[test]
fn a_killed_client_is_gone_at_once() {
    let node = TestNode::start(Profile::Valkey80, "");
    // With two workers and connections dealt in turn, some are of the killer's worker and some of the other.
    let mut killer = node.connect();
    for _ in 0..4 {
        let mut victim = node.connect();
        let id = id(&mut victim);
        assert_eq!(ask(&mut killer, &format!("CLIENT KILL ID {id}")), Reply::Integer(1));
        assert_eq!(ask(&mut killer, &format!("CLIENT LIST ID {id}")), Reply::bulk(""));
        assert_eq!(ask(&mut killer, &format!("CLIENT KILL ID {id}")), Reply::Integer(0));
        assert!(is_closed(&mut victim));
    }
}

#[test]
fn one_who_kills_itself_gets_the_reply_first() {
    let node = TestNode::start(Profile::Valkey80, "");
    let mut client = node.connect();
    let line = format!("CLIENT KILL ID {} SKIPME no", id(&mut client));
    assert_eq!(ask(&mut client, &line), Reply::Integer(1));
    assert!(is_closed(&mut client));
}

#[test]
fn a_wait_is_ended_once() {
    let node = TestNode::start(Profile::Valkey80, "");
    let (mut waiting, mut other) = (node.connect(), node.connect());
    let id = id(&mut waiting);
    for (reason, answer) in [("TIMEOUT", "*-1"), ("ERROR", "UNBLOCKED client unblocked via CLIENT UNBLOCK")] {
        waiting.send(&["BLPOP", "k", "0"]).expect("sent");
        while !field(&mut other, id, "flags").contains('b') {}
        let line = format!("CLIENT UNBLOCK {id} {reason}");
        assert_eq!(ask(&mut other, &line), Reply::Integer(1));
        assert_eq!(ask(&mut other, &line), Reply::Integer(0));
        match waiting.receive().expect("an answer") {
            Reply::NullArray => assert_eq!(answer, "*-1"),
            Reply::Error(text) => assert_eq!(text, answer.as_bytes()),
            other => panic!("{other:?}"),
        }
    }
    // The error counts as the command's, and the command once.
    let info = ask(&mut other, "INFO everything").to_text();
    let has = |line: &str| info.lines().any(|other| other.starts_with(line));
    assert!(has("errorstat_UNBLOCKED:count=1") && has("total_error_replies:1"), "{info}");
    let blpop = info.lines().find(|line| line.starts_with("cmdstat_blpop:")).expect("BLPOP was called");
    assert!(blpop.contains(":calls=2,") && blpop.ends_with(",rejected_calls=0,failed_calls=1"), "{blpop}");
}

#[test]
fn a_pause_holds_writes_until_it_is_ended() {
    let node = TestNode::start(Profile::Valkey80, "");
    let (mut writer, mut other) = (node.connect(), node.connect());
    let id = id(&mut writer);
    assert_eq!(ask(&mut other, "CLIENT PAUSE 600000 WRITE"), Reply::Simple(b"OK".to_vec()));
    writer.send(&["SET", "k", "v"]).expect("sent");
    while !field(&mut other, id, "flags").contains('b') {}
    assert!(ask(&mut other, "GET k").text().is_none());
    assert_eq!(ask(&mut other, "CLIENT UNPAUSE"), Reply::Simple(b"OK".to_vec()));
    assert_eq!(writer.receive().expect("the write runs"), Reply::Simple(b"OK".to_vec()));
    assert_eq!(field(&mut other, id, "flags"), "U");
}

#[test]
fn a_pause_ends_by_itself() {
    let node = TestNode::start(Profile::Valkey80, "");
    let mut client = node.connect();
    ask(&mut client, "CLIENT PAUSE 30 ALL");
    assert_eq!(ask(&mut client, "PING"), Reply::Simple(b"PONG".to_vec()));
}

#[test]
fn replies_are_left_out_as_a_client_asks() {
    let node = TestNode::start(Profile::Valkey80, "");
    let mut client = node.connect();
    let pong = Reply::Simple(b"PONG".to_vec());
    // Each in a packet of its own: what is left out is remembered from turn to turn.
    for (lines, expected) in [
        (&["CLIENT REPLY SKIP", "GET", "PING"][..], vec![pong.clone()]),
        (&["CLIENT REPLY OFF", "SET a 1", "NOTHING", "CLIENT REPLY SKIP", "INCR a"], vec![]),
        (&["CLIENT REPLY ON", "GET a"], vec![Reply::Simple(b"OK".to_vec()), Reply::bulk("2")]),
        (
            &["CLIENT REPLY SKIP", "CLIENT REPLY ON", "PING"],
            vec![Reply::Simple(b"OK".to_vec()), pong.clone()],
        ),
    ] {
        for line in lines {
            client.send(&line.split(' ').collect::<Vec<_>>()).expect("sent");
            // Another client's turn in between.
            ask(&mut node.connect(), "PING");
        }
        for reply in expected {
            assert_eq!(client.receive().expect("a reply"), reply, "{lines:?}");
        }
    }
    // What waits for a key is not answered either, and is done all the same.
    let mut other = node.connect();
    let id = id(&mut client);
    for line in ["CLIENT REPLY OFF", "BLPOP l 0"] {
        client.send(&line.split(' ').collect::<Vec<_>>()).expect("sent");
    }
    while !field(&mut other, id, "flags").contains('b') {}
    assert_eq!(ask(&mut other, "RPUSH l x y"), Reply::Integer(2));
    assert_eq!(ask(&mut client, "CLIENT REPLY ON"), Reply::Simple(b"OK".to_vec()));
    assert_eq!(ask(&mut client, "LPOP l"), Reply::bulk("y"));
}

#[test]
fn a_request_of_a_browser_gets_no_word() {
    let node = TestNode::start(Profile::Valkey80, "");
    for request in ["POST / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let mut client = node.connect();
        client.send_raw(request.as_bytes()).expect("sent");
        assert!(is_closed(&mut client), "{request:?}");
    }
}

#[test]
fn a_client_s_own_request_is_in_its_buffer_before_valkey_8() {
    for (profile, expected) in [(Profile::Redis70, " qbuf=26 "), (Profile::Valkey80, " qbuf=0 ")] {
        let node = TestNode::start(profile, "");
        let mut client = node.connect();
        for line in ["CLIENT LIST", "CLIENT INFO"] {
            let reply = ask(&mut client, line);
            let text = String::from_utf8_lossy(reply.text().expect("text")).into_owned();
            assert!(text.contains(expected), "{text}");
        }
    }
}

fn info(client: &mut Connection, section: &str) -> String {
    let reply = ask(client, &format!("INFO {section}"));
    String::from_utf8_lossy(reply.text().expect("text")).into_owned()
}

#[test]
fn a_client_that_waits_for_the_end_of_a_pause_counts_as_blocked() {
    let node = TestNode::start(Profile::Redis70, "");
    let (mut client, mut writer) = (node.connect(), node.connect());
    assert_eq!(ask(&mut client, "CLIENT PAUSE 1000000 WRITE"), Reply::Simple(b"OK".to_vec()));
    writer.send(&["SET", "a", "1"]).expect("sent");
    while !info(&mut client, "clients").contains("\r\nblocked_clients:1\r\n") {
        std::thread::yield_now();
    }
    assert_eq!(ask(&mut client, "CLIENT UNPAUSE"), Reply::Simple(b"OK".to_vec()));
    assert_eq!(writer.receive().expect("a reply"), Reply::Simple(b"OK".to_vec()));
    assert!(info(&mut client, "clients").contains("\r\nblocked_clients:0\r\n"));
}

#[test]
fn an_error_that_ends_a_wait_counts_as_one() {
    let node = TestNode::start(Profile::Redis70, "");
    let (mut client, mut waiting) = (node.connect(), node.connect());
    let Reply::Integer(id) = ask(&mut waiting, "CLIENT ID") else { panic!("a number") };
    waiting.send(&["BLPOP", "a", "0"]).expect("sent");
    while ask(&mut client, &format!("CLIENT UNBLOCK {id} ERROR")) == Reply::Integer(0) {
        std::thread::yield_now();
    }
    let error = b"UNBLOCKED client unblocked via CLIENT UNBLOCK".to_vec();
    assert_eq!(waiting.receive().expect("a reply"), Reply::Error(error));
    let stats = info(&mut client, "all");
    assert!(stats.contains("\r\nerrorstat_UNBLOCKED:count=1\r\n"), "{stats}");
    assert!(stats.contains("\r\ntotal_error_replies:1\r\n"), "{stats}");
    let blpop = stats.lines().find(|line| line.starts_with("cmdstat_blpop:")).expect("it was called");
    assert!(blpop.starts_with("cmdstat_blpop:calls=1,") && blpop.ends_with(",failed_calls=1"), "{blpop}");
}
