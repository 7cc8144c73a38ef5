//! `engram bench`: how it ends, whatever the server does.

use crate::process::{Directory, Program, ask, free_port, run};
use nix::sys::signal::Signal;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::time::Instant;

/// A server on a port of its own that does something with each connection, as many as are made.
fn server(connections: usize, serve: impl Fn(std::net::TcpStream, usize) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let serve = std::sync::Arc::new(serve);
    std::thread::spawn(move || {
        for number in 0..connections {
            let (stream, _) = listener.accept().expect("a connection");
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream, number));
        }
    });
    port.to_string()
}

/// Answers so many requests, each of one read, and closes.
fn answer(mut stream: std::net::TcpStream, requests: usize) {
    let mut buffer = [0; 4096];
    for _ in 0..requests {
        if stream.read(&mut buffer).unwrap_or(0) == 0 || stream.write_all(b"+OK\r\n").is_err() {
            return;
        }
    }
    // The request that it closes upon.
    let _ = stream.read(&mut buffer);
}

#[test]
fn a_signal_ends_it_with_the_table() {
    let directory = Directory::new();
    let port = free_port();
    let arguments =
        ["node", "--port", &port.to_string(), "--bind", "127.0.0.1", "--dir", directory.text(), "--save", ""];
    let mut node = Program::start(&arguments);
    node.wait_for("Ready to accept connections");
    for options in [&["-c", "3"][..], &["-c", "3", "-t", "2", "-r", "2000"]] {
        assert_eq!(ask(port, "DEL counter"), ":0\r\n");
        let arguments = ["bench", "-p", &port.to_string(), "--time", "600", "--command", "INCR counter"];
        let bench = Program::start(&[&arguments[..], options].concat());
        while !ask(port, "EXISTS counter").starts_with(":1") {}
        bench.signal(Signal::SIGINT);
        let (code, output) = bench.end();
        assert_eq!(code, Some(0));
        let row: Vec<&str> = output.lines().last().expect("a row").split_whitespace().collect();
        let counted = ask(port, "GETDEL counter");
        assert_ne!(counted, "$-1\r\n");
        assert_eq!(row[0], "INCR", "{output}");
        assert!(row[1].replace(',', "").parse::<u64>().expect("a number") > 0, "{output}");
        ask(port, "DEL counter");
    }
}

#[test]
fn connections_that_break_are_told() {
    // One of three goes on until it has answered 500.
    let port = server(3, |stream, number| answer(stream, if number == 2 { 500 } else { 5 }));
    let output = run(&["bench", "-p", &port, "-c", "3", "--command", "PING", "--time", "600"]);
    let (table, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let row: Vec<&str> = table.lines().last().expect("a row").split_whitespace().collect();
    assert_eq!(row[..2], ["PING", "510"], "{table}");
    for sentence in ["3 of 3 connections broke", "3 requests were not answered", "a connection broke"] {
        assert!(errors.contains(sentence), "{sentence}: {errors}");
    }
}

#[test]
fn a_server_that_never_answers_ends_it_too() {
    let hold = |mut stream: std::net::TcpStream, _| drop(stream.read_to_end(&mut Vec::new()));
    let port = server(2, hold);
    let began = Instant::now();
    let output =
        run(&["bench", "-p", &port, "-c", "2", "--command", "PING", "--time", "600", "--patience", "0.2"]);
    assert!(began.elapsed().as_secs() < 300, "it does not wait for its end");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("no answer came for 200ms"), "{errors}");
    assert!(errors.contains("2 requests were not answered"), "{errors}");
}

#[test]
fn what_is_no_reply_is_told() {
    let port = server(1, |mut stream, _| {
        let _ = stream.read(&mut [0; 100]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = stream.read(&mut [0; 100]);
    });
    let output = run(&["bench", "-p", &port, "-c", "1", "--command", "PING"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("no reply") && errors.contains("HTTP/1.1 400"), "{errors}");
}

#[test]
fn it_speaks_memcacheds_text_protocol() {
    let port = server(1, |mut stream, _| {
        // `mg key:000000000000 v`, of which every second is a hit.
        let mut request = [0; "mg key:000000000000 v\r\n".len()];
        for number in 0..10 {
            if stream.read_exact(&mut request).is_err() {
                return;
            }
            assert_eq!(&request, b"mg key:000000000000 v\r\n");
            let reply: &[u8] = if number % 2 == 0 { b"EN\r\n" } else { b"VA 4\r\n\r\n\r\n\r\n" };
            stream.write_all(reply).expect("it is read");
        }
        let _ = stream.read(&mut request);
    });
    let command = ["--memcached", "--command", "mg {key} v", "-k", "1", "-n", "10", "--json", "-"];
    let output = run(&[&["bench", "-p", &port, "-c", "1"], &command[..]].concat());
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a document");
    let total = &document["loads"][0]["total"];
    assert_eq!((&total["requests"], &total["nils"], &total["errors"]), (&10.into(), &5.into(), &0.into()));
}

#[test]
fn pictures_of_several_runs_are_drawn() {
    let directory = Directory::new();
    let file = |name: &str| directory.path().join(name).to_str().expect("plain").to_owned();
    for name in ["a.json", "b.json"] {
        let port = server(1, |stream, _| answer(stream, 100));
        let output =
            run(&["bench", "-p", &port, "-c", "1", "-n", "100", "--command", "PING", "--json", &file(name)]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let output = run(&["bench", "plot", &file("a.json"), &file("b.json"), "--svg", &file("c.svg")]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let picture = std::fs::read_to_string(file("c.svg")).expect("it was written");
    assert_eq!(picture.matches("<polyline").count(), 2);
    assert!(picture.contains("a: PING") && picture.contains("b: PING"));
}
