//! INFO, CONFIG, DEBUG and whole databases, beside a real redis-server.

use crate::{TestNode, ask, oracle};
use conformance::connection::Connection;
use conformance::peer::{Launch, Peer, not_run};
use conformance::reply::Reply;
use profile::Profile;

fn node(profile: Profile) -> TestNode {
    TestNode::start(profile, "enable-debug-command yes\n")
}

/// Sends the same lines to both and expects the same replies.
#[track_caller]
fn same(real: &Peer, node: &TestNode, lines: &[&str]) {
    let (mut theirs, mut ours) = (real.connect().expect("a connection"), node.connect());
    for line in lines {
        assert_eq!(ask(&mut ours, line), ask(&mut theirs, line), "{line}");
    }
}

#[test]
fn errors_are_redis_servers() {
    let Some(real) = oracle() else { return };
    let node = node(Profile::Redis70);
    same(
        &real,
        &node,
        &[
            "CONFIG SET a",
            "CONFIG SET nothing 1",
            "CONFIG SET port 1 port 2",
            "CONFIG SET maxmemory 1 timeout",
            "CONFIG SET databases 3",
            "CONFIG SET dir /",
            "CONFIG SET maxclients 20000000",
            "CONFIG NOTHING",
            "CONFIG REWRITE",
            "CONFIG GET",
            "SWAPDB x 1",
            "SWAPDB 1 x",
            "SWAPDB 1 99",
            "SWAPDB 99999999999 1",
            "FLUSHALL NOW",
            "FLUSHDB SYNC ASYNC",
            "DEBUG",
            "DEBUG NOTHING",
            "DEBUG SLEEP",
            "DEBUG OBJECT none",
            "DEBUG PROTOCOL nothing",
            "DEBUG QUICKLIST-PACKED-THRESHOLD x",
            "DEBUG QUICKLIST-PACKED-THRESHOLD 4294967295",
            "INFO nothing",
        ],
    );
}

#[test]
fn debug_is_refused_unless_it_is_enabled() {
    let Some(launch) = Launch::redis_server() else { return not_run("no redis-server on PATH") };
    let lines =
        ["DEBUG SLEEP 0", "MULTI", "DEBUG SLEEP 0", "EXEC", "CONFIG SET requirepass x", "DEBUG SLEEP 0"];
    for who in ["no", "local"] {
        let launch = launch.clone().with(&["--enable-debug-command", who]);
        let real = Peer::start(&launch).expect("redis-server starts");
        let node = TestNode::start(Profile::Redis70, &format!("enable-debug-command {who}\n"));
        same(&real, &node, &lines);
        // Before the password is asked for.
        same(&real, &node, &["DEBUG SLEEP 0"]);
    }
}

#[test]
fn protocol_samples_are_the_same() {
    let Some(real) = oracle() else { return };
    let node = node(Profile::Redis70);
    let types =
        ["string", "integer", "double", "bignum", "null", "array", "set", "map", "verbatim", "true", "false"];
    for hello in ["HELLO 2", "HELLO 3"] {
        let (mut theirs, mut ours) = (real.connect().expect("a connection"), node.connect());
        for connection in [&mut theirs, &mut ours] {
            assert!(!ask(connection, hello).is_error());
        }
        for name in types {
            let line = format!("DEBUG PROTOCOL {name}");
            assert_eq!(ask(&mut ours, &line), ask(&mut theirs, &line), "{hello} {line}");
        }
    }
}

#[test]
fn digests_of_the_same_data_are_the_same() {
    let Some(real) = oracle() else { return };
    let node = node(Profile::Redis70);
    let mut lines: Vec<String> = Vec::new();
    for n in 0..200_i32 {
        lines.push(format!("SET string:{n} {}", n * n - 500));
        lines.push(format!("SET text:{n} {} EX 5000", "x".repeat(n as usize)));
        lines.push(format!("RPUSH list:{} {n} e{n} -{n}", n % 7));
        lines.push(format!("HSET hash:{} f{n} {n} g v{n}", n % 5));
    }
    lines.extend(["SELECT 3".into(), "SET other 1".into(), "HSET h a 1".into()]);
    lines.extend(["DEBUG DIGEST".into(), "DEBUG DIGEST-VALUE other h none".into(), "SELECT 0".into()]);
    lines.push("DEBUG DIGEST-VALUE string:7 text:9 list:1 hash:2".into());
    lines.extend(["MULTI".into(), "SET string:0 new".into(), "DEBUG DIGEST".into(), "EXEC".into()]);
    lines.extend(["FLUSHDB".into(), "DEBUG DIGEST".into(), "FLUSHALL ASYNC".into(), "DEBUG DIGEST".into()]);
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    same(&real, &node, &lines);
}

