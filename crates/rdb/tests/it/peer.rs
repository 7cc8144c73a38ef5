//! A real redis-server as the reader of what we write and as the judge of what may be restored.
//!
//! Without `redis-server` on the path the tests say so and pass, unless `ENGRAM_REQUIRE_PEERS=1` requires it.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rdb::{AuxFields, EntryMeta, SaveOptions, Writer, dump, restore};
use structures::{Limits, Value};

use crate::support::{REDIS, bytes, hash, list, payload, set, sorted_set, stream};

/// A private redis-server with a directory of its own; both go when this does.
struct Server {
    process: Child,
    dir: PathBuf,
    connection: BufReader<UnixStream>,
}

#[derive(Debug, PartialEq)]
enum Reply {
    /// A status, an error or an integer, with its first byte.
    Line(String),
    Bulk(Option<Vec<u8>>),
}

/// A directory of its own for a test, unless there is no redis-server.
fn dir_for_peer(test: &str) -> Option<PathBuf> {
    if Command::new("redis-server").arg("--version").output().is_err() {
        not_run("redis-server");
        return None;
    }
    let dir = std::env::temp_dir().join(format!("engram-rdb-{}-{test}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    Some(dir)
}

fn not_run(missing: &str) {
    let required = std::env::var("ENGRAM_REQUIRE_PEERS").is_ok_and(|value| value == "1");
    assert!(!required, "{missing} not found, and ENGRAM_REQUIRE_PEERS=1");
    println!("not run: {missing} not found");
}

impl Server {
    fn start(dir: PathBuf) -> Server {
        let socket = dir.join("socket");
        let mut process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--daemonize", "no", "--sanitize-dump-payload", "yes"])
            .args(["--dir".as_ref(), dir.as_os_str(), "--unixsocket".as_ref(), socket.as_os_str()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        while !log.contains("server is now ready to accept connections at") {
            assert_ne!(lines.read_line(&mut log).unwrap(), 0, "redis-server ended:\n{log}");
        }
        // Whatever it logs later must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        let connection = BufReader::new(UnixStream::connect(&socket).unwrap());
        Server { process, dir, connection }
    }

    fn command(&mut self, args: &[&[u8]]) -> Reply {
        let mut request = format!("*{}\r\n", args.len()).into_bytes();
        for arg in args {
            request.extend(format!("${}\r\n", arg.len()).bytes());
            request.extend_from_slice(arg);
            request.extend(b"\r\n");
        }
        self.connection.get_mut().write_all(&request).unwrap();
        let mut line = String::new();
        self.connection.read_line(&mut line).unwrap();
        let line = line.trim_end();
        let Some(len) = line.strip_prefix('$') else { return Reply::Line(line.into()) };
        let Ok(len) = len.parse::<usize>() else { return Reply::Bulk(None) };
        let mut bulk = vec![0; len + 2];
        self.connection.read_exact(&mut bulk).unwrap();
        bulk.truncate(len);
        Reply::Bulk(Some(bulk))
    }

    /// The value of a key, by way of its `DUMP` payload.
    fn value(&mut self, key: &str) -> Option<Value> {
        match self.command(&[b"DUMP", key.as_bytes()]) {
            Reply::Bulk(payload) => {
                payload.map(|payload| restore(&payload, &Limits::default(), REDIS.rdb_version()).unwrap())
            }
            other => panic!("{other:?}"),
        }
    }

    fn restore(&mut self, key: &str, payload: &[u8]) -> String {
        match self.command(&[b"RESTORE", key.as_bytes(), b"0", payload, b"REPLACE"]) {
            Reply::Line(line) => line,
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Values in every form that we write, under names.
fn values() -> Vec<(String, Value)> {
    let default = Limits::default();
    let tight = Limits { list_max_listpack_size: 4, list_packed_threshold: 100, ..default };
    let without = Limits { set_max_listpack_entries: 0, ..default };
    let scores = [0.0, 1.0, -70_000.0, 0.1, 1e17, 1e300, f64::INFINITY, f64::NEG_INFINITY];
    let noise: Vec<u8> = (0..50_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let numbers = (0..2_000i64).map(|i| (i * i * i - 1_000_000).to_string());
    let mut values: Vec<(String, Value)> =
        [0, -1, 127, 128, -32_768, 40_000, -2_147_483_648, 2_147_483_648, i64::MIN, i64::MAX]
            .map(|value| (format!("int {value}"), Value::Int(value)))
            .into();
    values.extend(
        [
            ("empty string", bytes("")),
            ("run", bytes("a".repeat(1_000_000))),
            ("noise", bytes(&noise)),
            ("json", bytes("{\"id\":17,\"tags\":[\"a\",\"b\"]}\n".repeat(3_000))),
            ("short list", list(["a", "", "12", "-70000", &"x".repeat(5_000)], &default)),
            ("list of nodes", list(numbers, &default)),
            (
                "list with plain nodes",
                list(["a".repeat(300), "b".into(), "c".repeat(101), "d".repeat(99)], &tight),
            ),
            ("small hash", hash([("f", "v"), ("n", "-5"), ("", "")], &default)),
            ("wide hash", hash((0..3_000).map(|i| (format!("f{i}"), i.to_string())), &default)),
            ("hash with a long value", hash([("f", "v".repeat(100))], &default)),
            ("integers", set(["3", "-1", "70000", "9223372036854775807"], &without)),
            ("small set", set(["a", "1", "", "-70000"], &without)),
            ("wide set", set((0..3_000).map(|i| format!("m{i}")), &without)),
            ("small sorted set", sorted_set(scores.map(|score| (score.to_string(), score)), &default)),
            (
                "wide sorted set",
                sorted_set((0..3_000).map(|i| (format!("m{i}"), f64::from(i) / 8.0)), &default),
            ),
            (
                "sorted set with a long member",
                sorted_set([("m".repeat(100), 1.5), ("n".into(), 7.0)], &default),
            ),
            ("empty stream", stream(0, 0, &default)),
            ("stream", stream(3, 6, &default)),
            ("stream with groups", stream(2_000, 0x1234_5678_9ABC_DEF3, &default)),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    values
}

#[test]
fn redis_loads_our_file() {
    let Some(dir) = dir_for_peer("file") else { return };
    for compress in [false, true] {
        for checksum in [false, true] {
            let file = dir.join("dump.rdb");
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(&file, our_file(SaveOptions { compress, checksum, ..SaveOptions::new(REDIS) }))
                .unwrap();
            check_file(&file);
            let mut server = Server::start(dir.clone());
            for (name, value) in values() {
                assert_eq!(server.value(&name), Some(value), "{name}");
            }
            assert_eq!(server.command(&[b"DBSIZE"]), Reply::Line(format!(":{}", values().len() + 1)));
            assert_eq!(server.command(&[b"PEXPIRETIME", b"expiring"]), Reply::Line(":4102444800123".into()));
            server.command(&[b"SELECT", b"9"]);
            assert_eq!(server.value("elsewhere"), Some(bytes("nine")));
        }
    }
}

fn our_file(options: SaveOptions) -> Vec<u8> {
    let mut writer = Writer::new(options);
    writer.aux_fields(&AuxFields { ctime_s: 1_700_000_000, used_mem: 1_000_000, ..AuxFields::default() });
    writer.function(b"#!lua name=lib\nredis.register_function('f', function() return 1 end)");
    let values = values();
    writer.select_db(0, values.len() as u64 + 1, 1);
    let mut file = Vec::new();
    for (name, value) in &values {
        writer.entry(name.as_bytes(), value.view(), EntryMeta { idle_s: Some(100), ..EntryMeta::default() });
        file.extend(writer.take(Vec::new()));
    }
    let expiring = EntryMeta { expire_ms: Some(4_102_444_800_123), ..EntryMeta::default() };
    writer.entry(b"expiring", Value::Int(1).view(), expiring);
    writer.select_db(9, 1, 0);
    writer.entry(b"elsewhere", bytes("nine").view(), EntryMeta { freq: Some(9), ..EntryMeta::default() });
    writer.finish();
    file.extend(writer.take(Vec::new()));
    file
}

/// The checker is a package of its own on some systems, so it may be absent where the server is not.
fn check_file(file: &Path) {
    match Command::new("redis-check-rdb").arg(file).output() {
        Ok(checked) => assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout)),
        Err(_) => not_run("redis-check-rdb"),
    }
}

#[test]
fn redis_restores_our_payloads() {
    let Some(dir) = dir_for_peer("payloads") else { return };
    let mut server = Server::start(dir);
    for (name, value) in values() {
        assert_eq!(server.restore("k", &dump(value.view(), &SaveOptions::new(REDIS))), "+OK", "{name}");
        assert_eq!(server.value("k"), Some(value), "{name}");
    }
}

/// Forms that only old servers wrote, and broken ones; true for those that are right.
const CONTENTS: [(bool, &[u8]); 31] = [
    (true, b"\x00\xc3\x09\x40\x64\x01aa\xe0\x57\x00\x01aa"),
    (true, b"\x01\x03\x01a\xc0\x05\x00"),
    (false, b"\x01\x00"),
    (true, b"\x04\x02\x01a\x01b\xc0\x05\x00"),
    (false, b"\x04\x02\x01a\x01b\x01a\x01c"),
    (false, b"\x04\x00"),
    (true, b"\x09\x07\x01\x01a\x01\x00b\xff"),
    (false, b"\x09\x08\x01\x01a\x01\x00b\xff\xff"),
    (true, b"\x09\x0d\x02\x01a\x01\x02b??\x01c\x00\x00\xff"),
    (false, b"\x09\x0c\x02\x01a\x01\x00b\x01a\x01\x00c\xff"),
    (false, b"\x09\x02\x00\xff"),
    (true, b"\x0a\x10\x10\0\0\0\x0d\0\0\0\x02\0\x00\x01a\x03\xf6\xff"),
    (false, b"\x0a\x10\x10\0\0\0\x0d\0\0\0\x03\0\x00\x01a\x03\xf6\xff"),
    (false, b"\x0a\x10\x10\0\0\0\x0d\0\0\0\x02\0\x00\x01a\x02\xf6\xff"),
    (false, b"\x0a\x0b\x0b\0\0\0\x0a\0\0\0\0\0\xff"),
    (true, b"\x0d\x10\x10\0\0\0\x0d\0\0\0\x02\0\x00\x01a\x03\xf6\xff"),
    (false, b"\x0d\x0d\x0d\0\0\0\x0a\0\0\0\x01\0\x00\xf6\xff"),
    (true, b"\x0e\x02\x10\x10\0\0\0\x0d\0\0\0\x02\0\x00\x01a\x03\xf6\xff\x0b\x0b\0\0\0\x0a\0\0\0\0\0\xff"),
    (true, b"\x10\x0c\x0c\0\0\0\x02\0\x81a\x02\x01\x01\xff"),
    (true, b"\x12\x02\x01\x05plain\x02\x0a\x0a\0\0\0\x01\0\x81a\x02\xff"),
    (false, b"\x12\x01\x03\x01a"),
    (false, b"\x12\x01\x01\x00"),
    (true, b"\x03\x02\x01b\xfe\x01a\x032.5"),
    (false, b"\x03\x01\x01a\xfd"),
    (false, b"\x03\x00"),
    (true, b"\x05\x02\x01b\0\0\0\0\0\0\xf0\x3f\x01c\0\0\0\0\0\0\0\xc0"),
    (false, b"\x05\x01\x01a\0\0\0\0\0\0\xf8\x7f"),
    (true, b"\x0c\x10\x10\0\0\0\x0d\0\0\0\x02\0\x00\x01a\x03\xf6\xff"),
    (false, b"\x0c\x0d\x0d\0\0\0\x0a\0\0\0\x01\0\x00\xf6\xff"),
    (true, b"\x11\x0c\x0c\0\0\0\x02\0\x81a\x02\x01\x01\xff"),
    (false, b"\x11\x09\x09\0\0\0\x01\0\x05\x01\xff"),
];

/// Types whose packed form may hold bytes without meaning that Redis does not look at and we refuse: what follows a
/// zipmap's end, where an empty ziplist has its last entry. And those with scores as text, which Redis reads as far as they are
/// numbers.
const JUDGED_STRICTER: [u8; 5] = [9, 14, 3, 12, 17];

/// Redis accepts what we accept, with the same content, and but for the above the other way round too.
fn judge(server: &mut Server, content: &[u8]) -> bool {
    let payload = payload(content, 10);
    let ours = restore(&payload, &Limits::default(), REDIS.rdb_version());
    let reply = server.restore("k", &payload);
    if ours.is_err() && JUDGED_STRICTER.contains(&content[0]) {
        return false;
    }
    let expected = if ours.is_ok() { "+OK" } else { "-ERR Bad data format" };
    let content = content.escape_ascii();
    assert_eq!(reply, expected, "{content}: {ours:?}");
    if let Ok(value) = &ours {
        assert_eq!(server.value("k").as_ref(), Some(value), "{content}");
    }
    ours.is_ok()
}

#[test]
fn redis_judges_payloads_as_we_do() {
    let Some(dir) = dir_for_peer("judge") else { return };
    let mut server = Server::start(dir);
    for (right, content) in CONTENTS {
        assert_eq!(judge(&mut server, content), right, "{}", content.escape_ascii());
    }
    let too_new = payload(b"\x00\x01a", 11);
    assert_eq!(server.restore("k", &too_new), "-ERR DUMP payload version or checksum are wrong");
}

/// Every byte of every form behind the type, changed in ways that matter to lengths, counts and marks.
#[test]
fn redis_judges_damaged_payloads_as_we_do() {
    let Some(dir) = dir_for_peer("damaged") else { return };
    let mut server = Server::start(dir);
    for (_, content) in CONTENTS.into_iter().filter(|(right, _)| *right) {
        for at in 1..content.len() {
            for change in [1, 2, 3, 0x10, 0x40, 0x80, 0xc0, 0xff] {
                let mut damaged = content.to_vec();
                damaged[at] ^= change;
                // Of an LZF block without bytes Redis makes a string of whatever lies in its memory.
                if !matches!(damaged[..], [0, 0xc3, _, 0 | 0xc0, ..]) {
                    judge(&mut server, &damaged);
                }
            }
        }
    }
}
