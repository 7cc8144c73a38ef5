//! What goes when its time is up, and what a snapshot keeps.

use crate::{TestNode, ask};
use conformance::connection::Connection;
use conformance::reply::Reply;
use profile::Profile;
use std::time::{Duration, Instant};

/// Longer than anything here takes on a loaded machine; reached only by a test that fails.
const LONG: Duration = Duration::from_secs(20);

fn number(connection: &mut Connection, field: &str) -> u64 {
    let reply = ask(connection, "INFO all");
    let text = String::from_utf8_lossy(reply.text().expect("INFO is text")).into_owned();
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.and_then(|value| value.parse().ok()).expect("a number")
}

#[test]
fn many_keys_expire_soon_and_each_is_told_of() {
    let node = TestNode::start(Profile::Redis70, "notify-keyspace-events Ex\n");
    let (mut client, mut listener) = (node.connect(), node.connect());
    ask(&mut listener, "SUBSCRIBE __keyevent@0__:expired");
    let count = 20_000;
    let at_ms = {
        let time = ask(&mut client, "TIME");
        let seconds =
            String::from_utf8_lossy(time.elements().expect("a pair")[0].text().expect("text")).into_owned();
        (seconds.parse::<u64>().expect("a number") + 2) * 1000
    };
    let due = at_ms.to_string();
    for n in 0..count {
        client.send(&["SET", &format!("key:{n}"), "v", "PXAT", &due]).expect("sent");
        if n % 1000 == 999 {
            (0..1000).for_each(|_| drop(client.receive().expect("a reply")));
        }
    }
    let began = Instant::now();
    for _ in 0..count {
        listener.receive_within(LONG).expect("an event").expect("in time");
    }
    assert!(began.elapsed() < LONG);
    assert_eq!(ask(&mut client, "DBSIZE"), Reply::Integer(0));
    assert_eq!(number(&mut client, "expired_keys"), count);
}