#[test]
fn watched_keys_and_changes_count_as_on_redis_server() {
    let Some(real) = oracle() else { return };
    let node = node(Profile::Redis70);
    let mut lines = Vec::new();
    let cases: [&[&str]; 6] = [
        &["FLUSHDB"],
        &["FLUSHALL"],
        &["SWAPDB 0 1"],
        &["SWAPDB 0 0"],
        &["DEL present", "FLUSHALL"],
        &["SELECT 1", "FLUSHDB", "SELECT 0"],
    ];
    for key in ["present", "absent", "elsewhere"] {
        for case in cases {
            lines.extend(["FLUSHALL", "SELECT 1", "SET elsewhere 1", "SELECT 0", "SET present 1"]);
            lines.push(match key {
                "present" => "WATCH present",
                "absent" => "WATCH absent",
                _ => "WATCH elsewhere",
            });
            lines.extend(case);
            lines.extend(["MULTI", "PING", "EXEC", "DBSIZE"]);
        }
    }
    same(&real, &node, &lines);
    let changes = |connection: &mut Connection| field(connection, "rdb_changes_since_last_save");
    let (mut theirs, mut ours) = (real.connect().expect("a connection"), node.connect());
    assert_eq!(changes(&mut ours), changes(&mut theirs));
}

#[test]
fn a_client_that_blocks_is_served_by_swapdb() {
    let node = node(Profile::Redis70);
    let (mut waiting, mut other) = (node.connect(), node.connect());
    ask(&mut other, "SELECT 1");
    ask(&mut other, "RPUSH l x");
    waiting.send(&["BLPOP", "l", "0"]).expect("sent");
    while field(&mut other, "blocked_clients") != "1" {}
    assert_eq!(ask(&mut other, "SWAPDB 0 1").text(), Some(&b"OK"[..]));
    let served = waiting.receive().expect("a reply");
    assert_eq!(served.elements().map(<[Reply]>::len), Some(2), "{served:?}");
}

/// INFO's text.
fn info(connection: &mut Connection, sections: &str) -> String {
    let reply = ask(connection, &format!("INFO {sections}"));
    String::from_utf8(reply.text().expect("INFO is text").to_vec()).expect("INFO is plain text")
}

/// A field of INFO.
fn field(connection: &mut Connection, name: &str) -> String {
    let text = info(connection, "all");
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.unwrap_or_else(|| panic!("{name} is in INFO")).to_owned()
}

#[test]
fn info_has_the_same_lines_in_the_same_order() {
    let Some(real) = oracle() else { return };
    let node = node(Profile::Redis70);
    let names = |connection: &mut Connection, sections: &str| -> Vec<String> {
        info(connection, sections)
            .lines()
            .map(|line| line.split(':').next().unwrap_or("").to_owned())
            .collect()
    };
    let (mut theirs, mut ours) = (real.connect().expect("a connection"), node.connect());
    for connection in [&mut theirs, &mut ours] {
        for line in ["CONFIG RESETSTAT", "SET a 1", "SET b 1 EX 100"] {
            assert!(!ask(connection, line).is_error());
        }
        assert!(ask(connection, "NOTHING").is_error());
        assert!(ask(connection, "LPUSH a 1").is_error());
    }
    let sections = [
        "",
        "all",
        "everything",
        "default",
        "server clients",
        "memory",
        "keyspace SERVER",
        "commandstats",
        "errorstats",
        "latencystats cpu",
        "nothing",
        "nothing stats",
    ];
    for sections in sections {
        let line = sections.trim();
        let (mut wanted, mut got) = (names(&mut theirs, line), names(&mut ours, line));
        for list in [&mut wanted, &mut got] {
            // Commands stand in the order of a hash table there; and both have counted this INFO or not.
            list.retain(|name| !name.starts_with("cmdstat_") && !name.starts_with("latency_percentiles"));
        }
        assert_eq!(got, wanted, "INFO {line}");
    }
    for name in ["total_error_replies", "errorstat_ERR", "errorstat_WRONGTYPE", "db0"] {
        let without_average = |value: String| value.split(",avg_ttl").next().unwrap_or("").to_owned();
        assert_eq!(
            without_average(field(&mut ours, name)),
            without_average(field(&mut theirs, name)),
            "{name}"
        );
    }
    let calls = |connection: &mut Connection| {
        field(connection, "cmdstat_set").split(',').next().unwrap_or("").to_owned()
    };
    assert_eq!((calls(&mut ours), calls(&mut theirs)), ("calls=2".into(), "calls=2".into()));
}

#[test]
fn what_config_sets_holds_for_the_next_command_and_for_others() {
    let node = node(Profile::default());
    let (mut one, mut other) = (node.connect(), node.connect());
    for connection in [&mut one, &mut other] {
        assert!(!ask(connection, "PING").is_error());
    }
    assert_eq!(ask(&mut one, "CONFIG SET requirepass secret").text(), Some(&b"OK"[..]));
    assert!(!ask(&mut one, "PING").is_error(), "who was there stays in");
    assert!(ask(&mut node.connect(), "PING").is_error());
    assert!(!other.call(&["CONFIG", "SET", "requirepass", ""]).expect("a reply").is_error());
    let pushed = ["CONFIG SET notify-keyspace-events KEA", "SET a 1"];
    let mut listener = node.connect();
    ask(&mut listener, "SUBSCRIBE __keyevent@0__:set");
    for line in pushed {
        one.send(&line.split(' ').collect::<Vec<_>>()).expect("sent");
    }
    let message = listener.receive().expect("a message");
    let parts = message.elements().expect("a message is an array");
    assert_eq!(parts[2].text(), Some(&b"a"[..]));
}
