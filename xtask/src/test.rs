//! The one test command: its steps, in order. A step runs even if others have failed.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::metadata::{Member, members};
use crate::report::{Need, Outcome, Report};
use crate::run::{Finished, Task};
use crate::{bench, install, target_dir, tidy};

/// Crates whose unsafe code runs under AddressSanitizer.
const SANITIZED: &[&str] = &["table", "keyspace", "event-loop", "memory"];
/// The profile of the binary that the tests run from outside. Only benchmarks need the fastest build.
const PROFILE: &str = "ci";
/// How long clients of all kinds are served together, and what they send: CI repeats the load of the last run.
const SOAK_SECONDS: &str = "60";
const SOAK_SEED: &str = "1";
/// loom's models lie in modules of this name, under `cfg(all(test, loom))`.
const LOOM_MODULE: &str = "models::";

/// What to run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Leave out what needs servers, clients or another toolchain.
    pub(crate) is_quick: bool,
    /// A required step that can't be run is a failure.
    pub(crate) is_ci: bool,
}

/// Runs everything and prints the summary. True if nothing failed.
pub(crate) fn test(options: &Options) -> bool {
    let mut report = Report::new(options.is_ci);
    report.step("format", Need::Required, || ran(Task::cargo(&["fmt", "--all", "--check"])));
    report.step("clippy", Need::Required, || {
        ran(Task::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    });
    report.step("tidy", Need::Required, || {
        tidy::tidy()?;
        Ok(Outcome::Ran(Finished { success: true, ..Finished::default() }))
    });
    report.step("unit and property tests", Need::Required, unit_tests);
    if !options.is_quick {
        outside(&mut report);
    }
    report.finish()
}

fn outside(report: &mut Report) {
    report.step("loom models", Need::Required, loom_models);
    report.step("build the binary", Need::Required, || {
        ran(Task::cargo(&["build", "--profile", PROFILE, "--package", "engram"]))
    });
    report.step("instruction counts", Need::IfToolchain, instruction_counts);
    report.step("beside redis-server", Need::Required, beside_redis_server);
    report.step("clients", Need::Required, || clients("not terraform"));
    report.step("terraform", Need::IfToolchain, || clients("terraform"));
    report.step("soak", Need::Required, || soak(SOAK_SECONDS, SOAK_SEED));
    report.step("AddressSanitizer", Need::IfToolchain, address_sanitizer);
}

fn ran(task: Task) -> Result<Outcome> {
    Ok(Outcome::Ran(task.run()?))
}

/// All tests that need no server. The conformance crate's own come with the servers.
fn unit_tests() -> Result<Outcome> {
    let crates = Task::cargo(&["test", "--workspace", "--exclude", "conformance", "--no-fail-fast"]);
    let harness = Task::cargo(&["test", "--package", "conformance", "--lib"]);
    Ok(Outcome::Ran(crates.run()?.and(harness.run()?)))
}

/// Every crate that depends on loom, built with its models in place of the atomics.
fn loom_models() -> Result<Outcome> {
    let uses_loom = |member: &Member| member.dependencies.iter().any(|name| name == "loom");
    let mut all = Finished { success: true, ..Finished::default() };
    for member in members()?.iter().filter(|member| uses_loom(member)) {
        let test = ["test", "--package", &member.name, "--lib", "--", LOOM_MODULE];
        let finished = Task::cargo(&test)
            .env("RUSTFLAGS", "--cfg loom")
            .env("CARGO_TARGET_DIR", target_dir().join("loom"))
            .run()?;
        if finished.success && finished.passed == 0 {
            println!("{} depends on loom, but has no test in a module {LOOM_MODULE}", member.name);
            all.success = false;
        }
        all = all.and(finished);
    }
    Ok(Outcome::Ran(all))
}

/// Instructions per request, if the stored counts are of the same compiler.
fn instruction_counts() -> Result<Outcome> {
    if let Err(reason) = install::debian_package("valgrind", "valgrind") {
        return Ok(Outcome::NotRun(reason));
    }
    Ok(Outcome::Ran(bench::counts(&[])?))
}

/// Transcripts, random programs and replication, with Engram as the subject.
fn beside_redis_server() -> Result<Outcome> {
    if let Err(reason) = install::debian_package("redis-server", "redis-server") {
        return Ok(Outcome::NotRun(reason));
    }
    let task = Task::cargo(&["test", "--package", "conformance", "--test", "it", "--no-fail-fast"]);
    ran(task.env("ENGRAM_BIN", binary()).env("ENGRAM_REQUIRE_PEERS", "1"))
}

/// Many kinds of clients at once on a node with a replica.
fn soak(seconds: &str, seed: &str) -> Result<Outcome> {
    let arguments =
        ["run", "--quiet", "--package", "conformance", "--", "soak", "--seconds", seconds, "--seed", seed];
    ran(Task::cargo(&arguments).args(&["--subject"]).args(&[binary()]))
}

/// Builds the binary and runs a soak on it by hand: `cargo xtask soak [--seconds N] [--seed N]`.
pub(crate) fn soak_by_hand(args: &[&str]) -> Result<bool> {
    let mut values = [SOAK_SECONDS, SOAK_SEED];
    for pair in args.chunks(2) {
        let (["--seconds", value] | ["--seed", value]) = pair else {
            bail!("usage: cargo xtask soak [--seconds N] [--seed N]");
        };
        values[usize::from(pair[0] == "--seed")] = value;
    }
    let built = Task::cargo(&["build", "--profile", PROFILE, "--package", "engram"]).run()?;
    if !built.success {
        bail!("the binary does not build");
    }
    let [seconds, seed] = values;
    Ok(matches!(soak(seconds, seed)?, Outcome::Ran(finished) if finished.success))
}

/// Client libraries from outside, against the binary: the tests that a marker chooses. Those that the real Terraform runs skip
/// themselves where it is not installed, and are told as such.
fn clients(marker: &str) -> Result<Outcome> {
    match install::python() {
        Err(reason) => Ok(Outcome::NotRun(reason)),
        Ok(python) => {
            let pytest = [
                "-m",
                "pytest",
                "-p",
                "no:cacheprovider",
                "--tb=short",
                "-rs",
                "-m",
                marker,
                "tests/clients",
            ];
            ran(Task::new(python)
                .args(&pytest)
                .env("ENGRAM_BIN", binary())
                .env("PYTHONDONTWRITEBYTECODE", "1"))
        }
    }
}

/// The kernels' tests with every memory access checked. The standard library stays as it is.
fn address_sanitizer() -> Result<Outcome> {
    if let Err(reason) = install::nightly() {
        return Ok(Outcome::NotRun(reason));
    }
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let mut args = vec!["test", "--lib", "--target", &target, "--no-fail-fast"];
    args.extend(SANITIZED.iter().flat_map(|name| ["--package", *name]));
    let task = Task::cargo_of("nightly", &args);
    ran(task
        .env("RUSTFLAGS", "-Zsanitizer=address --cfg asan")
        .env("CARGO_TARGET_DIR", target_dir().join("asan")))
}

fn binary() -> PathBuf {
    target_dir().join(PROFILE).join("engram")
}
