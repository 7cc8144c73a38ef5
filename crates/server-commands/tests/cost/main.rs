//! No command that is about the server costs the square of what it is given, or of what its clients did before.
//!
//! A node runs in this process, and nothing else does: what it costs is the CPU time of the process without that of this
//! thread, so a busy machine does not matter. Each command of the node's table that is no data command runs with hostile
//! arguments at a size and at four times that size; six times the cost is let pass, sixteen would be quadratic.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods)] // a test starts servers

use command_tests::growth::{LINEAR, beyond};
use config::{Config, NoDirectives};
use conformance::connection::Connection;
use conformance::reply::Reply;
use node::{Node, Options};
use profile::Profile;
use rustix::time::{ClockId, clock_gettime};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

const SIZES: [usize; 3] = [1_000, 5_000, 20_000];

type Argv = Vec<String>;

struct Server {
    node: Node,
    dir: PathBuf,
}

impl Server {
    fn start() -> Server {
        let dir = std::env::temp_dir().join(format!("server-cost-{}", std::process::id()));
        std::fs::create_dir_all(&dir).expect("a directory for the socket");
        let at = dir.display();
        let text = format!(
            "port 0\nsave \"\"\ndir {at}\nunixsocket {at}/s\nlogfile log\nworkers 2\nenable-debug-command yes\n\
             latency-tracking no\n"
        );
        let config = Config::load(Profile::Valkey80, text.as_bytes(), &mut NoDirectives)
            .expect("a valid configuration");
        let options = Options { config, config_file: None, executable: PathBuf::new() };
        Server { node: Node::start(options).expect("the node starts"), dir }
    }

    fn connect(&self) -> Connection {
        Connection::unix(&self.dir.join("s")).expect("the node listens")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.node.end();
        drop(std::fs::remove_dir_all(&self.dir));
    }
}

/// What a case has besides the client that is measured.
struct Stage<'s> {
    server: &'s Server,
    client: Connection,
    /// Clients that stay until the case is over.
    others: Vec<Connection>,
}

impl Stage<'_> {
    fn other(&mut self) -> &mut Connection {
        self.others.push(self.server.connect());
        self.others.last_mut().expect("just added")
    }
}

/// Sends commands and reads all that comes until they were executed, or until the connection ends.
fn run(connection: &mut Connection, calls: &[Argv]) {
    for call in calls {
        if connection.send(call).is_err() {
            return;
        }
    }
    let end = "the end of the case";
    if connection.send(&["PING", end]).is_err() {
        return;
    }
    while let Ok(reply) = connection.receive() {
        let last = reply.elements().and_then(<[Reply]>::last).unwrap_or(&reply);
        if last.text() == Some(end.as_bytes()) {
            return;
        }
    }
}

