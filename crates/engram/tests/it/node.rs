//! `engram node`: redis-server's arguments, its log lines and its ways to end.

use crate::process::{Directory, Program, ask, expect_refusal, free_port, run};
use nix::sys::signal::Signal;

/// A node on this port alone, with a log on its standard output.
fn start(directory: &Directory, port: u16, more: &[&str]) -> Program {
    let port = port.to_string();
    let mut arguments = vec!["node", "--port", &port, "--bind", "127.0.0.1", "--dir", directory.text()];
    arguments.extend(["--save", ""]);
    arguments.extend(more);
    Program::start(&arguments)
}

#[test]
fn it_logs_its_start_and_its_end_as_redis_server_does() {
    let directory = Directory::new();
    let port = free_port();
    let mut program = start(&directory, port, &["--engine", "redis-7.0"]);
    let line = program.wait_for("Redis is starting");
    assert!(line.contains(":C ") && line.contains(" # oO0OoO0OoO0Oo"), "{line}");
    program.wait_for("Redis version=7.0.15, bits=64");
    program.wait_for(&format!("* Running mode=standalone, port={port}."));
    program.wait_for("# Server initialized");
    let line = program.wait_for("Ready to accept connections");
    assert!(line.contains(":M ") && line.ends_with(" * Ready to accept connections\n"), "{line}");
    assert_eq!(ask(port, "PING"), "+PONG\r\n");
    program.signal(Signal::SIGTERM);
    program.wait_for("Received SIGTERM scheduling shutdown...");
    program.wait_for("# User requested shutdown...");
    program.wait_for("# Redis is now ready to exit, bye bye...");
    assert_eq!(program.end().0, Some(0));
}

