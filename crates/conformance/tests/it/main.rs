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
mod transcripts;

use conformance::peer::{Launch, SUBJECT_VARIABLE, not_run};

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
