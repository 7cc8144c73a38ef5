//! Engram beside every server that a user could choose instead, in one run, as one table in Markdown.
//!
//! Servers are looked for on PATH; `--peer NAME=PATH` names more. One that was built with the C library's allocator is run
//! with jemalloc preloaded, as its users would run it, and the table says so, or that no jemalloc was found.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use conformance::peer::{Peer, on_path};

use crate::cases;
use crate::report;
use crate::runner::{Options, fail_if_any, run_all};
use crate::subject::{Program, Subject, info};

/// Servers that take redis-server's arguments.
const KNOWN: [&str; 3] = ["redis-server", "valkey-server", "keydb-server"];
/// Where Debian's libjemalloc2 and others put it.
const JEMALLOC: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
    "/usr/lib/aarch64-linux-gnu/libjemalloc.so.2",
    "/usr/lib64/libjemalloc.so.2",
    "/usr/lib/libjemalloc.so.2",
];

/// Measures all scenarios, or those that are named, and prints the table.
pub(crate) fn run(args: &[String]) -> Result<()> {
    let mut options = Options::parse(args, cases::PEERS)?;
    let found = KNOWN.iter().filter_map(|name| Some(((*name).to_owned(), on_path(name)?)));
    let mut subjects = Vec::new();
    let mut words = Vec::new();
    for (name, path) in found.chain(std::mem::take(&mut options.peers)) {
        let (subject, about) = peer(&name, &path, &options).with_context(|| name.clone())?;
        subjects.push(subject);
        words.push(about);
    }
    if subjects.is_empty() {
        bail!("there is none of {} on PATH; --peer NAME=PATH names one", KNOWN.join(", "));
    }
    subjects.extend([Subject::EngramUring, Subject::EngramEpoll]);
    options.subjects = subjects;
    let measured = run_all(&options)?;
    let mut text = format!("{}\n\n", machine()?);
    for about in words {
        text += &format!("- {about}\n");
    }
    text += &format!("- engram: {}\n\n", version_of_engram(&options)?);
    text += &format!(
        "Medians (and lowest to highest) of {} interleaved runs{}; CPU is the time of all threads of the server for a request. {}\n\n",
        options.runs,
        if options.is_quick { " of small sizes, which are only roughly right" } else { "" },
        if options.is_pinned { "Server and generator have a CPU each." } else { "Nothing is pinned." }
    );
    text += &report::markdown(&measured);
    println!("\n{text}");
    let path = options.results.join("peers.md");
    fs::write(&path, &text).with_context(|| format!("write {}", path.display()))?;
    fail_if_any(&measured)
}

/// A server as it is to be run, and notes about it.
fn peer(name: &str, path: &Path, options: &Options) -> Result<(Subject, String)> {
    let plain = Program { name: name.to_owned(), path: path.to_owned(), preload: None };
    let (version, allocator) = look(&Subject::Peer(plain.into()), options)?;
    let uses_libc = allocator.starts_with("libc");
    let preload = JEMALLOC.iter().map(PathBuf::from).find(|library| uses_libc && library.exists());
    let how = match (uses_libc, &preload) {
        (false, _) => format!("its allocator: {allocator}"),
        (true, Some(library)) => {
            format!("built with the C library's allocator, {} preloaded", library.display())
        }
        (true, None) => {
            "built with the C library's allocator, and no jemalloc was found to preload".to_owned()
        }
    };
    let name = match (uses_libc, &preload) {
        (false, _) => name.to_owned(),
        (true, Some(_)) => format!("{name} with jemalloc"),
        (true, None) => format!("{name} with the C library's malloc"),
    };
    let about = format!("{name}: version {version}, {how}");
    let program = Program { name, path: path.to_owned(), preload };
    Ok((Subject::Peer(program.into()), about))
}

/// Its version and its allocator, as it says.
fn look(subject: &Subject, options: &Options) -> Result<(String, String)> {
    let peer = Peer::start(&subject.launch(&options.engram, 1)?)?;
    let mut connection = peer.connect()?;
    // Valkey calls Redis's version that it is compatible with by this name, and its own by the other.
    let version = info(&mut connection, "server", "valkey_version");
    let version = version.or_else(|_| info(&mut connection, "server", "redis_version"))?;
    Ok((version, info(&mut connection, "memory", "mem_allocator")?))
}

fn version_of_engram(options: &Options) -> Result<String> {
    let output =
        std::process::Command::new(&options.engram).arg("--version").output().context("start engram")?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let commit = std::process::Command::new("git").args(["rev-parse", "--short", "HEAD"]).output();
    let commit = commit.ok().filter(|output| output.status.success());
    let commit = commit.map(|output| format!(", commit {}", String::from_utf8_lossy(&output.stdout).trim()));
    Ok(format!("{version}{}, one worker", commit.unwrap_or_default()))
}

/// The machine of the measurement.
fn machine() -> Result<String> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("CPU of unknown name", |(_, model)| model);
    let cpus = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let memory = fs::read_to_string("/proc/meminfo")?;
    let kilobytes = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().split(' ').next());
    let gigabytes = kilobytes.and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / 1e6;
    Ok(format!("{model}, {cpus} CPUs, {gigabytes:.0} GB, Linux {}", kernel.trim()))
}
