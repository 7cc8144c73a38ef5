//! `engram` without a subcommand: a region, with a cache at its first start.

use crate::process::{Directory, Program, ask, expect_refusal, free_port, run};
use nix::sys::signal::Signal;
use std::net::{Ipv4Addr, TcpListener};

/// The API anywhere: tests run side by side.
const ANY: &str = "127.0.0.1:0";

#[test]
fn it_says_where_it_is_and_stops_cleanly() {
    let directory = Directory::new();
    let data = directory.path().join("new/data");
    let port = free_port();
    let arguments = ["--data-dir", data.to_str().expect("plain"), "--port", &port.to_string(), "--api", ANY];
    let mut program = Program::start(&arguments);
    let ready = program.wait_for("is ready");
    assert!(ready.contains(&format!("127.0.0.1:{port}")), "{ready}");
    for command in ["set greeting hello", "get greeting"] {
        let line = program.wait_for(command);
        assert!(line.contains(&format!("-p {port}")), "{line}");
    }
    program.wait_for("aws elasticache");
    assert_eq!(ask(port, "PING"), "+PONG\r\n");
    program.signal(Signal::SIGINT);
    let (code, _) = program.end();
    assert_eq!(code, Some(0));
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("nobody listens any more");
    let log = std::fs::read_to_string(data.join("nodes/n1/node.log")).expect("a log");
    assert!(log.contains("bye bye"), "{log}");
}

#[test]
fn a_taken_port_is_one_sentence_with_the_flag_that_helps() {
    let directory = Directory::new();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = taken.local_addr().expect("an address").port();
    expect_refusal(
        &["--data-dir", directory.text(), "--port", &port.to_string(), "--api", ANY],
        &format!(
            "127.0.0.1:{port} is already in use; choose another with --port, or leave the cache out with --no-default-cache"
        ),
    );
}

#[test]
fn a_taken_api_port_is_one_sentence_with_the_flag_that_helps() {
    let directory = Directory::new();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let api = taken.local_addr().expect("an address").to_string();
    expect_refusal(
        &["--data-dir", directory.text(), "--no-default-cache", "--api", &api],
        &format!("{api} is already in use; choose another with --api"),
    );
}

#[test]
fn an_address_or_port_that_cannot_be_is_refused_before_anything_is_made() {
    let directory = Directory::new();
    let data = directory.path().join("data");
    let address = "it must be an IP address with a port, such as 127.0.0.1:4566";
    for (option, value, why) in [
        ("--api", "4566", address),
        ("--api", "127.0.0.1", address),
        ("--api", "localhost:4566", address),
        ("--port", "0", "0 is not in 1..=65535"),
        ("--port", "65536", "65536 is not in 1..=65535"),
    ] {
        let output = run(&["--data-dir", data.to_str().expect("plain"), option, value]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(text.contains(why), "{option} {value}: {text}");
        assert!(!data.exists(), "{option} {value}");
    }
}

#[test]
fn an_unusable_directory_is_one_sentence_with_the_flag_that_helps() {
    let directory = Directory::new();
    let file = directory.path().join("file");
    std::fs::write(&file, "").expect("a file");
    let within = file.join("data");
    expect_refusal(
        &["--data-dir", within.to_str().expect("plain"), "--port", &free_port().to_string(), "--api", ANY],
        &format!(
            "cannot use the data directory {} (Not a directory); choose another with --data-dir",
            within.display()
        ),
    );
}

#[test]
fn two_do_not_share_a_directory() {
    let directory = Directory::new();
    let mut first =
        Program::start(&["--data-dir", directory.text(), "--port", &free_port().to_string(), "--api", ANY]);
    first.wait_for("is ready");
    let real = directory.path().canonicalize().expect("it exists");
    expect_refusal(
        &["--data-dir", directory.text(), "--port", &free_port().to_string(), "--api", ANY],
        &format!("another engram uses the data directory {}; choose another with --data-dir", real.display()),
    );
    first.signal(Signal::SIGTERM);
    assert_eq!(first.end().0, Some(0));
}

#[test]
fn help_and_version_are_there() {
    for (arguments, text) in [
        (&["--help"][..], "--data-dir"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
        (&["node", "--help"], "redis.conf"),
        (&["node", "--version"], env!("CARGO_PKG_VERSION")),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(text), "{arguments:?}");
    }
    assert_eq!(run(&["nonsense"]).status.code(), Some(2));
}

#[test]
fn a_cache_keeps_the_port_of_its_first_start() {
    let directory = Directory::new();
    let (port, other) = (free_port().to_string(), free_port().to_string());
    let start = |port| Program::start(&["--data-dir", directory.text(), "--port", port, "--api", ANY]);
    let mut program = start(&port);
    program.wait_for("is ready");
    program.signal(Signal::SIGINT);
    assert_eq!(program.end().0, Some(0));
    let taken =
        TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse().expect("a port"))).expect("it is free again");
    expect_refusal(
        &["--data-dir", directory.text(), "--api", ANY],
        &format!("127.0.0.1:{port}, where the cache named default is, is already in use; stop what uses it"),
    );
    drop(taken);
    expect_refusal(
        &["--data-dir", directory.text(), "--port", &other, "--api", ANY],
        &format!("the cache named default has the port {port} since the first start; leave --port out"),
    );
}

#[test]
fn the_next_start_has_the_data_back() {
    let directory = Directory::new();
    let port = free_port();
    for round in 0..2 {
        let mut program =
            Program::start(&["--data-dir", directory.text(), "--port", &port.to_string(), "--api", ANY]);
        program.wait_for("is ready");
        if round == 0 {
            assert_eq!(ask(port, "SET greeting hello"), "+OK\r\n");
        } else {
            assert_eq!(ask(port, "STRLEN greeting"), ":5\r\n");
        }
        program.signal(Signal::SIGINT);
        assert_eq!(program.end().0, Some(0));
    }
}
