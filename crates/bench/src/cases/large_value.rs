//! BGSAVE while one hash of millions of fields is written and read: latency of its clients and of all others.
//!
//! There is one worker, so whatever stops the thread that writes the hash stops all clients. Nothing is pinned: the
//! thread that saves may have a CPU of its own. Writes to the hash start before the save and last to its end, so the
//! hash is certainly written before the save reaches it; of several hashes, the case uses one whose slot comes late.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use ::load::Tally;
use anyhow::{Context, Result, bail};
use conformance::connection::encode;

use super::Case;
use super::save::Save;
use crate::load::{Command, Keys, Load};
use crate::report::{Figure, Unit};
use crate::subject::Server;

/// Slot 13,839 of 16,384.
const HASH: &str = "huge-hash";
const KEYS: u64 = 100_000;

pub(super) const CASE: Case = Case {
    name: "large-value",
    about: "BGSAVE while HSET and HGET hit a hash of 3 million fields: PING on the same worker aimed at: < 5 ms",
    prepare: |setting| {
        let server = setting.start_with_workers(1)?;
        server.fill(KEYS, 64)?;
        make_hash(&server, setting.size(3_000_000, 300_000))?;
        Ok(Box::new(move || measure(&server)))
    },
};

fn make_hash(server: &Server, fields: usize) -> Result<()> {
    let mut connection = server.peer.connect()?;
    for batch in 0..fields / 1000 {
        let texts: Vec<String> =
            (batch * 1000..(batch + 1) * 1000).map(|n| format!("field:{n:09}")).collect();
        let mut args = vec!["HSET", HASH];
        args.extend(texts.iter().flat_map(|text| [text.as_str(), text.as_str()]));
        let reply = connection.call(&args)?;
        if reply.is_error() {
            bail!("HSET: {}", reply.to_text());
        }
    }
    Ok(())
}

fn measure(server: &Server) -> Result<Vec<Figure>> {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let write = scope.spawn(|| repeat(server, &["HSET", HASH, "field:000000001", "changed"], &is_over));
        let read = scope.spawn(|| repeat(server, &["HGET", HASH, "field:000000002"], &is_over));
        let ping = || {
            let save = Save::start(server)?;
            let load =
                Load { connections: 8, ..Load::new(Command::Ping, 1, Keys::Random(KEYS), 64, u64::MAX) };
            let latency = server.load_while(&load, || save.is_running(|| Ok(())))?.latency;
            Ok::<_, anyhow::Error>((latency, save.end()?))
        };
        let pinged = ping();
        is_over.store(true, Ordering::Relaxed);
        let (write, read) = (write.join().expect("no panic")?, read.join().expect("no panic")?);
        let (ping, took) = pinged?;
        let us = |name: &str, ns: u64| Figure::new(name, Unit::Us, ns as f64 / 1e3);
        Ok(vec![
            us("PING p99.9", ping.quantile_ns(0.999)),
            us("PING longest", ping.max_ns()),
            us("HGET longest", read.max_ns()),
            us("HSET longest", write.max_ns()),
            Figure::new("save takes", Unit::Seconds, took.as_secs_f64()),
        ])
    })
}

/// Latencies of a command that a connection of its own sends again and again.
fn repeat(server: &Server, command: &[&str], is_over: &AtomicBool) -> Result<Tally> {
    let mut connection = server.peer.connect()?;
    let request = encode(command);
    let mut latency = Tally::default();
    while !is_over.load(Ordering::Relaxed) {
        let sent = Instant::now();
        connection.send_raw(&request)?;
        let reply = connection.receive().with_context(|| command.join(" "))?;
        if reply.is_error() {
            bail!("{}: {}", command.join(" "), reply.to_text());
        }
        latency.record(sent.elapsed().as_nanos() as u64);
    }
    Ok(latency)
}