#[test]
fn a_file_and_options_configure_it_and_rewrite_finds_the_file() {
    let directory = Directory::new();
    let file = directory.path().join("node.conf");
    let port = free_port();
    std::fs::write(&file, format!("# mine\nport 1\nmaxmemory 100mb\ndir {}\n", directory.text()))
        .expect("written");
    let text = file.to_str().expect("plain");
    let arguments = ["node", text, "--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""];
    let mut program = Program::start(&arguments);
    program.wait_for("Ready to accept connections");
    assert_eq!(ask(port, "CONFIG SET maxmemory 200mb"), "+OK\r\n");
    assert_eq!(ask(port, "CONFIG REWRITE"), "+OK\r\n");
    program.signal(Signal::SIGINT);
    assert_eq!(program.end().0, Some(0));
    let rewritten = std::fs::read_to_string(&file).expect("it is there");
    assert!(rewritten.starts_with(&format!("# mine\nport {port}\nmaxmemory 200mb\n")), "{rewritten}");
}

#[test]
fn it_listens_elsewhere_when_told_and_stays_when_it_cannot() {
    let directory = Directory::new();
    let (first, second) = (free_port(), free_port());
    let mut program = start(&directory, first, &[]);
    program.wait_for("Ready to accept connections");
    // TEST-NET-1: no host has it.
    let refused = ask(first, "CONFIG SET bind 192.0.2.1");
    assert!(refused.ends_with("'bind') - Failed to bind to specified addresses.\r\n"), "{refused}");
    assert_eq!(ask(first, &format!("CONFIG SET port {second}")), "+OK\r\n");
    assert_eq!(ask(second, "PING"), "+PONG\r\n");
    std::net::TcpListener::bind(("127.0.0.1", first)).expect("the old port is free");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let directory = Directory::new();
    let port = free_port();
    let mut program = start(&directory, port, &["--enable-debug-command", "local"]);
    program.wait_for("Ready to accept connections");
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    // Executed one after the other on one worker: once the line is there, the worker goes to sleep.
    std::io::Write::write_all(&mut stream, b"DEBUG LOG asleep\r\nDEBUG SLEEP 1000\r\n").expect("it reads");
    program.wait_for("DEBUG LOG: asleep");
    program.signal(Signal::SIGINT);
    program.wait_for("Received SIGINT scheduling shutdown...");
    let first = std::time::Instant::now();
    while !program.has_ended() {
        program.signal(Signal::SIGINT);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    // What comes at once is the same wish.
    assert!(first.elapsed() > std::time::Duration::from_millis(400));
    assert_eq!(program.end().0, Some(1));
}

/// A node with these keys that a client has asked to end, and that has begun to write its file: `delay` microseconds a key.
fn saving(directory: &Directory, port: u16, keys: u32, delay: &str) -> Program {
    let mut program =
        start(directory, port, &["--enable-debug-command", "local", "--rdb-key-save-delay", delay]);
    program.wait_for("Ready to accept connections");
    assert_eq!(ask(port, &format!("DEBUG POPULATE {keys}")), "+OK\r\n");
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    std::io::Write::write_all(&mut stream, b"SHUTDOWN SAVE\r\n").expect("it reads");
    program.wait_for("Saving the final RDB snapshot before exiting.");
    while !names(directory).iter().any(|name| name.starts_with("temp-")) {
        assert!(!program.has_ended(), "it has not waited for its file");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    program
}

fn names(directory: &Directory) -> Vec<String> {
    let entries = std::fs::read_dir(directory.path()).expect("a directory");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn the_first_signal_lets_a_node_save_that_a_client_ends() {
    let directory = Directory::new();
    let mut program = saving(&directory, free_port(), 200, "20000");
    program.signal(Signal::SIGTERM);
    program.wait_for("Received SIGTERM scheduling shutdown...");
    assert_eq!(program.end().0, Some(0));
    assert_eq!(names(&directory), ["dump.rdb"]);
    let port = free_port();
    let mut program = start(&directory, port, &[]);
    program.wait_for("Ready to accept connections");
    assert_eq!(ask(port, "DBSIZE"), ":200\r\n");
}

#[test]
fn a_second_signal_leaves_no_half_written_file() {
    let directory = Directory::new();
    let mut program = saving(&directory, free_port(), 1, "2000000000");
    program.signal(Signal::SIGTERM);
    program.wait_for("Received SIGTERM scheduling shutdown...");
    while !program.has_ended() {
        program.signal(Signal::SIGTERM);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(program.end().0, Some(1));
    assert_eq!(names(&directory), Vec::<String>::new());
}

#[test]
fn debug_panic_ends_it_as_a_bug_would() {
    let directory = Directory::new();
    let port = free_port();
    let mut program = start(&directory, port, &["--enable-debug-command", "local"]);
    program.wait_for("Ready to accept connections");
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    std::io::Write::write_all(&mut stream, b"DEBUG PANIC\r\n").expect("it reads");
    program.wait_for("=== VALKEY BUG REPORT START: Cut & paste starting from here ===");
    program.wait_for("called by DEBUG PANIC");
    assert_eq!(program.end().0, None, "a signal ends it");
}

#[test]
fn what_it_cannot_use_is_one_sentence() {
    let directory = Directory::new();
    let port = free_port().to_string();
    let nowhere = directory.path().join("nowhere");
    let nowhere = nowhere.to_str().expect("plain");
    expect_refusal(
        &["node", "--port", &port, "--dir", nowhere],
        &format!("cannot use the directory {nowhere} (No such file or directory); choose another with --dir"),
    );
    let output = run(&["node", "/nowhere/node.conf"]);
    assert_eq!(output.status.code(), Some(1));
    let error = "Fatal error, can't open config file '/nowhere/node.conf': No such file or directory\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), error);
    for option in ["-v", "--version"] {
        let output = run(&["node", option]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.starts_with("Valkey server v=8.0.1 sha=00000000:0 malloc="), "{text}");
    }
    let output = run(&["node", "--port", "abc"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("*** FATAL CONFIG FILE ERROR"));
}

#[test]
fn what_it_cannot_load_or_listen_on_is_in_the_log_too() {
    let directory = Directory::new();
    let file = directory.path().join("dump.rdb");
    // The checksum is of another file.
    std::fs::write(&file, b"REDIS0010\xfffoobar00").expect("written");
    let port = free_port();
    let mut program = start(&directory, port, &[]);
    program.wait_for("# Wrong RDB checksum expected: (");
    program.wait_for("# Internal error in RDB reading offset 18 -> RDB CRC error");
    assert_eq!(program.end().0, Some(1));
    std::fs::remove_file(&file).expect("it was there");

    let mut first = start(&directory, port, &[]);
    first.wait_for("Ready to accept connections");
    let mut second = start(&directory, port, &[]);
    second.wait_for(&format!(
        "# Warning: Could not create server TCP listening socket 127.0.0.1:{port}: bind: Address already in use"
    ));
    second.wait_for(&format!("# Failed listening on port {port} (TCP), aborting."));
    assert_eq!(second.end().0, Some(1));
}

#[test]
fn the_logo_tells_its_process_and_port() {
    let directory = Directory::new();
    let port = free_port();
    let mut program = start(&directory, port, &["--always-show-logo", "yes", "--engine", "redis-7.0"]);
    program.wait_for("Redis 7.0.15 (Engram ");
    program.wait_for(&format!(" Port: {port}\n"));
    let pid = program.id();
    program.wait_for(&format!(" PID: {pid}\n"));
    program.wait_for("# Server initialized");
}

#[test]
fn the_pid_file_is_there_while_it_runs() {
    let directory = Directory::new();
    let file = directory.path().join("node.pid");
    let mut program = start(&directory, free_port(), &["--pidfile", "node.pid"]);
    program.wait_for("Ready to accept connections");
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), format!("{}\n", program.id()));
    program.signal(Signal::SIGTERM);
    program.wait_for("* Removing the pid file.");
    assert_eq!(program.end().0, Some(0));
    assert!(!file.exists());
}

#[test]
fn a_daemon_goes_on_in_a_process_of_its_own() {
    let directory = Directory::new();
    let port = free_port().to_string();
    let file = directory.path().join("node.pid");
    let output = run(&[
        "node",
        "--port",
        &port,
        "--bind",
        "127.0.0.1",
        "--dir",
        directory.text(),
        "--save",
        "",
        "--daemonize",
        "yes",
        "--pidfile",
        "node.pid",
        "--logfile",
        "node.log",
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    let port = port.parse().expect("it was a port");
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        std::thread::yield_now();
    }
    // It listens before it has loaded, as redis-server does.
    while ask(port, "PING").starts_with("-LOADING") {
        std::thread::yield_now();
    }
    assert_eq!(ask(port, "PING"), "+PONG\r\n");
    let pid: i32 = std::fs::read_to_string(&file).expect("it is there").trim().parse().expect("a number");
    let pid = nix::unistd::Pid::from_raw(pid);
    assert_eq!(nix::unistd::getsid(Some(pid)).expect("it runs"), pid, "it leads a session of its own");
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    std::io::Write::write_all(&mut stream, b"SHUTDOWN NOSAVE\r\n").expect("it reads");
    let mut reply = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut reply).expect("it closes");
    assert!(reply.is_empty(), "{reply:?}");
    let log = std::fs::read_to_string(directory.path().join("node.log")).expect("it is there");
    assert!(log.contains("Ready to accept connections"), "{log}");
}

#[test]
fn it_stays_when_its_file_cannot_be_written_and_ends_without_one() {
    let directory = Directory::new();
    // Nothing can be put in the place of a directory that is not empty.
    std::fs::create_dir_all(directory.path().join("dump.rdb/inside")).expect("made");
    let port = free_port();
    let mut program = start(&directory, port, &["--save", "3600 1"]);
    program.wait_for("Fatal error loading the DB: Is a directory");
    assert_eq!(program.end().0, Some(1));

    std::fs::remove_dir_all(directory.path().join("dump.rdb")).expect("removed");
    let mut program = start(&directory, port, &["--save", "3600 1"]);
    program.wait_for("Ready to accept connections");
    std::fs::create_dir_all(directory.path().join("dump.rdb/inside")).expect("made");
    program.signal(Signal::SIGTERM);
    program.wait_for("* Saving the final RDB snapshot before exiting.");
    program.wait_for("# Error trying to save the DB, can't exit.");
    program.wait_for("# Errors trying to shut down the server. Check the logs for more information.");
    assert_eq!(ask(port, "SET a 1"), "+OK\r\n", "writes go on");
    assert_eq!(ask(port, "SHUTDOWN"), "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    assert_eq!(ask(port, "SHUTDOWN ABORT"), "-ERR No shutdown in progress.\r\n");
    assert_eq!(ask(port, "SHUTDOWN FORCE"), "");
    program.wait_for("# Error trying to save the DB. Exit anyway.");
    assert_eq!(program.end().0, Some(0));
}

#[test]
fn it_waits_for_a_replica_that_lags_until_it_is_told_otherwise() {
    let directory = Directory::new();
    let port = free_port();
    let mut program =
        start(&directory, port, &["--repl-diskless-sync-delay", "0", "--shutdown-timeout", "3600"]);
    program.wait_for("Ready to accept connections");
    // A replica that acknowledges nothing.
    let mut replica = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    for (request, reply) in [("REPLCONF listening-port 1234", "+OK\r\n"), ("PSYNC ? -1", "+FULLRESYNC")] {
        std::io::Write::write_all(&mut replica, format!("{request}\r\n").as_bytes()).expect("it reads");
        let mut answer = vec![0; reply.len()];
        std::io::Read::read_exact(&mut replica, &mut answer).expect("it answers");
        assert_eq!(String::from_utf8_lossy(&answer), reply);
    }
    assert_eq!(ask(port, "SET a 1"), "+OK\r\n");
    let blocked = std::thread::spawn(move || ask(port, "SHUTDOWN NOSAVE"));
    program.wait_for("* Waiting for replicas before shutting down.");
    assert_eq!(ask(port, "SHUTDOWN ABORT"), "+OK\r\n");
    program.wait_for("Shutdown manually aborted.");
    let told = blocked.join().expect("a reply");
    assert_eq!(told, "-ERR Errors trying to SHUTDOWN. Check logs.\r\n");
    assert_eq!(ask(port, "SET a 2"), "+OK\r\n", "writes go on");
    assert_eq!(ask(port, "SHUTDOWN NOW NOSAVE"), "");
    let line = program.wait_for("# Lagging replica 127.0.0.1:1234 reported offset ");
    assert!(line.contains(" behind primary, lag="), "{line}");
    program.wait_for("* 0 of 1 replicas are in sync when shutting down.");
    assert_eq!(program.end().0, Some(0));
}

#[test]
fn a_signal_ends_it_while_it_loads() {
    let directory = Directory::new();
    let port = free_port();
    let mut program = start(&directory, port, &[]);
    program.wait_for("Ready to accept connections");
    for line in ["SET a 1", "SET b 2", "SAVE"] {
        assert_eq!(ask(port, line), "+OK\r\n");
    }
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().0, Some(0));
    let mut program = start(&directory, port, &["--key-load-delay", "2000000000"]);
    program.wait_for("Server initialized");
    assert_eq!(ask(port, "GET a"), "-LOADING Valkey is loading the dataset in memory\r\n");
    program.signal(Signal::SIGTERM);
    let (code, rest) = program.end();
    assert_eq!((code, rest.contains("Ready to accept")), (Some(0), false), "{rest}");
}

#[test]
fn every_parameter_can_be_written_and_read_back() {
    let directory = Directory::new();
    let file = directory.path().join("node.conf");
    std::fs::write(&file, "").expect("written");
    let text = file.to_str().expect("plain");
    let port = free_port();
    let first = port.to_string();
    let own = ["node", text, "--port", &first, "--bind", "127.0.0.1", "--dir", directory.text()];
    let arguments = [&own[..], &["--enable-debug-command", "local"]].concat();
    let mut program = Program::start(&arguments);
    program.wait_for("Ready to accept connections");
    assert_eq!(ask(port, "DEBUG CONFIG-REWRITE-FORCE-ALL"), "+OK\r\n");
    program.signal(Signal::SIGTERM);
    assert_eq!(program.end().0, Some(0));
    let rewritten = std::fs::read_to_string(&file).expect("it is there");
    assert!(rewritten.contains("\ntimeout 0\n") && rewritten.contains("\nmaxmemory 0\n"), "{rewritten}");
    let mut program = Program::start(&["node", text]);
    program.wait_for("Ready to accept connections");
    assert_eq!(ask(port, "PING"), "+PONG\r\n");
}

#[test]
fn both_sides_of_a_link_tell_of_it_as_redis_server_does() {
    let (first, second) = (Directory::new(), Directory::new());
    let (port, replica_port) = (free_port(), free_port());
    let engine = ["--engine", "redis-7.0", "--repl-diskless-sync-delay", "0"];
    let mut primary = start(&first, port, &engine);
    let mut replica = start(&second, replica_port, &engine);
    primary.wait_for("Ready to accept connections");
    replica.wait_for("Ready to accept connections");
    assert_eq!(ask(replica_port, &format!("REPLICAOF 127.0.0.1 {port}")), "+OK\r\n");

    primary.wait_for(&format!("* Replica 127.0.0.1:{replica_port} asks for synchronization"));
    primary
        .wait_for("* Partial resynchronization not accepted: Replication ID mismatch (Replica asked for '");
    primary.wait_for("* Starting BGSAVE for SYNC with target: replicas sockets");
    primary.wait_for(&format!("* Synchronization with replica 127.0.0.1:{replica_port} succeeded"));
    for line in [
        &format!("* Connecting to MASTER 127.0.0.1:{port}"),
        "* MASTER <-> REPLICA sync started",
        "* Non blocking connect for SYNC fired the event.",
        "* Trying a partial resynchronization (request ",
        "* Full resync from master: ",
        "* MASTER <-> REPLICA sync: receiving streamed RDB from master with EOF to disk",
        "* MASTER <-> REPLICA sync: Flushing old data",
        "* MASTER <-> REPLICA sync: Loading DB in memory",
        "* Done loading RDB, keys loaded: 0, keys expired: 0.",
        "* MASTER <-> REPLICA sync: Finished with success",
    ] {
        replica.wait_for(line);
    }

    assert_eq!(ask(port, "CLIENT KILL TYPE replica"), ":1\r\n");
    replica.wait_for("* Connection with master lost.");
    replica.wait_for("* Successful partial resynchronization with master.");
    replica.wait_for("* MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.");
    primary.wait_for(&format!("Connection with replica 127.0.0.1:{replica_port} lost."));
    primary.wait_for(&format!(
        "* Partial resynchronization request from 127.0.0.1:{replica_port} accepted. Sending 0 bytes of backlog"
    ));
}
