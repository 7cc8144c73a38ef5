//! What depends on the memory of the whole process, so one test alone in a process of its own: `maxmemory`.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods)] // a test starts servers

use config::{Config, NoDirectives};
use conformance::connection::Connection;
use conformance::reply::Reply;
use node::{Node, Options};
use profile::Profile;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: memory::CountingAllocator = memory::CountingAllocator;

fn ask(connection: &mut Connection, line: &str) -> Reply {
    let words: Vec<&str> = line.split(' ').collect();
    connection.call(&words).expect("a reply")
}

fn number(connection: &mut Connection, field: &str) -> u64 {
    let reply = ask(connection, "INFO all");
    let text = String::from_utf8_lossy(reply.text().expect("INFO is text")).into_owned();
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.and_then(|value| value.parse().ok()).expect("a number")
}

#[test]
fn maxmemory_holds() {
    let dir = std::env::temp_dir().join(format!("node-alone-{}", std::process::id()));
    std::fs::create_dir_all(&dir).expect("a directory for the socket");
    let at = dir.display();
    let text = format!("port 0\nsave \"\"\ndir {at}\nunixsocket {at}/s\nlogfile log\nworkers 2\n");
    let config =
        Config::load(Profile::Redis70, text.as_bytes(), &mut NoDirectives).expect("a valid configuration");
    let options = Options { config, config_file: None, executable: PathBuf::new() };
    let mut node = Node::start(options).expect("the node starts");
    let connect = || Connection::unix(&dir.join("s")).expect("the node listens");

    writes_are_refused_and_reads_are_not(&mut connect());
    memory_stays_near_the_limit_under_load(&connect);
    one_that_waits_for_the_world_does_not_wait_for_room(&connect);

    node.end();
    drop(std::fs::remove_dir_all(&dir));
}

fn writes_are_refused_and_reads_are_not(client: &mut Connection) {
    for line in ["SET k v", "CONFIG SET maxmemory 1"] {
        assert!(!ask(client, line).is_error());
    }
    let oom = Reply::Error(b"OOM command not allowed when used memory > 'maxmemory'.".to_vec());
    assert_eq!(ask(client, "SET other v"), oom);
    assert_eq!(ask(client, "GET k"), Reply::bulk("v"));
    assert_eq!(ask(client, "DEL k"), Reply::Integer(1));
}

fn memory_stays_near_the_limit_under_load(connect: &(dyn Fn() -> Connection + Sync)) {
    let mut client = connect();
    let base = number(&mut client, "used_memory");
    let room = 32 << 20;
    for line in [
        "CONFIG SET maxmemory-policy allkeys-lru".to_owned(),
        format!("CONFIG SET maxmemory {}", base + room),
    ] {
        assert!(!ask(&mut client, &line).is_error());
    }
    let most = thread::scope(|scope| {
        let writers = [0, 1].map(|who| {
            scope.spawn(move || {
                let (mut client, mut most) = (connect(), 0);
                let value = "v".repeat(50_000);
                for n in 0..2000 {
                    assert!(!ask(&mut client, &format!("SET {who}:{n} {value}")).is_error());
                    if n % 50 == 0 {
                        most = most.max(number(&mut client, "used_memory"));
                    }
                }
                most
            })
        });
        writers.map(|writer| writer.join().expect("a writer")).into_iter().max()
    });
    let most = most.expect("two writers");
    assert!(most < base + room + room / 4, "{most} bytes with a limit of {}", base + room);
    let Reply::Integer(keys) = ask(&mut client, "DBSIZE") else { panic!("a number") };
    assert!(keys > 100, "more was evicted than needed: {keys} keys are left");
    // Many small ones must go for a large one, which takes longer than one command gives it.
    for n in 0..20_000 {
        assert!(!ask(&mut client, &format!("SET small:{n} value")).is_error());
    }
    let value = "v".repeat(4 << 20);
    for n in 0..5 {
        assert!(!ask(&mut client, &format!("SET large:{n} {value}")).is_error());
    }
    let began = Instant::now();
    while number(&mut client, "used_memory") > base + room {
        assert!(began.elapsed() < Duration::from_secs(60), "nobody evicts the rest");
    }
}

fn one_that_waits_for_the_world_does_not_wait_for_room(connect: &(dyn Fn() -> Connection + Sync)) {
    assert!(!ask(&mut connect(), "CONFIG SET maxmemory 1").is_error());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = connect();
                for n in 0..100 {
                    assert!(!ask(&mut client, "FLUSHALL").is_error());
                    assert!(!ask(&mut client, &format!("GET {n}")).is_error());
                }
            });
        }
    });
}
