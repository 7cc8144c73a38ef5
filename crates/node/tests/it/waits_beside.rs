//! When commands that block count, beside a real redis-server; and what of a later version was seen on valkey-server 8.1, which
//! differs from 8.0 in that a command that was unblocked with an error counts as rejected there.

use crate::{TestNode, ask, oracle};
use conformance::connection::Connection;
use conformance::reply::Reply;
use profile::Profile;

/// A connection that knows how many commands it has sent.
struct Admin {
    connection: Connection,
    sent: u64,
}

impl Admin {
    fn ask(&mut self, line: &str) -> String {
        self.sent += 1;
        ask(&mut self.connection, line).to_text()
    }

    fn field(&mut self, section: &str, name: &str) -> Option<String> {
        let info = self.ask(&format!("INFO {section}"));
        info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::to_owned)
    }

    fn number(&mut self, section: &str, name: &str) -> u64 {
        self.field(section, name).expect("it is in INFO").parse().expect("a number")
    }

    fn await_blocked(&mut self, count: u64) {
        while self.number("clients", "blocked_clients") != count {
            std::thread::yield_now();
        }
    }

    fn slow_entries(&mut self, name: &str) -> usize {
        self.sent += 1;
        let log = ask(&mut self.connection, "SLOWLOG GET -1");
        let entries = log.elements().expect("an array").iter();
        let is_named = |entry: &&Reply| {
            let argv = entry.elements().expect("an entry")[3].elements().expect("arguments");
            argv.first().and_then(|word| word.text()) == Some(name.as_bytes())
        };
        entries.filter(is_named).count()
    }

    /// What is counted of a command, and how many others than this connection's were processed since `before`.
    fn counts(&mut self, name: &str, before: (u64, u64)) -> String {
        let stats = self.field("commandstats", &format!("cmdstat_{}", name.to_lowercase()));
        let stats = stats.map_or("not called".to_owned(), |stats| {
            let of =
                |field: &str| stats.split(',').find_map(|part| part.strip_prefix(field)).expect("a field");
            format!("calls {}rejected {}failed {}", of("calls="), of("rejected_calls="), of("failed_calls="))
                .replace("rejected", " rejected")
                .replace("failed", " failed")
        });
        let timed = self.field("latencystats", &format!("latency_percentiles_usec_{}", name.to_lowercase()));
        let slow = self.slow_entries(name);
        let (processed, sent) = self.totals();
        let others = processed - before.0 - (sent - before.1);
        format!("{stats}, timed {}, slow {slow}, processed {others}", timed.is_some())
    }

    /// Commands that were processed, and those of this connection among them.
    fn totals(&mut self) -> (u64, u64) {
        let sent = self.sent;
        (self.number("stats", "total_commands_processed"), sent)
    }

    fn begin(&mut self) -> (u64, u64) {
        for line in ["FLUSHALL", "CONFIG RESETSTAT", "SLOWLOG RESET"] {
            assert_eq!(self.ask(line), "OK");
        }
        self.totals()
    }
}

