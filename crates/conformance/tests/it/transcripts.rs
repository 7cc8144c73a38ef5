//! The transcripts beside the commands: on redis-server, which wrote them, and on Engram.

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

fn files(valkey_only: bool) -> Vec<PathBuf> {
    let all = beside_commands().unwrap();
    all.into_iter().filter(|file| Transcript::read(file).unwrap().valkey_only == valkey_only).collect()
}

#[test]
fn redis_server_agrees_with_what_it_wrote() {
    let Some(oracle) = oracle() else { return };
    let files = files(false);
    for place in ["commands/src/string", "commands/src/generic", "server-commands/src"] {
        let is_there = |file: &PathBuf| file.parent().is_some_and(|parent| parent.ends_with(place));
        assert!(files.iter().any(is_there), "no transcript in {place}");
    }
    check(&oracle, &files);
}

#[test]
fn engram_answers_as_redis_server_did() {
    let Some(subject) = subject("redis-7.0") else { return };
    check(&subject, &files(false));
}

#[test]
fn engram_answers_as_valkey_does() {
    let Some(subject) = subject("valkey-8.0") else { return };
    check(&subject, &files(true));
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
