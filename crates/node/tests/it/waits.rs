//! What is counted of commands that wait, and when: as valkey-server 8.1.8 and redis-server 7.0.15 were seen to do.

use crate::{TestNode, ask};
use conformance::connection::Connection;
use conformance::reply::Reply;
use profile::Profile;

/// A line of INFO, without its name.
fn line(client: &mut Connection, name: &str) -> Option<String> {
    let reply = ask(client, "INFO all");
    let text = String::from_utf8_lossy(reply.text().expect("INFO is text")).into_owned();
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.to_owned()))
}

fn await_blocked(client: &mut Connection, count: &str) {
    while line(client, "blocked_clients").as_deref() != Some(count) {}
}

fn calls(client: &mut Connection, command: &str) -> Option<String> {
    let stats = line(client, &format!("cmdstat_{command}"))?;
    stats.split(',').next().map(str::to_owned)
}

/// How many entries of the slow log are of a command.
fn slow_entries(client: &mut Connection, command: &str) -> usize {
    let log = ask(client, "SLOWLOG GET -1");
    let entries = log.elements().expect("an array").iter().filter_map(Reply::elements);
    let first = entries.filter_map(|entry| entry[3].elements()?.first()?.text().map(<[u8]>::to_vec));
    first.filter(|name| name.as_slice() == command.as_bytes()).count()
}

#[test]
fn a_call_that_waits_is_counted_when_each_version_counts_it() {
    for (profile, at_end) in [(Profile::Redis70, false), (Profile::Valkey80, true)] {
        let node = TestNode::start(profile, "slowlog-log-slower-than 0\n");
        let (mut client, mut waiting) = (node.connect(), node.connect());
        waiting.send(&["BLPOP", "a", "b", "0"]).expect("sent");
        await_blocked(&mut client, "1");
        let at_once = (!at_end).then(|| "calls=1".to_owned());
        assert_eq!(calls(&mut client, "blpop"), at_once, "{profile}");
        assert_eq!(slow_entries(&mut client, "BLPOP"), 0, "{profile}");
        ask(&mut client, "RPUSH b x");
        waiting.receive().expect("an element");
        assert_eq!(calls(&mut client, "blpop").as_deref(), Some("calls=1"), "{profile}");
        assert_eq!(slow_entries(&mut client, "BLPOP"), 1, "{profile}");
        // Nobody serves this one: Redis 7.0 does not look at how long it took.
        assert_eq!(ask(&mut waiting, "BLPOP a 0.01"), Reply::NullArray);
        assert_eq!(calls(&mut client, "blpop").as_deref(), Some("calls=2"), "{profile}");
        assert_eq!(slow_entries(&mut client, "BLPOP"), if at_end { 2 } else { 1 }, "{profile}");
        // What waits for replicas waits as well, and one who goes away before the end is not counted since 7.2.
        waiting.send(&["WAIT", "1", "0"]).expect("sent");
        await_blocked(&mut client, "1");
        assert_eq!(calls(&mut client, "wait"), (!at_end).then(|| "calls=1".to_owned()), "{profile}");
        waiting.close();
        await_blocked(&mut client, "0");
        assert_eq!(calls(&mut client, "wait"), (!at_end).then(|| "calls=1".to_owned()), "{profile}");
    }
}

#[test]
fn keys_that_clients_wait_for_are_counted_once_each() {
    let node = TestNode::start(Profile::Valkey80, "");
    let (mut client, mut one, mut other) = (node.connect(), node.connect(), node.connect());
    let keys = |client: &mut Connection| line(client, "total_blocking_keys").expect("a count");
    assert_eq!(keys(&mut client), "0");
    one.send(&["BLPOP", "a", "b", "0"]).expect("sent");
    // It waits for the first key only.
    other.send(&["BLMOVE", "b", "c", "LEFT", "LEFT", "0"]).expect("sent");
    await_blocked(&mut client, "2");
    assert_eq!(keys(&mut client), "2");
    ask(&mut client, "RPUSH a x");
    one.receive().expect("an element");
    assert_eq!(keys(&mut client), "1");
    other.close();
    await_blocked(&mut client, "0");
    assert_eq!(keys(&mut client), "0");
}

#[test]
fn a_wait_beyond_the_end_of_time_is_refused_since_7_2() {
    let node = TestNode::start(Profile::Valkey80, "");
    let error = Reply::Error(b"ERR timeout is out of range".to_vec());
    assert_eq!(ask(&mut node.connect(), "WAIT 2 9223372036854775807"), error);
    let node = TestNode::start(Profile::Redis70, "");
    let (mut client, mut waiting) = (node.connect(), node.connect());
    waiting.send(&["WAIT", "2", "9223372036854775807"]).expect("sent");
    await_blocked(&mut client, "1");
}
