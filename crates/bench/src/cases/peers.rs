//! The scenarios of `cargo xtask bench peers`: what users of such servers do, each measured on every one that is found.
//!
//! One worker against one thread, so that costs compare; the figure to go by is the server's CPU time per request.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::{Case, Measure};
use crate::load::{Command, Keys, Load};
use crate::report::{Figure, Unit};
use crate::subject::{Server, Setting};

/// Keys where keys are not the point.
const KEYS: u64 = 100_000;
/// Elements, fields and values of commands on other types.
const SMALL_BYTES: usize = 64;

/// After this servers have shrunk the buffers of clients that do nothing.
const SETTLE: Duration = Duration::from_secs(4);

/// In the order in which they run.
pub(crate) const ALL: &[Case] = &[
    Case {
        name: "p1",
        about: "GET and SET of 256 B, 50 connections, without pipelining",
        prepare: |setting| get_and_set(setting, 50, 1, &[Command::Get, Command::Set]),
    },
    Case {
        name: "p16",
        about: "GET and SET of 256 B, 50 connections, 16 requests at a time",
        prepare: |setting| get_and_set(setting, 50, 16, &[Command::Get, Command::Set]),
    },
    Case {
        name: "p1-400",
        about: "GET of 256 B, 400 connections, without pipelining",
        prepare: |setting| get_and_set(setting, 400, 1, &[Command::Get]),
    },
    Case {
        name: "commands",
        about: "INCR, LPUSH, LPOP, HSET, LRANGE of 100, MSET of 10, with 64 B, P16",
        prepare: commands,
    },
    Case {
        name: "sorted-set",
        about: "ZADD and ZRANGEBYSCORE of 100 on one sorted set of 1 million members with random scores, P16",
        prepare: sorted_set,
    },
    Case {
        name: "geo",
        about: "GEOADD, GEOSEARCH within 2 km and of the nearest 10 among 100,000 positions of a square degree, about 100 hits, P16",
        prepare: geo,
    },
    Case {
        name: "large-5m",
        about: "GET of 64 B over 5 million keys, P16",
        prepare: |setting| large(setting, 5),
    },
    Case {
        name: "large-10m",
        about: "GET of 64 B over 10 million keys, P16",
        prepare: |setting| large(setting, 10),
    },
    Case {
        name: "workers",
        about: "two workers against one at half of one's peak in an open loop, not pinned; Engram alone",
        prepare: workers,
    },
    Case {
        name: "tail",
        about: "latencies in an open loop at 70 % of each peer's peak, GET and SET of 256 B",
        prepare: tail,
    },
    Case {
        name: "bytes",
        about: "bytes for each of 3 million strings of 16 + 64 B, without and with a time to live",
        prepare: |setting| {
            let setting = setting.clone();
            Ok(Box::new(move || bytes(&setting)))
        },
    },
    Case {
        name: "connections",
        about: "bytes of a connection that is idle after a request, beyond the kernel's",
        prepare: |setting| {
            let setting = setting.clone();
            Ok(Box::new(move || connections(&setting)))
        },
    },
];

/// The CPU time alone.
fn cpu(server: &Server, what: &str, load: &Load) -> Result<Figure> {
    let mut figures = server.measure(what, load)?;
    Ok(figures.swap_remove(0))
}

fn requests(setting: &Setting, depth: usize) -> u64 {
    if depth == 1 { setting.size(300_000, 40_000) } else { setting.size(2_000_000, 200_000) }
}

fn get_and_set(
    setting: &Setting,
    connections: usize,
    depth: usize,
    commands: &'static [Command],
) -> Result<Measure> {
    let server = setting.start()?;
    server.fill(KEYS, 256)?;
    let requests = requests(setting, depth);
    Ok(Box::new(move || {
        let measure = |&command: &Command| {
            let load = Load { connections, ..Load::new(command, depth, Keys::Random(KEYS), 256, requests) };
            cpu(&server, &format!("{command:?}").to_uppercase(), &load)
        };
        commands.iter().map(measure).collect()
    }))
}

