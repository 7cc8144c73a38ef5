//! The same questions to a real redis-server 7.0: names, defaults, replies, files.
//!
//! Needs `redis-server` on the PATH. Without it these tests say that they did not run, and fail when the environment
//! has `ENGRAM_REQUIRE_PEERS=1`.
#![expect(
    clippy::disallowed_methods,
    reason = "a peer is a process with files, which only this test touches"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use config::{Asker, Config, Directives, LoadError, Standing, table};
use profile::Profile;
use topology::glob;

const PEER: &str = "redis-server";

/// Whether the peer is there; says so when not.
fn peer_is_here() -> bool {
    let found = Command::new(PEER).arg("--version").stdout(Stdio::null()).status().is_ok();
    if !found {
        assert_ne!(std::env::var("ENGRAM_REQUIRE_PEERS").as_deref(), Ok("1"), "{PEER} not found");
        println!("not run: {PEER} not found");
    }
    found
}

/// A directory of one test, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = std::env::temp_dir().join(format!("engram-config-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the temporary directory is writable");
        Scratch(path)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).expect("the temporary directory is writable");
    }

    fn peer(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PEER);
        command.args(arguments).current_dir(&self.0).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Included files from a test's directory.
struct Files<'a>(&'a Scratch);

impl Directives for Files<'_> {
    fn include(&mut self, path: &[u8]) -> Result<Vec<u8>, String> {
        let path = self.0.0.join(String::from_utf8_lossy(path).as_ref());
        std::fs::read(path).map_err(|_| "No such file or directory".to_owned())
    }
}

/// A reply, as far as these tests need it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Reply {
    Line(String),
    Error(String),
    Bulk(Vec<u8>),
    Array(Vec<Reply>),
}

struct Peer {
    child: Child,
    stream: BufReader<UnixStream>,
}

impl Peer {
    /// Starts the peer with a socket in the directory and waits until it says that it is ready.
    fn start(scratch: &Scratch, arguments: &[&str]) -> Peer {
        let mut child = scratch.peer(arguments).spawn().expect("the peer starts");
        let stdout = child.stdout.take().expect("its output is piped");
        let mut lines = BufReader::new(stdout).lines();
        let ready = lines.any(|line| line.is_ok_and(|line| line.contains("ready to accept connections")));
        assert!(ready, "the peer stopped");
        // Its later lines must find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        let stream = UnixStream::connect(scratch.0.join("peer.sock")).expect("the peer listens");
        Peer { child, stream: BufReader::new(stream) }
    }

    fn send(&mut self, arguments: &[&[u8]]) {
        let mut request = format!("*{}\r\n", arguments.len()).into_bytes();
        for argument in arguments {
            request.extend(format!("${}\r\n", argument.len()).bytes());
            request.extend(*argument);
            request.extend(b"\r\n");
        }
        self.stream.get_mut().write_all(&request).expect("the peer reads");
    }

    fn ask(&mut self, arguments: &[&[u8]]) -> Reply {
        self.send(arguments);
        self.read()
    }

    fn read(&mut self) -> Reply {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("the peer answers");
        let line = line.trim_end();
        let (kind, rest) = line.split_at(1);
        match kind {
            "-" => Reply::Error(rest.to_owned()),
            "$" => {
                let mut bulk = vec![0; rest.parse::<usize>().expect("a length") + 2];
                self.stream.read_exact(&mut bulk).expect("the peer answers");
                bulk.truncate(bulk.len() - 2);
                Reply::Bulk(bulk)
            }
            "*" => Reply::Array((0..rest.parse().expect("a length")).map(|_| self.read()).collect()),
            _ => Reply::Line(rest.to_owned()),
        }
    }

    fn bulks(&mut self, arguments: &[&[u8]]) -> Vec<Vec<u8>> {
        let Reply::Array(items) = self.ask(arguments) else { panic!("not an array") };
        let bulk = |item| match item {
            Reply::Bulk(bulk) => bulk,
            other => panic!("not a bulk string: {other:?}"),
        };
        items.into_iter().map(bulk).collect()
    }

