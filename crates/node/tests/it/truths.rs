//! Fields of INFO that follow what the node does, where it would be easy to show a constant.

use crate::replication::{catch_up, field, node};
use crate::{TestNode, ask, oracle};
use conformance::connection::Connection;
use profile::Profile;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);

fn number(connection: &mut Connection, section: &str, name: &str) -> u64 {
    field(connection, section, name).parse().unwrap_or_else(|_| panic!("{name} is a number"))
}

/// Asks until the answer is as wanted.
#[track_caller]
fn until<T: std::fmt::Debug>(mut ask: impl FnMut() -> T, is_so: impl Fn(&T) -> bool) -> T {
    let began = Instant::now();
    loop {
        let answer = ask();
        if is_so(&answer) {
            return answer;
        }
        assert!(began.elapsed() < LONG, "it stays {answer:?}");
        std::thread::yield_now();
    }
}

#[test]
fn bytes_of_replication_are_counted_on_both_ends() {
    let ((primary, port), (replica, _)) = (node(""), node(""));
    let (mut to_primary, mut to_replica) = (primary.connect(), replica.connect());
    let mut writer = primary.connect();
    ask(&mut to_replica, &format!("REPLICAOF 127.0.0.1 {port}"));
    catch_up(&mut to_primary, &mut to_replica);
    // What the kernel has taken is counted when it says so.
    let sent = |connection: &mut Connection| number(connection, "stats", "total_net_repl_output_bytes");
    let received = |connection: &mut Connection| number(connection, "stats", "total_net_repl_input_bytes");
    assert!(received(&mut to_replica) > 0, "the snapshot has come");
    for connection in [&mut to_primary, &mut to_replica] {
        ask(connection, "CONFIG RESETSTAT");
    }
    assert_eq!((received(&mut to_primary), sent(&mut to_replica)), (0, 0), "the stream has one direction");
    let value = "v".repeat(1 << 20);
    for key in 0..4 {
        assert!(!to_primary.call(&["SET", &key.to_string(), &value]).expect("a reply").is_error());
    }
    catch_up(&mut to_primary, &mut to_replica);
    until(
        || (sent(&mut to_primary), received(&mut to_replica)),
        |&(sent, received)| sent == received && sent > 4 << 20,
    );
    let mut rate = |asked: &mut Connection, name: &str| {
        // A rate is of the last seconds.
        ask(&mut writer, "SET a 1234567890");
        field(asked, "stats", name)
    };
    until(|| rate(&mut to_primary, "instantaneous_output_repl_kbps"), |shown| shown != "0.00");
    until(|| rate(&mut to_replica, "instantaneous_input_repl_kbps"), |shown| shown != "0.00");
    // The sums include replication, and acknowledgements come from a replica as from a client.
    assert!(number(&mut to_replica, "stats", "total_net_input_bytes") > 4 << 20);
    assert!(number(&mut to_primary, "stats", "total_net_output_bytes") > 4 << 20);
}

#[test]
fn the_average_time_to_live_is_that_of_the_keys() {
    let node = TestNode::start(Profile::Valkey80, "workers 2\n");
    let mut client = node.connect();
    let average = |client: &mut Connection| -> u64 {
        let line = field(client, "keyspace", "db0");
        line.rsplit_once("avg_ttl=").and_then(|(_, ms)| ms.parse().ok()).expect("a number")
    };
    let began = Instant::now();
    let is_about = |average: u64, wanted: u64| {
        let least = wanted.saturating_sub(began.elapsed().as_millis() as u64 + 1);
        assert!((least..=wanted).contains(&average), "{average} instead of {wanted}");
    };
    ask(&mut client, "SET forever 1");
    assert_eq!(average(&mut client), 0);
    ask(&mut client, "SET a 1 PX 100000000");
    ask(&mut client, "SET b 1 PX 300000000");
    is_about(average(&mut client), 200_000_000);
    // Another worker's client changes what this one wrote.
    ask(&mut node.connect(), "PEXPIRE a 700000000");
    is_about(average(&mut client), 500_000_000);
    ask(&mut client, "SET b 2 PX 100000000");
    is_about(average(&mut client), 400_000_000);
    ask(&mut client, "PERSIST a");
    is_about(average(&mut client), 100_000_000);
    ask(&mut client, "FLUSHALL");
    ask(&mut client, "SET c 1 PX 600000000");
    is_about(average(&mut client), 600_000_000);
}

