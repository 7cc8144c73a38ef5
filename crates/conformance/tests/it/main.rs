//! One test binary. A test that needs a missing server says "not run", or fails when servers are required.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods)] // a harness reads its environment

mod authorisation;
mod differential;
mod harness;
mod load_generator;
mod migration;
mod replication;
mod stream;
mod tracking;
mod transcripts;

use std::io::{self, Write};

use conformance::peer::{Launch, SUBJECT_VARIABLE, not_run};
use profile::Profile;

/// The real redis-server, or a note that the test does nothing.
fn oracle() -> Option<Launch> {
    let oracle = Launch::redis_server();
    if oracle.is_none() {
        not_run("no redis-server on PATH");
    }
    oracle
}

/// The engram binary under test with an engine's profile, or a note.
fn subject(engine: &str) -> Option<Launch> {
    let subject = Launch::subject(engine);
    if subject.is_none() {
        not_run(&format!("{SUBJECT_VARIABLE} names no binary"));
    }
    subject
}

/// The real servers that `ENGRAM_VALKEY` names, `valkey-8.1=/path/to/valkey-server,…`, or a note. They are not required: no package of
/// a distribution has them in these versions.
fn valkeys() -> Vec<(Profile, Launch)> {
    let named = std::env::var("ENGRAM_VALKEY").unwrap_or_default();
    if named.is_empty() {
        let _ = writeln!(io::stdout(), "not run: ENGRAM_VALKEY names no valkey-server");
    }
    let server = |server: &str| {
        let (profile, path) = server.split_once('=').expect("ENGRAM_VALKEY is profile=path,…");
        (profile.parse().expect("a profile"), Launch::like_redis_server(path, profile))
    };
    named.split(',').filter(|name| !name.is_empty()).map(server).collect()
}
