//! The transcripts beside the commands: on redis-server, which wrote them, and on Engram.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use conformance::peer::Launch;
use conformance::transcript::{Runner, Transcript, beside_commands};

use crate::{oracle, subject};

/// Checks the files on a server and fails with all differences at once.
fn check(launch: &Launch, files: &[PathBuf]) {
    let mut runner = Runner::new(launch);
    let mut differences = String::new();
    for file in files {
        match runner.check(file) {
            Ok(found) => differences.extend(found.iter().map(|difference| format!("{difference}\n"))),
            Err(error) => differences.push_str(&format!("{error:#}\n")),
        }
    }
    assert!(differences.is_empty(), "transcripts that differ on {}:\n{differences}", launch.name());
}

/// The files by the engine that answers so.
fn by_engine() -> BTreeMap<String, Vec<PathBuf>> {
    let mut files: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for file in beside_commands().unwrap() {
        files.entry(Transcript::read(&file).unwrap().engine).or_default().push(file);
    }
    files
}

const REDIS: &str = "redis-7.0";

#[test]
fn redis_server_agrees_with_what_it_wrote() {
    let Some(oracle) = oracle() else { return };
    let files = by_engine().remove(REDIS).unwrap();
    for place in ["string-commands/src", "key-commands/src", "server-commands/src"] {
        let is_there = |file: &PathBuf| file.parent().is_some_and(|parent| parent.ends_with(place));
        assert!(files.iter().any(is_there), "no transcript in {place}");
    }
    check(&oracle, &files);
}

#[test]
fn engram_answers_as_redis_server_did() {
    let Some(subject) = subject(REDIS) else { return };
    check(&subject, &by_engine()[REDIS]);
}

#[test]
fn engram_answers_as_valkey_does() {
    for (engine, files) in by_engine().iter().filter(|(engine, _)| *engine != REDIS) {
        let Some(subject) = subject(engine) else { return };
        check(&subject, files);
    }
}

#[test]
fn recording_fills_in_what_checking_then_accepts_and_a_wrong_reply_is_caught() {
    let Some(oracle) = oracle() else { return };
    let form = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/form.txt");
    let mut runner = Runner::new(&oracle);
    assert!(runner.check(&form).unwrap().is_empty());

    let stripped = std::env::temp_dir().join(format!("engram-transcript-{}.txt", std::process::id()));
    let text = fs::read_to_string(&form).unwrap();
    let without_ok: String = text.split_inclusive('\n').filter(|line| *line != "OK\n").collect();
    fs::write(&stripped, without_ok).unwrap();
    assert!(!runner.check(&stripped).unwrap().is_empty());
    assert!(runner.record(&stripped).unwrap());
    assert_eq!(fs::read_to_string(&stripped).unwrap(), text);
    assert!(!runner.record(&stripped).unwrap());

    fs::write(&stripped, text.replace("(integer) 3", "(integer) 4")).unwrap();
    let differences = runner.check(&stripped).unwrap();
    assert!(!differences.is_empty());
    assert!(differences[0].to_string().contains("received:\n    (integer) 3"), "{}", differences[0]);
    fs::remove_file(&stripped).unwrap();
}
