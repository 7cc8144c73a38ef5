//! The harness on the command line: `conformance diff` runs random programs on two servers, `soak` many clients at once
//! on one with a replica, `record` and `check` write and check transcript files.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods)] // a harness reads its environment

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use conformance::differential::{self, Options};
use conformance::peer::Launch;
use conformance::program::{FAMILIES, family};
use conformance::soak;
use conformance::transcript::{self, Runner, Transcript};

const USAGE: &str = "\
usage: conformance diff --subject PATH [--oracle PATH] [--engine ENGINE]
                        [--seed N] [--programs N] [--commands N] [--families a,b]
       conformance soak --subject PATH [--engine valkey-8.0] [--seconds N] [--seed N]
       conformance record [FILE…]          write redis-server's replies into transcripts
       conformance check PATH [FILE…]      run transcripts on a server

A PATH whose file name contains redis-server or valkey-server is started with redis-server's arguments, any other as engram.
The oracle is the redis-server on PATH unless given, and speaks as ENGINE, redis-7.0 unless given: random programs are of the
commands that ENGINE has.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("conformance: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &[String]) -> Result<bool> {
    match args.split_first() {
        Some((command, rest)) if command == "diff" => diff(rest),
        Some((command, rest)) if command == "soak" => soak(rest),
        Some((command, rest)) if command == "record" => record(rest),
        Some((command, [server, files @ ..])) if command == "check" => check(server, files),
        _ => bail!("{USAGE}"),
    }
}

/// True if the servers agree.
fn diff(args: &[String]) -> Result<bool> {
    let mut options = Options::default();
    let mut engine = "redis-7.0".to_owned();
    let (mut oracle, mut subject) = (None, None);
    let mut args = args.iter();
    while let Some(flag) = args.next() {
        let value = args.next().with_context(|| format!("{flag} needs a value\n{USAGE}"))?;
        match flag.as_str() {
            "--seed" => options.seed = value.parse().context("--seed")?,
            "--programs" => options.programs = value.parse().context("--programs")?,
            "--commands" => options.commands = value.parse().context("--commands")?,
            "--engine" => engine.clone_from(value),
            "--oracle" => oracle = Some(value.clone()),
            "--subject" => subject = Some(value.clone()),
            "--families" => {
                let chosen = value.split(',').map(|name| {
                    let known = || FAMILIES.iter().map(|family| family.name).collect::<Vec<_>>().join(", ");
                    family(name).with_context(|| format!("no family {name:?}; there are {}", known()))
                });
                options.families = chosen.collect::<Result<_>>()?;
            }
            other => bail!("unknown option {other}\n{USAGE}"),
        }
    }
    options.profile = engine.parse().map_err(|error: String| anyhow!(error))?;
    let subject = Launch::by_path(&subject.context("--subject is missing")?, &engine);
    let oracle = match oracle {
        Some(path) => Launch::by_path(&path, &engine),
        None => Launch::redis_server().context("no redis-server on PATH; name one with --oracle")?,
    };
    match differential::run(&oracle, &subject, &options)? {
        Some(finding) => {
            println!("{finding}");
            Ok(false)
        }
        None => {
            let (programs, commands) = (options.programs, options.commands);
            println!("{programs} programs of {commands} commands from seed {}: no difference", options.seed);
            Ok(true)
        }
    }
}

/// Half of the time without evictions and half with them. True if nothing was found.
fn soak(args: &[String]) -> Result<bool> {
    let (mut subject, mut engine, mut seconds, mut seed) = (None, "valkey-8.0".to_owned(), 60, 1);
    let mut args = args.iter();
    while let Some(flag) = args.next() {
        let value = args.next().with_context(|| format!("{flag} needs a value\n{USAGE}"))?;
        match flag.as_str() {
            "--seed" => seed = value.parse().context("--seed")?,
            "--seconds" => seconds = value.parse().context("--seconds")?,
            "--engine" => engine.clone_from(value),
            "--subject" => subject = Some(value.clone()),
            other => bail!("unknown option {other}\n{USAGE}"),
        }
    }
    let subject = Launch::by_path(&subject.context("--subject is missing")?, &engine);
    let length = Duration::from_secs(seconds) / 2;
    let mut is_clean = true;
    for evicts in [false, true] {
        let how = if evicts { "with evictions" } else { "without evictions" };
        match soak::run(&subject, &soak::Options { seed, length, evicts }) {
            Ok(tally) => println!("{how}, seed {seed}, {} s: {tally}", length.as_secs()),
            Err(finding) => {
                println!("{how}, seed {seed}: {finding:#}");
                is_clean = false;
            }
        }
    }
    Ok(is_clean)
}

fn record(files: &[String]) -> Result<bool> {
    let oracle = Launch::redis_server().context("no redis-server on PATH")?;
    let mut runner = Runner::new(&oracle);
    for file in files_or_all(files)? {
        if Transcript::read(&file)?.valkey_only {
            println!("{}: @valkey, left alone", file.display());
        } else if runner.record(&file)? {
            println!("{}: recorded", file.display());
        } else {
            println!("{}: unchanged", file.display());
        }
    }
    Ok(true)
}

/// True if all transcripts agree with the server.
fn check(server: &str, files: &[String]) -> Result<bool> {
    let launch = Launch::by_path(server, "redis-7.0");
    let is_redis_server = launch.name() == "redis-server";
    let mut runners = BTreeMap::new();
    let (mut checked, mut differing) = (0, 0);
    for file in &files_or_all(files)? {
        let transcript = Transcript::read(file)?;
        if transcript.valkey_only && is_redis_server {
            continue;
        }
        checked += 1;
        let start = || Runner::new(&Launch::by_path(server, &transcript.engine));
        let runner = runners.entry(transcript.engine.clone()).or_insert_with(start);
        for difference in runner.check(file)? {
            println!("{difference}");
            differing += 1;
        }
    }
    println!("{checked} transcripts on {server}: {differing} replies differ");
    Ok(differing == 0)
}

fn files_or_all(files: &[String]) -> Result<Vec<PathBuf>> {
    if files.is_empty() {
        return transcript::beside_commands();
    }
    Ok(files.iter().map(PathBuf::from).collect())
}
