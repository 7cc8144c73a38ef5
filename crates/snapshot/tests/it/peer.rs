//! A real redis-server as the reader of our files and the writer of files for us.
//!
//! Without `redis-server` on the path the tests say so and pass, unless `ENGRAM_REQUIRE_PEERS=1` demands it.

use crate::support::*;
use files::Directory;
use keyspace::Keyspace;
use snapshot::{FileSink, Overflow, SnapshotOptions, load};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use structures::Value;

/// A private redis-server in a directory of its own.
struct Server {
    process: Child,
    connection: BufReader<UnixStream>,
}

fn dir_for_peer(test: &str) -> Option<PathBuf> {
    if Command::new("redis-server").arg("--version").output().is_err() {
        let required = std::env::var("ENGRAM_REQUIRE_PEERS").is_ok_and(|value| value == "1");
        assert!(!required, "redis-server not found, and ENGRAM_REQUIRE_PEERS=1");
        println!("not run: redis-server not found");
        return None;
    }
    Some(directory(test))
}

impl Server {
    fn start(dir: &Path) -> Server {
        let socket = dir.join("socket");
        let mut process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--daemonize", "no", "--enable-debug-command", "local"])
            .args(["--dir".as_ref(), dir.as_os_str(), "--unixsocket".as_ref(), socket.as_os_str()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = String::new();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        while !log.contains("server is now ready to accept connections at") {
            assert_ne!(lines.read_line(&mut log).unwrap(), 0, "redis-server ended:\n{log}");
        }
        // Nothing it logs later fills a pipe: it gets an error and goes on.
        drop(lines);
        Server { process, connection: BufReader::new(UnixStream::connect(socket).unwrap()) }
    }

    fn command(&mut self, args: &[&[u8]]) -> String {
        let mut request = format!("*{}\r\n", args.len()).into_bytes();
        for arg in args {
            request.extend(format!("${}\r\n", arg.len()).bytes());
            request.extend_from_slice(arg);
            request.extend(b"\r\n");
        }
        self.connection.get_mut().write_all(&request).unwrap();
        let mut line = String::new();
        self.connection.read_line(&mut line).unwrap();
        assert!(!line.starts_with('-'), "{line}");
        if let Some(len) = line.trim_end().strip_prefix('$') {
            let mut bulk = vec![0; len.parse::<usize>().unwrap() + 2];
            self.connection.read_exact(&mut bulk).unwrap();
            return String::from_utf8(bulk).unwrap().trim_end().to_owned();
        }
        line.trim_end().to_owned()
    }

    fn digest(&mut self) -> String {
        let digest = self.command(&[b"DEBUG", b"DIGEST"]);
        assert!(digest.len() > 40, "{digest}");
        digest
    }

    /// Makes a key by commands.
    fn make(&mut self, db: u16, key: &[u8], value: &Value, expire_at: Option<u64>) {
        self.command(&[b"SELECT", db.to_string().as_bytes()]);
        match value {
            Value::Int(int) => drop(self.command(&[b"SET", key, int.to_string().as_bytes()])),
            Value::Bytes(bytes) => drop(self.command(&[b"SET", key, bytes])),
            Value::List(list) => list.iter().for_each(|element| {
                self.command(&[b"RPUSH", key, &element.to_vec()]);
            }),
            Value::Hash(hash) => hash.iter().for_each(|(field, value)| {
                self.command(&[b"HSET", key, &field.to_vec(), &value.to_vec()]);
            }),
            Value::Set(set) => set.iter().for_each(|member| {
                self.command(&[b"SADD", key, &member.to_vec()]);
            }),
            Value::SortedSet(set) => set.iter().for_each(|(member, score)| {
                self.command(&[b"ZADD", key, score.get().to_string().as_bytes(), &member.to_vec()]);
            }),
            Value::Stream(stream) => stream.iter().for_each(|entry| {
                let fields: Vec<Vec<u8>> =
                    entry.fields.flat_map(|(name, value)| [name.to_vec(), value.to_vec()]).collect();
                let id = entry.id.to_string();
                let head: [&[u8]; 3] = [b"XADD", key, id.as_bytes()];
                self.command(&head.into_iter().chain(fields.iter().map(Vec::as_slice)).collect::<Vec<_>>());
            }),
        }
        if let Some(at) = expire_at {
            self.command(&[b"PEXPIREAT", key, at.to_string().as_bytes()]);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Redis drops keys whose time has come, so these have theirs far in the future.
fn fill_for_peer(keyspace: &Keyspace) {
    fill(keyspace);
    let model = in_world(keyspace, WORKER, 0, contents);
    for ((db, key), (_, expire_at)) in model {
        if let Some(at) = expire_at {
            let later = Some(at + 100 * 365 * 86_400_000);
            on_key(keyspace, WORKER, db, &key, |keys| keys.set_expire(&key, later));
        }
    }
}

#[test]
fn redis_loads_our_file_and_its_digest_is_that_of_the_same_data() {
    let Some(dir) = dir_for_peer("redis-loads") else { return };
    let (keyspace, _) = keyspace();
    fill_for_peer(&keyspace);
    let options = SnapshotOptions {
        chunk_bytes: 500,
        queue_bytes: 10_000,
        ..SnapshotOptions::new(save_options(), Overflow::Spill(Directory::at(&dir), "pre-images".into()))
    };
    let (snapshot, model) = begin(&keyspace, options);
    let mut sink = Disturbed {
        file: FileSink::create(&Directory::at(&dir), "dump.rdb", true).unwrap(),
        keyspace: &keyspace,
        n: 0,
    };
    let finished = run(&keyspace, snapshot, &mut sink).unwrap();
    assert_eq!(finished.keys as usize, model.len());

    let mut loader = Server::start(&dir);
    let fresh = dir.join("fresh");
    fs::create_dir(&fresh).unwrap();
    let mut oracle = Server::start(&fresh);
    for ((db, key), (value, expire_at)) in &model {
        oracle.make(*db, key, value, *expire_at);
    }
    assert_eq!(loader.digest(), oracle.digest());
    loader.command(&[b"SELECT", b"2"]);
    assert_eq!(loader.command(&[b"DBSIZE"]), format!(":{}", model.len() / 2));

    // And back: what the real one saves is what we load.
    oracle.command(&[b"SAVE"]);
    let (ours, _) = crate::support::keyspace();
    let file = File::open(fresh.join("dump.rdb")).unwrap();
    load(file, &ours, WORKER, load_options(), |_| {}).unwrap();
    assert_eq!(in_world(&ours, WORKER, 0, contents), model);
    drop((loader, oracle));
    fs::remove_dir_all(dir).unwrap();
}

/// Commands that come between the chunks: databases interleave in the file.
struct Disturbed<'k> {
    file: FileSink,
    keyspace: &'k Keyspace,
    n: u64,
}

impl snapshot::Sink for Disturbed<'_> {
    fn write(&mut self, chunk: Vec<u8>) -> std::io::Result<Vec<u8>> {
        self.n += 1;
        for db in [0, 2] {
            let key = format!("int:{}", self.n % 200);
            put(self.keyspace, db, key.as_bytes(), bytes("changed"), None);
            let key = format!("text:{}", self.n % 200);
            on_key(self.keyspace, WORKER, db, key.as_bytes(), |keys| drop(keys.remove(key.as_bytes())));
        }
        self.file.write(chunk)
    }

    fn finish(&mut self) -> std::io::Result<()> {
        self.file.finish()
    }
}
