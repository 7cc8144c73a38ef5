//! The same load from redis-benchmark, so that no result depends on our own generator alone. It is slower than the
//! server with pipelining, so its rates say little; the CPU per request does.

use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Case;
use crate::cpu;
use crate::report::{Figure, Unit};
use crate::subject::Server;

pub(super) const CASE: Case = Case {
    name: "redis-benchmark",
    about: "GET and SET, 50 connections, 256 B, from redis-benchmark",
    prepare: |setting| {
        let server = setting.start()?;
        server.fill(100_000, 256)?;
        let (single, pipelined) = setting.size((400_000, 2_000_000), (20_000, 100_000));
        Ok(Box::new(move || {
            let mut figures = Vec::new();
            for (depth, requests) in [(1, single), (16, pipelined)] {
                for test in ["GET", "SET"] {
                    figures.extend(benchmark(&server, test, depth, requests)?);
                }
            }
            Ok(figures)
        }))
    },
};

fn benchmark(server: &Server, test: &str, depth: u32, requests: u64) -> Result<[Figure; 3]> {
    let mut command = Command::new("redis-benchmark");
    command.args(["-h", "127.0.0.1", "-c", "50", "-d", "256", "-r", "100000", "--csv", "-t"]);
    command.arg(test.to_lowercase()).args(["-p", &server.peer.port().to_string()]);
    command.args(["-P", &depth.to_string(), "-n", &requests.to_string()]);
    let before_ns = server.cpu_ns()?;
    let output = cpu::on(server.generator_cpu, || command.output().context("start redis-benchmark"))?;
    let cpu_ns = (server.cpu_ns()? - before_ns) as f64;
    let text = String::from_utf8_lossy(&output.stdout);
    // "GET","rps","avg","min","p50","p95","p99","max", latencies in milliseconds.
    let row: Option<Vec<f64>> = text.lines().find_map(|line| {
        let figures = line.strip_prefix(&format!("\"{test}\","))?;
        figures.split(',').map(|figure| figure.trim_matches('"').parse().ok()).collect()
    });
    let Some([rate, _, _, _, _, p99_ms, _]) = row.as_deref() else {
        bail!("redis-benchmark printed no figures: {text}{}", String::from_utf8_lossy(&output.stderr));
    };
    Ok([
        Figure::new(format!("{test} P{depth} CPU"), Unit::NsPerRequest, cpu_ns / requests as f64),
        Figure::new(format!("{test} P{depth} p99"), Unit::Us, p99_ms * 1000.0),
        Figure::new(format!("{test} P{depth} rate"), Unit::PerSecond, *rate),
    ])
}
