//! The region from its users' point of view: how long operations take, which writes are lost, how much CPU it uses.
//!
//! There is no peer to compare with, so the figures are printed beside targets. Each is measured from outside: the API
//! by signed requests, writes by connections to the primary endpoint, CPU time from /proc.

mod process;
mod writers;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use process::{PATIENCE, Region, send, wait_until};
use writers::{Link, Writers};

/// Values of the data that makes a node large, in bytes.
const VALUE_BYTES: usize = 1 << 20;
/// How long writers write before and after what is measured.
const AROUND: Duration = Duration::from_millis(500);
/// Large enough for the largest data, and present everywhere.
const NODE_TYPE: &str = "cache.m7g.large";

struct Options {
    engram: PathBuf,
    is_quick: bool,
}

/// Measures everything and prints it, each figure beside its target.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let mut options = Options { engram: "target/release/engram".into(), is_quick: false };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--quick" => options.is_quick = true,
            "--engram" => options.engram = args.next().context("--engram needs a path")?.into(),
            other => bail!("unknown option {other}; there are --quick and --engram BIN"),
        }
    }
    let region = up(&options)?;
    creation(&region)?;
    failovers(&region, &options)?;
    hang(&region)?;
    planned(&region)?;
    idle(&region, &options)?;
    region.stop()
}

fn line(what: &str, measured: &str, target: &str) {
    println!("{what:58} {measured:>28}   {target}");
}

fn ms(seconds: f64) -> String {
    format!("{:.0} ms", seconds * 1e3)
}

/// From the start of the process to the first answer of its cache.
fn up(options: &Options) -> Result<Region> {
    let start = Instant::now();
    let mut region = Region::start(&options.engram)?;
    let cache = SocketAddr::from(([127, 0, 0, 1], region.default_port));
    wait_until("the default cache", || {
        Ok(Link::open(cache, PATIENCE).and_then(|mut link| link.ask("PING\r\n")).is_ok())
    })?;
    line("region up, default cache answers", &ms(start.elapsed().as_secs_f64()), "< 1 s");
    region.find_api()?;
    Ok(region)
}

fn create(region: &Region, group: &str, nodes: &str) -> Result<()> {
    let failover = if nodes == "1" { "false" } else { "true" };
    region.call(
        "CreateReplicationGroup",
        &[
            ("ReplicationGroupId", group),
            ("ReplicationGroupDescription", "of a benchmark"),
            ("Engine", "valkey"),
            ("CacheNodeType", NODE_TYPE),
            ("NumCacheClusters", nodes),
            ("AutomaticFailoverEnabled", failover),
        ],
    )?;
    available(region, group)
}

fn available(region: &Region, group: &str) -> Result<()> {
    wait_until(&format!("{group} available"), || region.is_available(group))
}

fn delete(region: &Region, group: &str) -> Result<()> {
    region.call("DeleteReplicationGroup", &[("ReplicationGroupId", group)])?;
    wait_until("its end", || Ok(!region.deployments()?.iter().any(|one| one["id"] == group)))
}

fn creation(region: &Region) -> Result<()> {
    let start = Instant::now();
    create(region, "made", "3")?;
    let took = start.elapsed().as_secs_f64();
    line("CreateReplicationGroup with two replicas to available", &ms(took), "< 2 s");
    delete(region, "made")
}

fn endpoint(region: &Region, group: &str) -> Result<SocketAddr> {
    let deployment = region.deployment(group)?;
    Ok(deployment["primary_endpoint"].as_str().context("an endpoint")?.parse()?)
}

/// Makes a group's data so many MB large, and waits until a replica has it.
fn fill(to: SocketAddr, megabytes: usize) -> Result<()> {
    let mut stream = TcpStream::connect(to)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let value = vec![b'x'; VALUE_BYTES];
    for number in 0..megabytes {
        write!(stream, "*3\r\n$3\r\nSET\r\n$8\r\nfill{number:04}\r\n${VALUE_BYTES}\r\n")?;
        stream.write_all(&value)?;
        stream.write_all(b"\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        if &answer != b"+OK\r\n" {
            bail!("a write was answered by {}", String::from_utf8_lossy(&answer));
        }
    }
    let mut link = Link::open(to, PATIENCE)?;
    wait_until("a replica with the data", || Ok(link.ask("SET synced 1\r\nWAIT 1 1000\r\n")?[1] != ":0"))
}