    /// CONFIG GET, sorted by name, in words, without what differs from start to start.
    fn get(&mut self, pattern: &str) -> Vec<(String, String)> {
        let flat = self.bulks(&[b"CONFIG", b"GET", pattern.as_bytes()]);
        sorted(flat.as_chunks::<2>().0.iter().map(|[name, value]| (name.clone(), value.clone())).collect())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn sorted(pairs: Vec<(Vec<u8>, Vec<u8>)>) -> Vec<(String, String)> {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let mut pairs: Vec<_> = pairs.into_iter().map(|(name, value)| (text(name), text(value))).collect();
    pairs.retain(|(name, _)| name != "dir" && name != "unixsocket");
    pairs.sort();
    pairs
}

/// What a bare peer is started with; `port` differs from its default for that.
const BARE: &[&str] = &["--port", "0", "--unixsocket", "peer.sock"];

#[test]
fn names_and_defaults_are_the_same() {
    if !peer_is_here() {
        return;
    }
    let scratch = Scratch::new("defaults");
    let mut peer = Peer::start(&scratch, BARE);
    let mut config = Config::new(Profile::Redis70);
    config.set(&[("port", "0")], Asker::default()).expect("the value is fine");
    assert_eq!(sorted(config.get(&["*"])), peer.get("*"));
    for name in
        ["PORT", "key-load-delay", "watchdog-period", "rdb-key-save-delay", "no-such", "slaveof", "h[yz]"]
    {
        assert_eq!(sorted(config.get(&[name])), peer.get(name), "{name}");
    }
}

/// Values that are read differently by the kinds of parameters.
const VALUES: &[&str] = &[
    "",
    " ",
    "0",
    "1",
    "-1",
    "-0",
    "+5",
    "05",
    "7",
    "64",
    "100",
    "501",
    "65536",
    "99999",
    "1k",
    "1Kb",
    "12mB",
    "3gb",
    "1t",
    "1.5gb",
    "5%",
    "05%",
    "101%",
    "%",
    "-5%",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "99999999999999999999",
    "yes",
    "NO",
    "maybe",
    "local",
    "allkeys-lru",
    "volatile-lru",
    "Volatile-TTL",
    "ALLKEYS-LFU",
    "volatile-lfu",
    "allkeys-random",
    "volatile-random",
    "noeviction",
    "verbose",
    "nothing",
    "always",
    "swapdb",
    "hostname",
    "save",
    "nosave force",
    "save nosave",
    "default save",
    "save  now",
    "900 1",
    "900 1 300 10",
    "900 1  300 1",
    " 900 1",
    "900 ",
    "0 1",
    "1 0",
    "1 -1",
    "+1 99999999999",
    "1 2 3",
    "1 2 x",
    "-2000 0 2000",
    "1 2 3000",
    "pubsub 1 2 3",
    "Replica 1k 2kb 3 pubsub 4 5 6",
    "pubsub 1 2 -3",
    "pubsub a 2 3",
    "master 1 2 3",
    "slave 1 2  3",
    "AKE",
    "KEA",
    "nmdKxtg",
    "AKEnm",
    "g$lshzxetd",
    "Kq",
    "gxE",
    "a_b",
    "a.b",
    "a/b",
    "{title}",
    "{title} x {port",
    "{nope}",
    "{{",
    "{title} {server-mode}",
    "{port}",
    "50.0 99.123456789 100 1e1",
    "50 101",
    "inf",
    "nan",
    "50  99",
    "sentence of words",
];

/// Parameters whose values act on the peer or on this connection, or that another rule of the peer decides.
const LEFT_OUT: &[&str] = &[
    "port",
    "bind",
    "requirepass",
    "timeout",
    "maxmemory-clients",
    "watchdog-period",
    "maxclients",
    "appendonly",
    "client-query-buffer-limit",
    "activedefrag",
    "locale-collate",
    "jemalloc-bg-thread",
];

#[test]
fn replies_and_values_are_the_same() {
    if !peer_is_here() {
        return;
    }
    let scratch = Scratch::new("replies");
    let mut peer = Peer::start(&scratch, BARE);
    let mut config = Config::new(Profile::Redis70);
    let rows = table::rows().filter(|row| row.exists_in(Profile::Redis70)).filter(|row| {
        !LEFT_OUT.contains(&row.name)
            && !row.name.starts_with("tls-")
            && !matches!(row.standing, Standing::Refused(_))
    });
    for row in rows {
        // Parameters that no real server has are hidden.
        if row.hidden && peer.get(row.name).is_empty() {
            continue;
        }
        for value in VALUES {
            let theirs = peer.ask(&[b"CONFIG", b"SET", row.name.as_bytes(), value.as_bytes()]);
            let ours = match config.set(&[(row.name, value)], Asker::default()) {
                Ok(_) => Reply::Line("OK".to_owned()),
                Err(error) => Reply::Error(error.to_string()),
            };
            assert_eq!(ours, theirs, "{} {value:?}", row.name);
            assert_eq!(sorted(config.get(&[row.name])), peer.get(row.name), "{} {value:?}", row.name);
        }
    }
}

/// Texts that redis-server refuses to start with.
const WRONG: &[&str] = &[
    "port 0\nfoo bar\n",
    "port 0 1",
    "port \"0",
    "port",
    "save 900 1\nsave \"9 x\"",
    "include",
    "include wrong.conf",
    "client-output-buffer-limit normal 1 2",
    "client-output-buffer-limit master 1 2 3",
    "oom-score-adj-values 1 2",
    "notify-keyspace-events K E",
    "replicaof a",
    "replicaof a 99999",
    "replicaof a x",
    "bind a b c d e f g h i j k l m n o p q r",
    "dbfilename a/b",
    "appendfilename ''",
    "appenddirname a/b",
    "unixsocketperm 999",
    "unixsocketperm 7777",
    "maxmemory-clients 101%",
    "cluster-announce-hostname a_b",
    "proc-title-template {x}",
    "a.b",
    "sentinel foo",
    "supervised x",
    "syslog-facility x",
    "enable-debug-command x",
    "shutdown-on-sigterm save nosave",
    "databases 0",
    "socket-mark-id -1",
    "list-max-ziplist-entries 1\n# a comment\n\n\tmaxmemory -1",
    "latency-tracking-info-percentiles 1 101",
    "loglevel nothing",
];

#[test]
fn fatal_texts_are_the_same() {
    if !peer_is_here() {
        return;
    }
    let scratch = Scratch::new("fatal");
    scratch.write("wrong.conf", "# included\n\nsave x\n");
    for text in WRONG {
        scratch.write("peer.conf", text);
        let output = scratch.peer(&["peer.conf"]).output().expect("the peer runs");
        let ours = Config::load(Profile::Redis70, text.as_bytes(), &mut Files(&scratch)).map(|_| ());
        let ours: LoadError = ours.expect_err(text);
        assert_eq!(format!("{ours}\n"), String::from_utf8_lossy(&output.stderr), "{text}");
    }
}

#[test]
fn files_and_command_lines_load_the_same() {
    if !peer_is_here() {
        return;
    }
    let scratch = Scratch::new("load");
    scratch.write("more.conf", "hz 77\nsave 5 5\n");
    let file = "unixsocket peer.sock\nport 0\nsave 900 1\ninclude more.conf\nSAVE \"300 10 60 100\"\nbind \"127.0.0.1 \
                ::1\"\nclient-output-buffer-limit pubsub 1mb 2mb 3\nclient-output-buffer-limit normal 0 0 \
                5\nshutdown-on-sigint nosave now\nrename-command DEBUG ''\nlogfile ''\nmaxmemory-clients \
                5%\nreplica-announce-ip 'a b'\nlatency-tracking-info-percentiles \"\"\nproc-title-template \"{title} \
                \\x41\"\nset-max-intset-entries 3\nset-max-intset-entries 4";
    scratch.write("peer.conf", file);
    let lines: &[&[&str]] = &[
        &["peer.conf"],
        &["peer.conf", "--loglevel", "verbose", "--maxmemory", "1mb"],
        &["peer.conf", "--save", "--hz", "20"],
        &["peer.conf", "--hz 30", "--save", "900", "1", "300", "10"],
        &["peer.conf", "--oom-score-adj-values", "1", "2", "3", "--save"],
        &["peer.conf", "--masterauth", "--x", "--masteruser", "a\"b"],
    ];
    for line in lines {
        let mut peer = Peer::start(&scratch, line);
        let text = config::CommandLine::parse(line).text(file.as_bytes(), b"");
        let config =
            Config::load(Profile::Redis70, &text, &mut Files(&scratch)).expect("the peer takes it too");
        let (ours, theirs) = (sorted(config.get(&["*"])), peer.get("*"));
        let differs: Vec<_> = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs).collect();
        assert!(differs.is_empty() && ours.len() == theirs.len(), "{line:?}: {differs:?}");
    }
}

#[test]
fn rewritten_files_are_the_same() {
    if !peer_is_here() {
        return;
    }
    let scratch = Scratch::new("rewrite");
    scratch.write("empty.conf", "");
    let file = "# my file\nport 0\n\n\nunixsocket peer.sock\nmaxmemory 100mb\n  HASH-max-ziplist-entries   512  \nsave 900 \
                1\nsave 300 10\nclient-output-buffer-limit normal 0 0 0\nclient-output-buffer-limit pubsub 32mb 8mb \
                60\nslave-read-only yes\nloglevel notice\nloglevel verbose\nrename-command DEBUG \"\"\ninclude \
                empty.conf\nnotify-keyspace-events \"\"\nbind 127.0.0.1\nbind * -::*\ntimeout \
                0\nlist-max-ziplist-entries 5\n";
    let sets: &[&[(&str, &str)]] = &[
        &[],
        &[("maxmemory", "1500000"), ("hz", "20"), ("replica-priority", "3"), ("maxmemory-clients", "5%")],
        &[("save", ""), ("latency-tracking-info-percentiles", ""), ("oom-score-adj-values", "1 2 3")],
        &[("save", "1 2 3 4 5 6"), ("shutdown-on-sigint", "nosave force"), ("masterauth", "a \"b\"")],
        &[("client-output-buffer-limit", "replica 1kb 2 3"), ("notify-keyspace-events", "KEA")],
        &[("requirepass", "a secret")],
    ];
    for pairs in sets {
        scratch.write("peer.conf", file);
        let mut peer = Peer::start(&scratch, &["peer.conf"]);
        let mut config =
            Config::load(Profile::Redis70, file.as_bytes(), &mut Files(&scratch)).expect("the file is fine");
        for (name, value) in *pairs {
            peer.ask(&[b"CONFIG", b"SET", name.as_bytes(), value.as_bytes()]);
            config.set(&[(name, value)], Asker::default()).expect("the value is fine");
        }
        let directory = peer.bulks(&[b"CONFIG", b"GET", b"dir"]).remove(1);
        config.set_directory(&directory);
        let socket = peer.bulks(&[b"CONFIG", b"GET", b"unixsocket"]).remove(1);
        assert_eq!(socket, b"peer.sock");
        let users = peer.bulks(&[b"ACL", b"LIST"]);
        assert_eq!(peer.ask(&[b"CONFIG", b"REWRITE"]), Reply::Line("OK".to_owned()));
        let theirs = std::fs::read_to_string(scratch.0.join("peer.conf")).expect("the peer wrote it");
        let ours = config.rewrite(file.as_bytes(), &users);
        assert_eq!(parts(&String::from_utf8_lossy(&ours)), parts(&theirs), "{pairs:?}");
        // With the line of the default user: what the peer wrote can be started from.
        assert!(theirs.contains("\nuser default on "), "{theirs}");
        let again = Config::load(Profile::Redis70, theirs.as_bytes(), &mut Files(&scratch));
        let again = again.unwrap_or_else(|why| panic!("{pairs:?}: {why}"));
        assert_eq!(again.settings().requirepass, config.settings().requirepass);
    }
}

/// The lines up to the signature in order, and those after it sorted: their order is that of a hash table.
fn parts(text: &str) -> (Vec<String>, Vec<String>) {
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let signature = lines.iter().position(|line| line.starts_with("# Generated")).unwrap_or(lines.len());
    let (before, after) = lines.split_at(signature);
    let mut after = after.to_vec();
    after.sort();
    (before.to_vec(), after)
}

#[test]
fn patterns_match_the_same_keys() {
    if !peer_is_here() {
        return;
    }
    let scratch = Scratch::new("glob");
    let mut peer = Peer::start(&scratch, BARE);
    let mut random = Random(42);
    let keys: Vec<Vec<u8>> = (0..300).map(|_| random.text(b"abAB-]^\\*", 5)).chain([Vec::new()]).collect();
    for key in &keys {
        peer.ask(&[b"SET", key, b""]);
    }
    for _ in 0..3000 {
        let pattern = random.text(b"ab-A]^\\**??[[[", 8);
        // KEYS answers `*` alone without matching.
        if pattern == b"*" {
            continue;
        }
        let mut theirs = peer.bulks(&[b"KEYS", &pattern]);
        let mut ours: Vec<_> =
            keys.iter().filter(|key| glob::matches(&pattern, key, false)).cloned().collect();
        theirs.sort();
        ours.sort();
        ours.dedup();
        assert_eq!(ours, theirs, "{}", String::from_utf8_lossy(&pattern));
    }
}

/// A small generator of numbers, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % bound
    }

    fn text(&mut self, alphabet: &[u8], longest: usize) -> Vec<u8> {
        (0..=self.below(longest)).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }
}