#[test]
fn time_without_room_is_counted_as_on_redis_server() {
    let Some(real) = oracle() else { return };
    let node = TestNode::start(Profile::Redis70, "");
    let servers = [("redis-server", real.connect().expect("a connection")), ("engram", node.connect())];
    for (server, mut client) in servers {
        let total = |client: &mut Connection| number(client, "stats", "total_eviction_exceeded_time");
        let current = |client: &mut Connection| number(client, "stats", "current_eviction_exceeded_time");
        ask(&mut client, "CONFIG RESETSTAT");
        assert_eq!((total(&mut client), current(&mut client)), (0, 0), "{server}");
        ask(&mut client, "CONFIG SET maxmemory-policy noeviction");
        ask(&mut client, "CONFIG SET maxmemory 1");
        assert!(ask(&mut client, "SET a 1").is_error(), "{server}");
        until(|| current(&mut client), |&ms| ms > 1);
        ask(&mut client, "CONFIG SET maxmemory 8gb");
        assert!(!ask(&mut client, "SET a 1").is_error(), "{server}");
        assert_eq!(current(&mut client), 0, "{server}");
        assert!(total(&mut client) > 1, "{server}");
    }
}

#[test]
fn active_expiry_is_measured() {
    let node = TestNode::start(Profile::Valkey80, "");
    let mut client = node.connect();
    let spent = |client: &mut Connection| number(client, "stats", "expire_cycle_cpu_milliseconds");
    let key = std::cell::Cell::new(0);
    until(
        || {
            for _ in 0..500 {
                key.set(key.get() + 1);
                ask(&mut client, &format!("SET {} 1 PX 1", key.get()));
            }
            spent(&mut client)
        },
        |&ms| ms > 0,
    );
}

/// The load of a primary's data shows how far it is, as the load of a file at the start does.
#[test]
fn a_replica_shows_how_far_it_has_loaded() {
    let (primary, port) = node("");
    let (replica, _) = node("key-load-delay 10000\n");
    let (mut to_primary, mut to_replica) = (primary.connect(), replica.connect());
    // Text that does not compress, more than is loaded at once.
    for key in 0..400u32 {
        let words = (0..256u32).map(|n| (n * 1000 + key).wrapping_mul(2_654_435_761));
        let value: String = words.map(|word| format!("{word:08x}")).collect();
        assert!(!to_primary.call(&["SET", &key.to_string(), &value]).expect("a reply").is_error());
    }
    ask(&mut to_replica, &format!("REPLICAOF 127.0.0.1 {port}"));
    let loaded = |client: &mut Connection| {
        let info = ask(client, "INFO persistence").to_text();
        let number = |name: &str| -> u64 {
            let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.and_then(|value| value.parse().ok()).unwrap_or(0)
        };
        ["loading_loaded_bytes", "loading_total_bytes", "loading_rdb_used_mem", "loading_start_time"]
            .map(number)
    };
    let [loaded, total, used, began_s] = until(|| loaded(&mut to_replica), |[loaded, ..]| *loaded > 0);
    assert!(total > 400 * 2048 / 2 && loaded <= total, "{loaded} of {total}");
    assert!(used > 0 && began_s > 0, "{used} {began_s}");
}

#[test]
fn a_stream_that_does_not_fit_is_counted() {
    let ((primary, port), (replica, _)) = (node(""), node("replica-read-only no\n"));
    let (mut to_primary, mut to_replica) = (primary.connect(), replica.connect());
    ask(&mut to_primary, "SET a 1");
    ask(&mut to_replica, &format!("REPLICAOF 127.0.0.1 {port}"));
    catch_up(&mut to_primary, &mut to_replica);
    let unexpected = |client: &mut Connection| number(client, "stats", "unexpected_error_replies");
    assert_eq!(unexpected(&mut to_replica), 0);
    ask(&mut to_replica, "DEL a");
    ask(&mut to_replica, "RPUSH a 1");
    ask(&mut to_primary, "INCR a");
    until(|| unexpected(&mut to_replica), |&count| count == 1);
    catch_up(&mut to_primary, &mut to_replica);
    assert_eq!(ask(&mut to_replica, "GET a").to_text(), "2");
}