/// Kills the primary repeatedly while writes go on.
fn failovers(region: &Region, options: &Options) -> Result<()> {
    let (rounds, sizes): (usize, &[usize]) =
        if options.is_quick { (5, &[0, 256]) } else { (20, &[0, 256, 1024]) };
    let mut medians = Vec::new();
    for megabytes in sizes {
        let group = format!("lost-{megabytes}");
        create(region, &group, "3")?;
        let to = endpoint(region, &group)?;
        fill(to, *megabytes)?;
        let mut times = Vec::new();
        let (mut lost, mut confirmed, mut confirmed_lost) = (0, 0, 0);
        for round in 0..rounds {
            let writers = Writers::start(to, &format!("w{round}"));
            std::thread::sleep(AROUND);
            let (pid, _) = region.node(&group, "primary")?;
            let killed = Instant::now();
            send(pid, Signal::KILL)?;
            available(region, &group)?;
            std::thread::sleep(AROUND);
            let written = writers.end()?;
            times.push(written.back_after_s(killed)?);
            lost += written.lost;
            confirmed += written.confirmed;
            confirmed_lost += written.confirmed_lost;
        }
        times.sort_by(f64::total_cmp);
        let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
        medians.push((*megabytes as f64 / 1024.0, median));
        let what = format!("kill -9 of the primary, {megabytes} MB: median, worst of {rounds}");
        line(&what, &format!("{}, {}", ms(median), ms(worst)), "500 ms, 1 s");
        line(
            "  acknowledged writes lost, of those WAIT confirmed",
            &format!("{lost}, {confirmed_lost} of {confirmed}"),
            "-, 0",
        );
        delete(region, &group)?;
    }
    if let (Some(first), Some(last)) = (medians.first(), medians.last())
        && last.0 > first.0
    {
        line("  slope of the median", &format!("{} a GB", ms((last.1 - first.1) / (last.0 - first.0))), "");
    }
    Ok(())
}

/// Stops the primary's process: it hangs.
fn hang(region: &Region) -> Result<()> {
    create(region, "hung", "2")?;
    let writers = Writers::start(endpoint(region, "hung")?, "w");
    std::thread::sleep(AROUND);
    let (pid, _) = region.node("hung", "primary")?;
    let stopped = Instant::now();
    send(pid, Signal::STOP)?;
    wait_until("another primary", || Ok(region.node("hung", "primary").is_ok_and(|(now, _)| now != pid)))?;
    available(region, "hung")?;
    std::thread::sleep(AROUND);
    let written = writers.end()?;
    line("SIGSTOP of the primary to the next write", &ms(written.back_after_s(stopped)?), "3 s");
    line("  writes that WAIT confirmed and are lost", &written.confirmed_lost.to_string(), "0");
    delete(region, "hung")
}

/// Changes that a user requests.
fn planned(region: &Region) -> Result<()> {
    create(region, "planned", "2")?;
    let to = endpoint(region, "planned")?;
    let group = ("ReplicationGroupId", "planned");
    let change = |what: &str, parameters: &[(&str, &str)]| -> Result<()> {
        let writers = Writers::start(to, what);
        std::thread::sleep(AROUND);
        let all: Vec<(&str, &str)> = std::iter::once(group).chain(parameters.iter().copied()).collect();
        region.call("ModifyReplicationGroup", &all)?;
        available(region, "planned")?;
        std::thread::sleep(AROUND);
        let written = writers.end()?;
        line(&format!("{what}: longest time without a write"), &ms(written.gap_s()?), "200 ms");
        line("  acknowledged writes lost", &written.lost.to_string(), "0");
        Ok(())
    };
    let (larger, back) = ("cache.m7g.xlarge", NODE_TYPE);
    change("larger", &[("CacheNodeType", larger), ("ApplyImmediately", "true")])?;
    change("smaller", &[("CacheNodeType", back), ("ApplyImmediately", "true")])?;
    let (_, replica) = region.node("planned", "replica")?;
    change("promoted", &[("AutomaticFailoverEnabled", "false"), ("PrimaryClusterId", &replica)])?;
    delete(region, "planned")
}

/// Ten idle nodes.
fn idle(region: &Region, options: &Options) -> Result<()> {
    for group in ["idle-a", "idle-b", "idle-c"] {
        create(region, group, "3")?;
    }
    let nodes = region.nodes()?.len();
    let span = Duration::from_secs(if options.is_quick { 10 } else { 30 });
    std::thread::sleep(Duration::from_secs(3));
    let (before, start) = (region.cpu_ns()?, Instant::now());
    std::thread::sleep(span);
    let ran = Duration::from_nanos(region.cpu_ns()? - before);
    let percent = 100.0 * ran.as_secs_f64() / start.elapsed().as_secs_f64();
    line(&format!("idle region with {nodes} nodes, of a core"), &format!("{percent:.2} %"), "< 1 %");
    Ok(())
}