fn commands(setting: &Setting) -> Result<Measure> {
    let server = setting.start()?;
    let many = setting.size(1_000_000, 100_000);
    Ok(Box::new(move || {
        let mut figures = Vec::new();
        // LPOP takes what LPUSH has made, its warm-up included.
        for (name, requests) in [
            ("incr", many),
            ("lpush", many),
            ("lpop", many),
            ("hset", many),
            ("lrange_100", many / 10),
            ("mset", many / 5),
        ] {
            let load = Load::new(Command::Preset(name), 16, Keys::Random(KEYS), SMALL_BYTES, requests);
            server.prepare(&load)?;
            figures.push(cpu(&server, &name.to_uppercase(), &load)?);
        }
        Ok(figures)
    }))
}

fn sorted_set(setting: &Setting) -> Result<Measure> {
    const ADD: Command = Command::Text("ZADD ranking {score} {key}");
    const RANGE: Command = Command::Text("ZRANGEBYSCORE ranking {score} 2 LIMIT 0 100");
    let members = setting.size(1_000_000, 50_000);
    let server = setting.start()?;
    server.load(&Load::new(ADD, 64, Keys::Sequential(members), SMALL_BYTES, members))?;
    let many = setting.size(1_000_000, 100_000);
    Ok(Box::new(move || {
        let load = |command, requests| Load::new(command, 16, Keys::Random(members), SMALL_BYTES, requests);
        Ok(vec![
            cpu(&server, "ZADD", &load(ADD, many))?,
            cpu(&server, "ZRANGEBYSCORE of 100", &load(RANGE, many / 5))?,
        ])
    }))
}

fn geo(setting: &Setting) -> Result<Measure> {
    const ADD: Command = Command::Text("GEOADD places {score} {score} {key}");
    const SEARCH: Command = Command::Text("GEOSEARCH places FROMLONLAT {score} {score} BYRADIUS 2 km");
    const NEAREST: Command =
        Command::Text("GEOSEARCH places FROMLONLAT {score} {score} BYRADIUS 2 km COUNT 10 ASC WITHDIST");
    // About as many within the radius, whatever the setting: their number follows from that of the members.
    let members = 100_000;
    let server = setting.start()?;
    server.load(&Load::new(ADD, 64, Keys::Sequential(members), SMALL_BYTES, members))?;
    let many = setting.size(200_000, 20_000);
    Ok(Box::new(move || {
        let load = |command, requests| Load::new(command, 16, Keys::Random(members), SMALL_BYTES, requests);
        Ok(vec![
            cpu(&server, "GEOADD", &load(ADD, many))?,
            cpu(&server, "GEOSEARCH of 100", &load(SEARCH, many / 4))?,
            cpu(&server, "GEOSEARCH of the nearest 10", &load(NEAREST, many / 4))?,
        ])
    }))
}

fn large(setting: &Setting, millions: u64) -> Result<Measure> {
    let keys = setting.size(millions * 1_000_000, millions * 50_000);
    let server = setting.start()?;
    server.fill(keys, SMALL_BYTES)?;
    let load = Load::new(Command::Get, 16, Keys::Random(keys), SMALL_BYTES, requests(setting, 16));
    Ok(Box::new(move || Ok(vec![cpu(&server, "GET", &load)?])))
}

fn workers(setting: &Setting) -> Result<Measure> {
    if !setting.subject.is_engram() {
        return Ok(Box::new(|| Ok(Vec::new())));
    }
    let servers = [setting.start_with_workers(1)?, setting.start_with_workers(2)?];
    for server in &servers {
        server.fill(KEYS, 256)?;
    }
    let seconds = setting.size(3.0, 0.5);
    let mut loads = Vec::new();
    for depth in [1, 16] {
        let closed = Load::new(Command::Get, depth, Keys::Random(KEYS), 256, requests(setting, depth));
        let outcome = servers[0].load(&closed)?;
        let rate = PART_OF_ONE * outcome.requests as f64 / outcome.elapsed.as_secs_f64();
        loads.push(Load { rate: Some(rate), requests: (rate * seconds) as u64, ..closed });
    }
    Ok(Box::new(move || {
        let mut figures = Vec::new();
        for load in &loads {
            let depth = load.depth;
            let one = cpu(&servers[0], &format!("GET P{depth}, one worker,"), load)?;
            let two = cpu(&servers[1], &format!("GET P{depth}, two workers,"), load)?;
            let name = format!("GET P{depth}, two workers of one");
            let ratio = Figure::new(name, Unit::Ratio, two.value / one.value);
            figures.extend([one, two, ratio]);
        }
        Ok(figures)
    }))
}

