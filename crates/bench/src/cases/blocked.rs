//! Latency of other clients while one client keeps the server busy with long commands.
//!
//! Nothing is pinned, and Engram has two workers: a long command holds only the slots of its keys, and at most one
//! worker. redis-server is one thread, so all clients wait.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use conformance::connection::encode;

use super::Case;
use crate::load::{Command, Keys, Load};
use crate::report::{Figure, Unit};
use crate::subject::Server;

const KEYS: u64 = 100_000;
const LIST: &str = "long-list";

pub(super) const CASE: Case = Case {
    name: "blocked",
    about: "PING and GET (8 connections) while another client runs long commands; two workers, not pinned",
    prepare: |setting| {
        let elements = setting.size(1_000_000, 100_000);
        let watched = Duration::from_millis(setting.size(3000, 500));
        let server = setting.start_with_workers(2)?;
        server.fill(setting.size(1_000_000, KEYS), 64)?;
        make_list(&server, elements)?;
        Ok(Box::new(move || {
            let mut figures = Vec::new();
            for (name, command) in [
                ("LRANGE", ["LRANGE", LIST, "0", "-1"].as_slice()),
                ("KEYS", &["KEYS", "nothing-is-called-so"]),
                ("SLEEP", &["DEBUG", "SLEEP", "0.05"]),
            ] {
                figures.extend(beside(&server, name, command, watched)?);
            }
            Ok(figures)
        }))
    },
};

fn make_list(server: &Server, elements: usize) -> Result<()> {
    let element = "an element of some length";
    let mut connection = server.peer.connect()?;
    for _ in 0..elements / 1000 {
        let mut args = vec!["RPUSH", LIST];
        args.extend([element; 1000]);
        let reply = connection.call(&args)?;
        if reply.is_error() {
            bail!("RPUSH: {}", reply.to_text());
        }
    }
    Ok(())
}

/// Latencies of PING and of GET, each while the long command runs again and again on a connection of its own.
fn beside(server: &Server, name: &str, command: &[&str], watched: Duration) -> Result<Vec<Figure>> {
    let is_over = AtomicBool::new(false);
    let mut connection = server.peer.connect()?;
    let request = encode(command);
    thread::scope(|scope| {
        let long = scope.spawn(|| -> Result<u64> {
            let mut count = 0;
            while !is_over.load(Ordering::Relaxed) {
                connection.send_raw(&request)?;
                let reply = connection.receive().with_context(|| command.join(" "))?;
                if reply.is_error() {
                    bail!("{}: {}", command.join(" "), reply.to_text());
                }
                count += 1;
            }
            Ok(count)
        });
        let watch = || -> Result<Vec<Figure>> {
            let mut figures = Vec::new();
            for (watched_name, watched_command) in [("PING", Command::Ping), ("GET", Command::Get)] {
                let load = Load {
                    connections: 8,
                    time_limit: watched,
                    ..Load::new(watched_command, 1, Keys::Random(KEYS), 64, u64::MAX)
                };
                let latency = server.load_while(&load, || !long.is_finished())?.latency;
                let figure = |kind: &str, ns: u64| {
                    Figure::new(format!("{watched_name} by {name} {kind}"), Unit::Us, ns as f64 / 1e3)
                };
                figures.push(figure("p50", latency.quantile_ns(0.5)));
                figures.push(figure("p99", latency.quantile_ns(0.99)));
                figures.push(figure("p99.9", latency.quantile_ns(0.999)));
            }
            Ok(figures)
        };
        let figures = watch();
        is_over.store(true, Ordering::Relaxed);
        let count = long.join().expect("no panic")?;
        if count == 0 {
            bail!("{} never ended", command.join(" "));
        }
        figures
    })
}
