//! Engram beside redis-server on random programs. A finding prints its seed; repeat it with
//! `cargo run -p conformance -- diff --seed N --programs 1 --subject target/release/engram`.

use std::env;

use conformance::differential::{Options, run};
use conformance::program::{FAMILIES, family};

use crate::{oracle, subject, valkeys};

/// Sets the first seed, for another set of programs than the usual.
const SEED_VARIABLE: &str = "ENGRAM_SEED";

fn check(options: Options) {
    let options = Options { seed: seed(), ..options };
    let (Some(oracle), Some(subject)) = (oracle(), subject("redis-7.0")) else { return };
    if let Some(finding) = run(&oracle, &subject, &options).unwrap() {
        panic!("{finding}");
    }
}

fn check_family(name: &str, programs: usize) {
    // The types' families need commands that work on any key beside them.
    let families = vec![family(name).unwrap(), family("generic").unwrap()];
    check(Options { programs, families, ..Options::default() });
}

fn seed() -> u64 {
    env::var(SEED_VARIABLE).ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

#[test]
fn strings() {
    check_family("string", 10);
}

#[test]
fn bitmaps() {
    check_family("bitmap", 10);
}

#[test]
fn sorts() {
    check_family("sort", 10);
}

#[test]
fn positions() {
    check_family("geo", 10);
}

#[test]
fn hyperloglogs() {
    check_family("hyperloglog", 10);
}

#[test]
fn generic() {
    check_family("generic", 10);
}

#[test]
fn hashes() {
    check_family("hash", 10);
}

#[test]
fn lists() {
    check_family("list", 10);
}

#[test]
fn transactions() {
    check_family("transaction", 10);
}

#[test]
fn server_and_connection() {
    check_family("server", 5);
    check_family("connection", 5);
}

#[test]
fn all_families_together() {
    check(Options { programs: 15, commands: 600, ..Options::default() });
}

/// Each family by itself, then all together.
#[test]
fn all_families_beside_valkey() {
    for (profile, oracle) in valkeys() {
        let Some(subject) = subject(profile.name()) else { return };
        let each = FAMILIES.iter().map(|&family| (vec![family], 3));
        for (families, programs) in each.chain([(FAMILIES.to_vec(), 15)]) {
            let options = Options { seed: seed(), programs, commands: 400, families, profile };
            if let Some(finding) = run(&oracle, &subject, &options).unwrap() {
                panic!("beside {profile}: {finding}");
            }
        }
    }
}