/// The part of one worker's peak at which two are compared with it: one keeps up, and so the second is only a cost.
const PART_OF_ONE: f64 = 0.5;

/// The part of the peak at which users would still run a server.
const PART_OF_PEAK: f64 = 0.7;

fn tail(setting: &Setting) -> Result<Measure> {
    let server = setting.start()?;
    server.fill(KEYS, 256)?;
    let command = Command::Mixed { set_percent: 20 };
    let closed = Load::new(command, 1, Keys::Random(KEYS), 256, requests(setting, 1));
    let mut peaks = setting.peaks.borrow_mut();
    if !setting.subject.is_engram() {
        let outcome = server.load(&closed)?;
        let rate = outcome.requests as f64 / outcome.elapsed.as_secs_f64();
        peaks.insert(setting.subject.name().to_owned(), rate);
    }
    // A peer is measured at its own, Engram at everybody's: peers are prepared first.
    let is_mine = |name: &str| setting.subject.is_engram() || setting.subject.name() == name;
    let rates: Vec<(String, f64)> =
        peaks.iter().filter(|(name, _)| is_mine(name)).map(|(name, rate)| (name.clone(), *rate)).collect();
    let seconds = setting.size(5.0, 1.0);
    Ok(Box::new(move || {
        let mut figures = Vec::new();
        for (name, peak) in &rates {
            let rate = peak * PART_OF_PEAK;
            let load = Load { rate: Some(rate), requests: (rate * seconds) as u64, ..closed };
            let outcome = server.load(&load)?;
            if outcome.unsent > 0 {
                bail!("{} requests were due and could not be sent", outcome.unsent);
            }
            let us = |quantile| outcome.latency.quantile_ns(quantile) as f64 / 1e3;
            figures.push(Figure::new(format!("p50 at 70 % of {name}'s peak"), Unit::Us, us(0.5)));
            figures.push(Figure::new(format!("p99.9 at 70 % of {name}'s peak"), Unit::Us, us(0.999)));
        }
        Ok(figures)
    }))
}

/// Each with a server of its own: memory that was once used is not the same as memory that never was.
fn bytes(setting: &Setting) -> Result<Vec<Figure>> {
    let keys = setting.size(3_000_000, 200_000);
    let mut figures = Vec::new();
    for (name, command) in
        [("no TTL", Command::Set), ("with TTL", Command::Text("SET {key} {value} EX 1000000"))]
    {
        let server = setting.start()?;
        let before = server.rss_bytes()?;
        server.load(&Load::new(command, 64, Keys::Sequential(keys), SMALL_BYTES, keys))?;
        let bytes = (server.rss_bytes()? as f64 - before as f64) / keys as f64;
        figures.push(Figure::new(format!("RSS, {name}"), Unit::BytesPerKey, bytes));
    }
    Ok(figures)
}

fn connections(setting: &Setting) -> Result<Vec<Figure>> {
    let count = setting.size(4000, 1000);
    let server = setting.start()?;
    let before = server.rss_bytes()?;
    let mut clients = Vec::with_capacity(count);
    for _ in 0..count {
        let mut client = TcpStream::connect(("127.0.0.1", server.peer.port())).context("connect a client")?;
        client.set_read_timeout(Some(Duration::from_secs(10)))?;
        client.write_all(b"PING\r\n")?;
        let mut answer = [0; 7];
        client.read_exact(&mut answer)?;
        clients.push(client);
    }
    std::thread::sleep(SETTLE);
    let bytes = (server.rss_bytes()? as f64 - before as f64) / count as f64;
    Ok(vec![Figure::new("RSS", Unit::BytesPerConnection, bytes)])
}
