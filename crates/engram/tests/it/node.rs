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
    program.signal(Signal::SIGINT);
    assert_eq!(program.end().0, Some(1));
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
    let output = run(&["node", "--port", "abc"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("*** FATAL CONFIG FILE ERROR"));
}
