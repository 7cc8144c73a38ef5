//! Fuzz targets. They are a workspace of their own under `fuzz`, in the layout of cargo-fuzz, so that either runs them;
//! here they are built by the nightly toolchain alone, with the flags that libFuzzer needs.

use std::env::consts::ARCH;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::run::Task;
use crate::{install, root, target_dir};

/// What instruments the code for libFuzzer and checks every memory access.
const FLAGS: &str = "--cfg fuzzing -Zsanitizer=address -Cdebug-assertions -Cpasses=sancov-module \
                     -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                     -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
                     -Ccodegen-units=1";
/// How long each target runs unless `--seconds` says so.
const SECONDS: &str = "30";
/// Longest input, in bytes: enough for every form, while short inputs are tried more often.
const MAX_INPUT: &str = "-max_len=4096";
/// The most seconds and megabytes that one input may take.
const LIMITS: [&str; 2] = ["-timeout=10", "-rss_limit_mb=2048"];

/// Builds and runs targets. False if one found something.
pub(crate) fn fuzz(args: &[&str]) -> Result<bool> {
    let (chosen, seconds) = split(args)?;
    let known = targets()?;
    if let Some(unknown) = chosen.iter().find(|name| !known.contains(name)) {
        bail!("no fuzz target {unknown}; there are {}", known.join(", "));
    }
    if let Err(reason) = install::nightly() {
        println!("not run: {reason}");
        return Ok(true);
    }
    let triple = format!("{ARCH}-unknown-linux-gnu");
    let build_dir = target_dir().join("fuzz");
    let build =
        ["build", "--manifest-path", "fuzz/Cargo.toml", "--release", "--bins", "--target", triple.as_str()];
    let task = Task::cargo_of("nightly", &build).env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", &build_dir);
    if !task.run()?.success {
        bail!("the fuzz targets do not build");
    }
    let mut found = Vec::new();
    for name in known.iter().filter(|name| chosen.is_empty() || chosen.contains(name)) {
        // What libFuzzer learns goes where cargo builds; the seeds in the tree stay as they are.
        let learnt = build_dir.join("corpus").join(name);
        let findings = build_dir.join("artifacts").join(name);
        fs::create_dir_all(&learnt)?;
        fs::create_dir_all(&findings)?;
        let task = Task::new(build_dir.join(&triple).join("release").join(name))
            .args(&[&learnt, &root().join("fuzz/seeds").join(name)])
            .args(&[MAX_INPUT, &format!("-max_total_time={seconds}"), "-print_final_stats=1"])
            .args(&[&format!("-artifact_prefix={}/", findings.display())])
            .args(&LIMITS);
        if !task.run()?.success {
            found.push(name.as_str());
        }
    }
    if !found.is_empty() {
        println!("found something: {}", found.join(", "));
    }
    Ok(found.is_empty())
}

/// The names of targets, and how long each is to run.
fn split(args: &[&str]) -> Result<(Vec<String>, String)> {
    let mut seconds = SECONDS.to_owned();
    let mut chosen = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if *arg == "--seconds" {
            seconds = (*args.next().context("--seconds needs a number")?).to_owned();
            seconds.parse::<u32>().context("--seconds")?;
        } else {
            chosen.push((*arg).to_owned());
        }
    }
    Ok((chosen, seconds))
}

/// Every file under `fuzz/fuzz_targets` is one.
fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|kind| kind == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_seconds_come_in_any_order() {
        let (chosen, seconds) = split(&["a", "--seconds", "5", "b"]).expect("well formed");
        assert_eq!((chosen, seconds.as_str()), (vec!["a".to_owned(), "b".to_owned()], "5"));
        assert!(split(&["--seconds"]).is_err());
        assert!(split(&["--seconds", "x"]).is_err());
    }

    #[test]
    fn every_target_is_declared_and_has_seeds() {
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).expect("the fuzz workspace");
        for name in targets().expect("the folder of targets") {
            assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
            let seeds = fs::read_dir(root().join("fuzz/seeds").join(&name)).expect("seeds");
            assert!(seeds.count() > 0, "{name} has no seed");
        }
    }
}
