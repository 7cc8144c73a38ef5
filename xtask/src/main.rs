//! Every chore of the project. `cargo xtask` lists them.
//!
//! A chore is a module; this file only names them. There are no shell scripts beside `.ci/run`, which calls
//! `cargo xtask test` with `CI=true`.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods)] // chores run programs, read files and the environment

mod bench;
mod docs;
mod fuzz;
mod install;
mod metadata;
mod report;
mod run;
mod test;
mod tidy;
mod transcripts;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask <chore>

  test [--quick]          everything that is verified; installs what it needs and says so
                          --quick leaves out what needs servers, clients or a nightly toolchain
  ci                      test, and a required step that can't be run fails (CI=true)
  tidy                    the rules of the source tree
  docs                    writes the pages of docs that are generated
  bench …                 benchmarks beside redis-server; bench peers: beside every server that is found
  bench counts [--update | --functions COMMAND]
                          instructions a request, compared with those that are kept, or kept; or where a command's are
  fuzz [TARGET…] [--seconds N]
                          fuzz targets, all or those named, each for N seconds (default 30); needs a nightly toolchain
  soak [--seconds N] [--seed N]
                          many kinds of clients at once on a node with a replica, half of the time with evictions
  transcripts --record    redis-server writes the replies into the commands' transcripts
  transcripts --check [BINARY]
                          runs the transcripts on redis-server, or on an engram binary";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match chore(&args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does one chore. False if it found something wrong and has said so.
fn chore(args: &[&str]) -> Result<bool> {
    let is_ci = env::var("CI").is_ok_and(|value| value == "true" || value == "1");
    match args {
        ["test"] => Ok(test::test(&test::Options { is_quick: false, is_ci })),
        ["test", "--quick"] => Ok(test::test(&test::Options { is_quick: true, is_ci })),
        ["ci"] => Ok(test::test(&test::Options { is_quick: false, is_ci: true })),
        ["tidy"] => tidy::tidy().map(|()| true),
        ["docs"] => docs::docs(),
        ["bench", rest @ ..] => bench::bench(rest).map(|()| true),
        ["soak", rest @ ..] => test::soak_by_hand(rest),
        ["fuzz", rest @ ..] => fuzz::fuzz(rest),
        ["transcripts", "--record", files @ ..] => transcripts::record(files).map(|()| true),
        ["transcripts", "--check", rest @ ..] => transcripts::check(rest).map(|()| true),
        _ => bail!("{USAGE}"),
    }
}

/// Where cargo builds: what CARGO_TARGET_DIR says, or `target`.
fn target_dir() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// The root of the workspace.
fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask lies in the workspace").to_owned()
}
