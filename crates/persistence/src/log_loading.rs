//! The log's sentences about loading data, and about failing to: scripts wait for these words.

use crate::persistence::Persistence;
use config::Loglevel;
use engine::unix_ms;
use files::words_of;
use rdb::ErrorKind;
use snapshot::{LoadError, LoadReport};

/// Data is complete: what it said of itself, and how much it was.
pub fn log_loaded(persistence: &Persistence, report: &LoadReport) {
    let say = |line: String| persistence.log(Loglevel::Notice, line);
    if let Some(version) = &report.writer_version {
        say(format!("Loading RDB produced by version {version}"));
    }
    if let Some(ctime_s) = report.ctime_s {
        say(format!("RDB age {} seconds", (unix_ms() / 1000).saturating_sub(ctime_s.max(0) as u64)));
    }
    if let Some(bytes) = report.used_mem {
        say(format!("RDB memory usage when created {:.2} Mb", bytes as f64 / f64::from(1 << 20)));
    }
    let (keys, expired) = (report.keys, report.expired);
    say(format!("Done loading RDB, keys loaded: {keys}, keys expired: {expired}."));
}

/// Data can't be loaded.
pub fn log_unloadable(persistence: &Persistence, error: &LoadError) {
    reasons(error).into_iter().for_each(|line| persistence.log(Loglevel::Warning, line));
}

fn reasons(error: &LoadError) -> Vec<String> {
    let fatal = |why: &str| format!("Fatal error loading the DB: {why}. Exiting.");
    let error = match error {
        LoadError::Rdb(error) => error,
        LoadError::Io(error) => return vec![fatal(&words_of(error))],
        other => return vec![internal(0, &other.to_string())],
    };
    let (offset, kind) = (error.offset, error.kind);
    match kind {
        ErrorKind::Signature | ErrorKind::Version(_) => vec![kind.to_string(), fatal("Invalid argument")],
        ErrorKind::Checksum { .. } => {
            vec![format!("{kind}. Aborting now."), internal(offset, "RDB CRC error")]
        }
        ErrorKind::Truncated => vec![
            "Short read or OOM loading DB. Unrecoverable error, aborting now.".to_owned(),
            internal(offset, "Unexpected EOF reading RDB file"),
        ],
        ErrorKind::UnknownType(byte) => vec![internal(offset, &format!("Unknown RDB encoding type {byte}"))],
        ErrorKind::UnsupportedType { .. } | ErrorKind::Corrupt(_) => {
            vec![internal(offset, &kind.to_string())]
        }
    }
}

fn internal(offset: u64, why: &str) -> String {
    format!("Internal error in RDB reading offset {offset} -> {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: ErrorKind, expected: &[&str]) {
        assert_eq!(reasons(&LoadError::Rdb(rdb::Error { offset: 9, key: None, kind })), expected);
    }

    #[test]
    fn each_fault_is_told_in_the_words_that_are_waited_for() {
        check(
            ErrorKind::Signature,
            &[
                "Wrong signature trying to load DB from file",
                "Fatal error loading the DB: Invalid argument. Exiting.",
            ],
        );
        check(
            ErrorKind::Checksum { expected: 0xab, found: 0xcd },
            &[
                "Wrong RDB checksum expected: (ab) but got (cd). Aborting now.",
                "Internal error in RDB reading offset 9 -> RDB CRC error",
            ],
        );
        check(
            ErrorKind::Truncated,
            &[
                "Short read or OOM loading DB. Unrecoverable error, aborting now.",
                "Internal error in RDB reading offset 9 -> Unexpected EOF reading RDB file",
            ],
        );
        check(
            ErrorKind::UnknownType(99),
            &["Internal error in RDB reading offset 9 -> Unknown RDB encoding type 99"],
        );
        let missing = std::io::Error::from_raw_os_error(13);
        assert_eq!(
            reasons(&LoadError::Io(missing)),
            ["Fatal error loading the DB: Permission denied. Exiting."]
        );
    }
}