/// What is counted of commands that wait and end in each way.
fn observed(connect: impl Fn() -> Connection) -> Vec<String> {
    let mut admin = Admin { connection: connect(), sent: 0 };
    assert_eq!(admin.ask("CONFIG SET slowlog-log-slower-than 0"), "OK");
    let mut all = Vec::new();

    let before = admin.begin();
    let mut client = connect();
    client.send(&["BLPOP", "l", "0"]).expect("sent");
    admin.await_blocked(1);
    all.push(format!("waits: {}", admin.counts("BLPOP", before)));
    admin.ask("RPUSH l x");
    client.receive().expect("a reply");
    all.push(format!("is served: {}", admin.counts("BLPOP", before)));

    let before = admin.begin();
    client.send(&["BLPOP", "l", "0.01"]).expect("sent");
    client.receive().expect("a reply");
    all.push(format!("times out: {}", admin.counts("BLPOP", before)));

    let before = admin.begin();
    client.send(&["WAIT", "1", "10"]).expect("sent");
    client.receive().expect("a reply");
    all.push(format!("WAIT: {}", admin.counts("WAIT", before)));

    let before = admin.begin();
    client.send(&["BLMOVE", "l", "other", "LEFT", "LEFT", "0"]).expect("sent");
    admin.await_blocked(1);
    admin.ask("SET other x");
    admin.ask("RPUSH l x");
    assert!(client.receive().expect("a reply").is_error());
    all.push(format!("fails: {}", admin.counts("BLMOVE", before)));

    let Reply::Integer(id) = ask(&mut client, "CLIENT ID") else { panic!("a number") };
    let before = admin.begin();
    client.send(&["BLPOP", "l", "0"]).expect("sent");
    admin.await_blocked(1);
    admin.ask(&format!("CLIENT UNBLOCK {id} ERROR"));
    assert!(client.receive().expect("a reply").is_error());
    // The entry of Redis 7.0 has lost its arguments.
    all.push(format!("is unblocked: {}", admin.counts("BLPOP", before)));
    assert_eq!(admin.field("errorstats", "errorstat_UNBLOCKED").as_deref(), Some("count=1"));

    let before = admin.begin();
    client.send(&["BLPOP", "l", "0"]).expect("sent");
    admin.await_blocked(1);
    drop(client);
    admin.await_blocked(0);
    all.push(format!("goes: {}", admin.counts("BLPOP", before)));
    all
}

#[test]
fn commands_that_block_count_as_on_redis_server() {
    let Some(real) = oracle() else { return };
    let node = TestNode::start(Profile::Redis70, "");
    let theirs = observed(|| real.connect().expect("a connection"));
    assert_eq!(observed(|| node.connect()), theirs);
}

/// How many commands each of these lines counts for, all on one connection.
fn processed(connect: impl Fn() -> Connection) -> Vec<(&'static str, u64)> {
    let mut admin = Admin { connection: connect(), sent: 0 };
    let mut client = connect();
    let lines = [
        "PING",
        "NOSUCH",
        "GET",
        "GET a b c",
        "SELECT 1000",
        "CONFIG NOSUCH",
        "EXEC",
        "MULTI",
        "PING",
        "INCR n",
        "EXEC",
        "MULTI",
        "NOSUCH",
        "PING",
        "EXEC",
        "MULTI",
        "PING",
        "DISCARD",
        "LPUSH n x",
    ];
    let count = |line: &'static str| {
        let (before, sent) = admin.totals();
        ask(&mut client, line);
        let (after, now_sent) = admin.totals();
        (line, after - before - (now_sent - sent))
    };
    lines.map(count).into()
}

#[test]
fn what_is_executed_is_processed() {
    let Some(real) = oracle() else { return };
    let node = TestNode::start(Profile::Redis70, "");
    let ours = processed(|| node.connect());
    assert_eq!(ours, processed(|| real.connect().expect("a connection")));
    assert_eq!(ours.iter().find(|(line, _)| *line == "NOSUCH"), Some(&("NOSUCH", 0)));
}

#[test]
fn later_versions_count_them_when_they_end() {
    let node = TestNode::start(Profile::Valkey80, "");
    let ended = "calls 1 rejected 0 failed 0, timed true, slow 1, processed 1";
    assert_eq!(
        observed(|| node.connect()),
        [
            "waits: not called, timed false, slow 0, processed 0".to_owned(),
            format!("is served: {ended}"),
            format!("times out: {ended}"),
            format!("WAIT: {ended}"),
            "fails: calls 1 rejected 0 failed 1, timed true, slow 1, processed 1".to_owned(),
            "is unblocked: calls 1 rejected 0 failed 1, timed true, slow 1, processed 1".to_owned(),
            "goes: not called, timed false, slow 0, processed 0".to_owned(),
        ]
    );
}