/// What is there before, and what is measured, both by size.
enum Case {
    Measured {
        prepare: fn(&mut Stage<'_>, usize),
        calls: fn(usize) -> Vec<Argv>,
    },
    /// Why it is not measured.
    Left(&'static str),
}

fn words(line: &str) -> Argv {
    line.split(' ').map(str::to_owned).collect()
}

/// A call that begins with some words and goes on with so many more.
fn many(line: &str, n: usize, more: impl Fn(usize) -> String) -> Vec<Argv> {
    let mut argv = words(line);
    argv.extend((0..n).map(more));
    vec![argv]
}

fn nothing(_: &mut Stage<'_>, _: usize) {}

fn name(i: usize) -> String {
    format!("name:{i}:*")
}

/// The same names, from the last to the first.
fn backwards(line: &str, n: usize) -> Vec<Argv> {
    many(line, n, |i| name(n - 1 - i))
}

fn channels(stage: &mut Stage<'_>, n: usize) {
    run(&mut stage.client, &many("SUBSCRIBE", n, name));
}

fn patterns(stage: &mut Stage<'_>, n: usize) {
    run(&mut stage.client, &many("PSUBSCRIBE", n, name));
}

/// Another client that listens to much.
fn listener(stage: &mut Stage<'_>, n: usize) {
    let calls = [many("SUBSCRIBE", n, name), many("PSUBSCRIBE", n, name)].concat();
    run(stage.other(), &calls);
}

/// A hundredth of the size, since each takes two descriptors here.
fn clients(stage: &mut Stage<'_>, n: usize) {
    (0..n / 100).for_each(|_| run(stage.other(), &[]));
}

fn watched(stage: &mut Stage<'_>, n: usize) {
    run(&mut stage.client, &many("WATCH", n, name));
}

fn queued(stage: &mut Stage<'_>, n: usize) {
    let mut calls = vec![words("MULTI")];
    calls.extend((0..n).map(|i| vec!["LPUSH".to_owned(), name(i), "v".to_owned()]));
    for call in &calls {
        stage.client.send(call).expect("the node reads");
    }
    for _ in &calls {
        stage.client.receive().expect("a reply to each");
    }
}

/// A transaction that makes all keys ready that another client waits for.
fn awaited(stage: &mut Stage<'_>, n: usize) {
    run(&mut stage.client, &[words("FLUSHALL")]);
    wait_for(stage, n, "0");
    queued(stage, n);
}

/// The same, when that client waits for one more key, which is in another slot.
fn awaited_with_more(stage: &mut Stage<'_>, n: usize) {
    run(&mut stage.client, &[words("FLUSHALL")]);
    wait_for(stage, n, "zz 0");
    queued(stage, n);
}

fn wait_for(stage: &mut Stage<'_>, n: usize, rest: &str) {
    let mut call = many("BLPOP", n, name);
    call[0].extend(words(rest));
    stage.other().send(&call[0]).expect("the node reads");
    loop {
        let reply = stage.client.call(&["INFO", "clients"]).expect("a reply");
        if String::from_utf8_lossy(reply.text().expect("a text")).contains("blocked_clients:1") {
            return;
        }
    }
}

fn keys(stage: &mut Stage<'_>, n: usize) {
    run(&mut stage.client, &[many("MSET", 2 * n, name).remove(0)]);
}

/// So many users.
fn users(stage: &mut Stage<'_>, n: usize) {
    // Those of the case before.
    run(&mut stage.client, &many("ACL DELUSER", 4 * SIZES[2], name));
    let calls: Vec<Argv> = (0..n).map(|i| vec!["ACL".into(), "SETUSER".into(), name(i)]).collect();
    run(&mut stage.client, &calls);
}

/// A user with so many selectors.
fn selectors(stage: &mut Stage<'_>, n: usize) {
    run(&mut stage.client, &many("ACL SETUSER u reset", n, selector));
}

fn selector(i: usize) -> String {
    format!("(~{i} +get)")
}

macro_rules! case {
    ($prepare:expr, |$n:ident| $calls:expr) => {
        Case::Measured { prepare: $prepare, calls: |$n| $calls }
    };
    ($prepare:expr, $line:literal) => {
        Case::Measured { prepare: $prepare, calls: |_| vec![words($line)] }
    };
}

/// The cases of a command, by its full name.
fn cases() -> BTreeMap<&'static str, Vec<Case>> {
    let left = |why| vec![Case::Left(why)];
    BTreeMap::from([
        ("acl|cat", vec![case!(nothing, "ACL CAT read")]),
        (
            "acl|deluser",
            vec![case!(users, |n| many("ACL DELUSER", n, name)), case!(clients, "ACL DELUSER u")],
        ),
        (
            "acl|dryrun",
            vec![
                case!(nothing, |n| many("ACL DRYRUN default mget", n, name)),
                case!(selectors, |n| many("ACL DRYRUN u mget", n, name)),
            ],
        ),
        ("acl|genpass", vec![case!(nothing, "ACL GENPASS 4096")]),
        ("acl|getuser", vec![case!(selectors, "ACL GETUSER u")]),
        ("acl|help", vec![case!(nothing, "ACL HELP")]),
        ("acl|list", vec![case!(users, "ACL LIST"), case!(selectors, "ACL LIST")]),
        ("acl|load", left("there is no ACL file")),
        (
            "acl|log",
            vec![
                case!(nothing, |n| (0..n).map(|_| words("AUTH u wrong")).collect()),
                case!(nothing, "ACL LOG 1000000"),
            ],
        ),
        ("acl|save", left("there is no ACL file")),
        (
            "acl|setuser",
            vec![
                case!(nothing, |n| many("ACL SETUSER u reset", n, selector)),
                case!(nothing, |n| many("ACL SETUSER u reset (+get", n, |i| ["~a", "~a)"]
                    [usize::from(i == n - 1)]
                .into())),
                case!(clients, "ACL SETUSER u"),
                Case::Left(
                    "each pattern and password is compared with those before it; who may change users has other means to harm",
                ),
            ],
        ),
        ("acl|users", vec![case!(users, "ACL USERS")]),
        ("acl|whoami", vec![case!(nothing, "ACL WHOAMI")]),
        ("auth", vec![case!(nothing, |n| vec![vec!["AUTH".into(), "x".repeat(64 * n)]])]),
        ("bgsave", left("another thread works")),
        ("client|getname", vec![case!(clients, "CLIENT GETNAME")]),
        ("client|getredir", vec![case!(clients, "CLIENT GETREDIR")]),
        ("client|help", vec![case!(nothing, "CLIENT HELP")]),
        ("client|id", vec![case!(clients, "CLIENT ID")]),
        ("client|info", vec![case!(channels, "CLIENT INFO")]),
        (
            "client|kill",
            vec![
                case!(clients, "CLIENT KILL ID 999999"),
                case!(clients, |n| many("CLIENT KILL", 2 * n, |i| ["ID", "999999"][i % 2].into())),
                case!(clients, "CLIENT KILL SKIPME yes"),
            ],
        ),
        (
            "client|list",
            vec![
                case!(clients, "CLIENT LIST"),
                case!(nothing, |n| many("CLIENT LIST ID", n, |i| (i + 1_000_000).to_string())),
                case!(nothing, |n| many("CLIENT LIST ID", n, |_| "1".into())),
            ],
        ),
        ("client|capa", vec![case!(nothing, |n| many("CLIENT CAPA", n, name))]),
        ("client|no-evict", vec![case!(nothing, "CLIENT NO-EVICT off")]),
        ("client|no-touch", vec![case!(nothing, "CLIENT NO-TOUCH off")]),
        ("client|pause", vec![case!(clients, |_n| vec![words("CLIENT PAUSE 1"), words("CLIENT UNPAUSE")])]),
        ("client|reply", vec![case!(nothing, "CLIENT REPLY ON")]),
        (
            "client|setinfo",
            vec![case!(nothing, |n| vec![vec![
                "CLIENT".into(),
                "SETINFO".into(),
                "LIB-NAME".into(),
                "x".repeat(64 * n)
            ]])],
        ),
        (
            "client|setname",
            vec![case!(nothing, |n| vec![vec!["CLIENT".into(), "SETNAME".into(), "x".repeat(64 * n)]])],
        ),
        ("client|caching", vec![case!(nothing, "CLIENT CACHING YES")]),
        (
            "client|tracking",
            vec![
                case!(clients, "CLIENT TRACKING ON"),
                case!(nothing, |n| many("CLIENT TRACKING ON BCAST", 2 * n, |i| {
                    if i % 2 == 0 { "PREFIX".into() } else { format!("{i}:") }
                })),
                case!(nothing, |n| many("CLIENT TRACKING ON BCAST", 2 * n, |i| {
                    if i % 2 == 0 { "PREFIX".into() } else { "same".into() }
                })),
                case!(nothing, |n| many("CLIENT TRACKING ON BCAST", 2 * n, |i| {
                    if i % 2 == 0 { "PREFIX".into() } else { "p".repeat(1 + i % 1000) }
                })),
            ],
        ),
        ("client|trackinginfo", vec![case!(nothing, "CLIENT TRACKINGINFO")]),
        ("client|unblock", vec![case!(clients, "CLIENT UNBLOCK 999999")]),
        ("client|unpause", vec![case!(clients, "CLIENT UNPAUSE")]),
        ("command", vec![case!(nothing, "COMMAND")]),
        ("command|count", vec![case!(nothing, "COMMAND COUNT")]),
        (
            "command|docs",
            vec![
                case!(nothing, |n| many("COMMAND DOCS", n, |_| "none".into())),
                case!(nothing, |n| many("COMMAND DOCS", n / 100, |_| "get".into())),
            ],
        ),
        (
            "command|getkeys",
            vec![
                case!(nothing, |n| many("COMMAND GETKEYS DEL", n, name)),
                case!(nothing, |n| many("COMMAND GETKEYS MSET", 2 * n, name)),
            ],
        ),
        (
            "command|getkeysandflags",
            vec![case!(nothing, |n| many("COMMAND GETKEYSANDFLAGS MSET", 2 * n, name))],
        ),
        ("command|help", vec![case!(nothing, "COMMAND HELP")]),
        (
            "command|info",
            vec![
                case!(nothing, |n| many("COMMAND INFO", n, |_| "none".into())),
                case!(nothing, |n| many("COMMAND INFO", n / 100, |_| "get".into())),
            ],
        ),
        (
            "command|list",
            vec![case!(nothing, |n| many("COMMAND LIST FILTERBY PATTERN", 1, |_| "*a".repeat(n)))],
        ),
        (
            "config|get",
            vec![
                case!(nothing, |n| many("CONFIG GET", n / 10, name)),
                case!(nothing, |n| many("CONFIG GET", n / 10, |_| "*".into())),
            ],
        ),
        ("config|help", vec![case!(nothing, "CONFIG HELP")]),
        ("config|resetstat", vec![case!(nothing, "CONFIG RESETSTAT")]),
        ("config|rewrite", vec![case!(nothing, "CONFIG REWRITE")]),
        (
            "config|set",
            vec![
                case!(nothing, |n| many("CONFIG SET", 2 * n, |_| "timeout".into())),
                case!(nothing, |n| many("CONFIG SET", 2 * n, name)),
            ],
        ),
        ("debug", vec![case!(keys, "DEBUG DIGEST"), case!(keys, |n| many("DEBUG DIGEST-VALUE", n, name))]),
        (
            "discard",
            vec![case!(queued, "DISCARD"), case!(watched, |_n| vec![words("MULTI"), words("DISCARD")])],
        ),
        ("echo", vec![case!(nothing, |n| vec![vec!["ECHO".into(), "x".repeat(64 * n)]])]),
        (
            "exec",
            vec![
                case!(queued, "EXEC"),
                case!(awaited, "EXEC"),
                case!(awaited_with_more, "EXEC"),
                case!(watched, |_n| vec![words("MULTI"), words("EXEC")]),
            ],
        ),
        ("flushall", vec![case!(keys, "FLUSHALL SYNC"), case!(keys, "FLUSHALL ASYNC")]),
        ("flushdb", vec![case!(keys, "FLUSHDB SYNC"), case!(keys, "FLUSHDB ASYNC")]),
        ("hello", vec![case!(nothing, |n| many("HELLO 3", 2 * n, |i| ["SETNAME", "x"][i % 2].into()))]),
        (
            "info",
            vec![
                case!(listener, "INFO"),
                case!(nothing, |n| many("INFO", n, |_| "clients".into())),
                case!(nothing, |n| many("INFO", n, name)),
            ],
        ),
        ("lastsave", vec![case!(nothing, "LASTSAVE")]),
        (
            "multi",
            vec![case!(nothing, |n| [vec![words("MULTI")], many("MGET", n, name), vec![words("DISCARD")]]
                .concat())],
        ),
        ("ping", vec![case!(nothing, |n| vec![vec!["PING".into(), "x".repeat(64 * n)]])]),
        (
            "psubscribe",
            vec![
                case!(nothing, |n| many("PSUBSCRIBE", n, name)),
                case!(nothing, |n| many("PSUBSCRIBE", n, |_| "x".into())),
                case!(listener, |n| many("PSUBSCRIBE", n, name)),
            ],
        ),
        ("psync", left("the connection becomes a replica's")),
        ("publish", vec![case!(listener, "PUBLISH name:1: x"), case!(listener, "PUBLISH name x")]),
        (
            "pubsub|channels",
            vec![case!(listener, "PUBSUB CHANNELS"), case!(listener, "PUBSUB CHANNELS *9*9*")],
        ),
        ("pubsub|help", vec![case!(nothing, "PUBSUB HELP")]),
        ("pubsub|numpat", vec![case!(listener, "PUBSUB NUMPAT")]),
        ("pubsub|numsub", vec![case!(listener, |n| many("PUBSUB NUMSUB", n, name))]),
        (
            "punsubscribe",
            vec![
                case!(patterns, |n| backwards("PUNSUBSCRIBE", n)),
                case!(patterns, |n| many("PUNSUBSCRIBE", n, name)),
                case!(patterns, "PUNSUBSCRIBE"),
                case!(nothing, |n| many("PUNSUBSCRIBE", n, name)),
            ],
        ),
        ("quit", vec![case!(channels, "QUIT"), case!(patterns, "QUIT"), case!(watched, "QUIT")]),
        ("replconf", vec![case!(nothing, |n| many("REPLCONF", 2 * n, |i| ["capa", "x"][i % 2].into()))]),
        ("replicaof", left("other threads work")),
        (
            "reset",
            vec![
                case!(channels, "RESET"),
                case!(patterns, "RESET"),
                case!(watched, "RESET"),
                case!(queued, "RESET"),
            ],
        ),
        ("role", vec![case!(nothing, "ROLE")]),
        ("save", vec![case!(keys, "SAVE")]),
        ("select", vec![case!(nothing, "SELECT 1")]),
        ("shutdown", left("the node ends")),
        ("readonly", vec![case!(nothing, "READONLY")]),
        ("readwrite", vec![case!(nothing, "READWRITE")]),
        ("function|delete", vec![case!(nothing, "FUNCTION DELETE none")]),
        ("function|dump", vec![case!(nothing, "FUNCTION DUMP")]),
        ("function|flush", vec![case!(nothing, "FUNCTION FLUSH")]),
        ("function|help", vec![case!(nothing, "FUNCTION HELP")]),
        ("function|kill", vec![case!(nothing, "FUNCTION KILL")]),
        ("function|list", vec![case!(nothing, "FUNCTION LIST")]),
        ("function|stats", vec![case!(nothing, "FUNCTION STATS")]),
        ("script|exists", vec![case!(nothing, |n| many("SCRIPT EXISTS", n, name))]),
        ("script|flush", vec![case!(nothing, "SCRIPT FLUSH")]),
        ("script|help", vec![case!(nothing, "SCRIPT HELP")]),
        ("script|kill", vec![case!(nothing, "SCRIPT KILL")]),
        ("slaveof", left("other threads work")),
        ("slowlog|get", vec![case!(nothing, "SLOWLOG GET -1")]),
        ("slowlog|help", vec![case!(nothing, "SLOWLOG HELP")]),
        ("slowlog|len", vec![case!(nothing, "SLOWLOG LEN")]),
        ("slowlog|reset", vec![case!(nothing, "SLOWLOG RESET")]),
        (
            "subscribe",
            vec![
                case!(nothing, |n| many("SUBSCRIBE", n, name)),
                case!(nothing, |n| many("SUBSCRIBE", n, |_| "x".into())),
                case!(listener, |n| many("SUBSCRIBE", n, name)),
            ],
        ),
        ("swapdb", vec![case!(keys, "SWAPDB 0 1"), case!(watched, "SWAPDB 0 1")]),
        ("sync", left("the connection becomes a replica's")),
        ("time", vec![case!(nothing, "TIME")]),
        (
            "unsubscribe",
            vec![
                case!(channels, |n| backwards("UNSUBSCRIBE", n)),
                case!(channels, |n| many("UNSUBSCRIBE", n, name)),
                case!(channels, "UNSUBSCRIBE"),
                case!(nothing, |n| many("UNSUBSCRIBE", n, name)),
            ],
        ),
        ("unwatch", vec![case!(watched, "UNWATCH")]),
        ("wait", vec![case!(nothing, "WAIT 0 1")]),
        (
            "watch",
            vec![
                case!(nothing, |n| many("WATCH", n, name)),
                case!(nothing, |n| many("WATCH", n, |_| "x".into())),
                case!(watched, |n| backwards("WATCH", n)),
            ],
        ),
    ])
}

/// The CPU time of the node's threads.
fn cpu_time() -> Duration {
    let of = |clock| {
        let time = clock_gettime(clock);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    };
    of(ClockId::ProcessCPUTime).saturating_sub(of(ClockId::ThreadCPUTime))
}

fn measure(server: &Server, prepare: fn(&mut Stage<'_>, usize), calls: &[Argv], n: usize) -> Duration {
    let mut stage = Stage { server, client: server.connect(), others: Vec::new() };
    run(&mut stage.client, &[words("FLUSHALL SYNC")]);
    prepare(&mut stage, n);
    let began = cpu_time();
    run(&mut stage.client, calls);
    let took = cpu_time().saturating_sub(began);
    // What the case leaves must not be cleaned up during the next one.
    let mut last = server.connect();
    stage.client.close();
    stage.others.iter_mut().for_each(Connection::close);
    drop(stage);
    while !only_client(&mut last) {}
    took
}

fn only_client(connection: &mut Connection) -> bool {
    let reply = connection.call(&["INFO", "clients"]).expect("a reply");
    String::from_utf8_lossy(reply.text().expect("a text")).contains("connected_clients:1\r\n")
}

/// Names of the commands and subcommands that are no data commands, as the node tells them.
fn own_commands(client: &mut Connection) -> BTreeSet<String> {
    let data: BTreeSet<&str> = data_commands::all().map(|command| command.spec.name).collect();
    let text = |reply: &Reply| String::from_utf8_lossy(reply.text().unwrap_or_default()).into_owned();
    let mut names = BTreeSet::new();
    for command in client.call(&["COMMAND"]).expect("a reply").elements().expect("an array") {
        let about = command.elements().expect("an array");
        let name = text(&about[0]);
        if data.contains(name.as_str()) {
            continue;
        }
        let subcommands = about.get(9).and_then(Reply::elements).unwrap_or_default();
        names.extend(subcommands.iter().filter_map(|sub| Some(text(sub.elements()?.first()?))));
        // A container alone answers an error.
        if subcommands.is_empty() || name == "command" {
            names.insert(name);
        }
    }
    names
}

#[test]
fn no_command_of_the_node_costs_the_square_of_its_size() {
    let server = Server::start();
    let names = own_commands(&mut server.connect());
    let cases = cases();
    let unknown: Vec<_> = cases.keys().filter(|name| !names.contains(**name)).collect();
    assert!(unknown.is_empty(), "no such commands: {unknown:?}");
    let missing: Vec<_> = names.iter().filter(|name| !cases.contains_key(name.as_str())).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
    let mut refused = Vec::new();
    for (name, cases) in &cases {
        for (number, case) in cases.iter().enumerate() {
            match case {
                Case::Left(why) => assert!(!why.is_empty()),
                Case::Measured { prepare, calls } => {
                    let measured = |n| measure(&server, *prepare, &calls(n), n);
                    if let Some(growth) = beyond(LINEAR, SIZES, measured) {
                        refused.push(format!(
                            "{name}, case {number}: {growth:.1} times the cost at 4 times the size"
                        ));
                    }
                }
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}
