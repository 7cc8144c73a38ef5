//! The log of the fleet: what was decided, before it is done.
//!
//! ```text
//!   control/fleet.json   a snapshot: {"sequence": 812, "fleet": {…}}            replaced as a whole, by rename
//!   control/fleet.log    a line a command: crc32 (8 hex) │ space │ [sequence, at_ms, region, command] │ newline
//! ```
//! A start reads the snapshot and applies the lines behind it. The last line may be torn, by a crash in the middle of
//! writing it: nobody was told of it then, so it is cut off. A damaged line before the last is another matter, and the
//! start says so instead of guessing. Once the log is long a new snapshot is written and the log begins again; lines that
//! the snapshot already has are known by their sequence, so a crash between the two loses and repeats nothing.
//!
//! **What is synced.** Wishes and decisions are on the disk before anybody hears of them. What is merely seen (a member
//! serves, was lost) is written without waiting for the disk: after a crash of the machine it is seen again.

use fleet::{Command, Fleet};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// A new snapshot after so many lines: a start then reads a few MB at most.
const LINES_PER_SNAPSHOT: u64 = 5_000;

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// A file is not what was written.
    #[error("{0} is damaged ({1}); restore it from a copy, or move the directory away to begin anew")]
    Damaged(PathBuf, String),
}

/// The log, open for appending.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
    log: File,
    sequence: u64,
    lines: u64,
}

#[derive(Serialize, Deserialize)]
struct Snapshot<F> {
    sequence: u64,
    fleet: F,
}

type Line = (u64, u64, String, Command);

impl Store {
    /// Opens the log in a directory, or begins it with the fleet that `new` makes.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(directory: &Path, new: impl FnOnce() -> Fleet) -> Result<(Store, Fleet), StoreError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| StoreError::Io(path, error)
        };
        std::fs::create_dir_all(directory).map_err(at(directory))?;
        let (snapshot_path, log_path) = (directory.join("fleet.json"), directory.join("fleet.log"));
        let Snapshot { mut sequence, mut fleet } = match std::fs::read(&snapshot_path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| StoreError::Damaged(snapshot_path.clone(), error.to_string()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let fleet = new();
                write_snapshot(directory, 0, &fleet).map_err(at(&snapshot_path))?;
                Snapshot { sequence: 0, fleet }
            }
            Err(error) => return Err(StoreError::Io(snapshot_path, error)),
        };
        let mut log =
            OpenOptions::new().read(true).append(true).create(true).open(&log_path).map_err(at(&log_path))?;
        let (lines, valid_bytes) = read_log(&mut log, &log_path)?;
        log.set_len(valid_bytes).map_err(at(&log_path))?;
        let count = lines.len() as u64;
        for (number, at_ms, region, command) in lines {
            if number <= sequence {
                continue;
            }
            fleet
                .apply(at_ms, &region, &command)
                .map_err(|missing| StoreError::Damaged(log_path.clone(), missing.to_string()))?;
            sequence = number;
        }
        Ok((Store { directory: directory.to_owned(), log, sequence, lines: count }, fleet))
    }

    /// Writes commands down, in their order. On return they are on the disk if `durable`, else on their way.
    ///
    /// # Errors
    /// When the file cannot be written; the process must not go on deciding then.
    pub fn append<'a>(
        &mut self,
        at_ms: u64,
        commands: impl IntoIterator<Item = (&'a str, &'a Command)>,
        durable: bool,
    ) -> io::Result<()> {
        let mut bytes = Vec::new();
        for (region, command) in commands {
            self.sequence += 1;
            self.lines += 1;
            let body = serde_json::to_vec(&(self.sequence, at_ms, region, command))?;
            write!(bytes, "{:08x} ", crc32fast::hash(&body))?;
            bytes.extend(body);
            bytes.push(b'\n');
        }
        self.log.write_all(&bytes)?;
        if durable {
            self.log.sync_data()?;
        }
        Ok(())
    }

    /// Begins a new log behind a snapshot, if the present one is long.
    ///
    /// # Errors
    /// When a file cannot be written; the old ones still hold everything.
    pub fn compact(&mut self, fleet: &Fleet) -> io::Result<()> {
        if self.lines < LINES_PER_SNAPSHOT {
            return Ok(());
        }
        self.log.sync_data()?;
        write_snapshot(&self.directory, self.sequence, fleet)?;
        self.log.set_len(0)?;
        self.log.rewind()?;
        self.lines = 0;
        Ok(())
    }
}

fn write_snapshot(directory: &Path, sequence: u64, fleet: &Fleet) -> io::Result<()> {
    let bytes = serde_json::to_vec(&Snapshot { sequence, fleet })?;
    replace(directory, "fleet.json", &bytes)
}

/// Replaces a file as a whole: after a crash there is the old one or the new one.
pub(crate) fn replace(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let (temporary, path) = (directory.join(format!("{name}.tmp")), directory.join(name));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&temporary, &path)?;
    File::open(directory)?.sync_all()
}

/// The lines of a log, and how many bytes they are; what is torn at the end does not count.
fn read_log(log: &mut File, path: &Path) -> Result<(Vec<Line>, u64), StoreError> {
    let io_error = |error| StoreError::Io(path.to_owned(), error);
    let mut bytes = Vec::new();
    log.rewind().map_err(io_error)?;
    BufReader::new(&mut *log).read_to_end(&mut bytes).map_err(io_error)?;
    let mut lines = Vec::new();
    let mut valid = 0;
    let mut rest = &bytes[..];
    let mut text = Vec::new();
    loop {
        text.clear();
        let length = rest.read_until(b'\n', &mut text).map_err(io_error)?;
        if length == 0 {
            return Ok((lines, valid));
        }
        match parse(&text) {
            Some(line) => {
                lines.push(line);
                valid += length as u64;
            }
            None if rest.is_empty() => return Ok((lines, valid)),
            None => return Err(StoreError::Damaged(path.to_owned(), format!("line {}", lines.len() + 1))),
        }
    }
}

fn parse(line: &[u8]) -> Option<Line> {
    let line = line.strip_suffix(b"\n")?;
    let (sum, body) = line.split_at_checked(9)?;
    let sum = std::str::from_utf8(sum.strip_suffix(b" ")?).ok()?;
    let matches = u32::from_str_radix(sum, 16).ok()? == crc32fast::hash(body);
    if matches { serde_json::from_slice(body).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fleet::{AddressPool, NodeId};

    fn empty() -> Fleet {
        Fleet::new(AddressPool::Loopback { block: 1, last: 0 })
    }

    /// Any command does; this one changes nothing that the test would have to build first.
    fn command(node: u64) -> Command {
        Command::Forget { node: NodeId(node) }
    }

    fn filled(directory: &Path, count: u64) {
        let (mut store, _) = Store::open(directory, empty).unwrap();
        for node in 0..count {
            store.append(7, [("us-east-1", &command(node))], node % 2 == 0).unwrap();
        }
    }

    #[test]
    fn a_torn_line_at_the_end_is_cut_off_wherever_it_is_torn() {
        let directory = tempfile::tempdir().unwrap();
        filled(directory.path(), 3);
        let path = directory.path().join("fleet.log");
        let whole = std::fs::read(&path).unwrap();
        let second_end = whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0 + 1;
        for cut in second_end..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            let (mut store, _) = Store::open(directory.path(), empty).unwrap();
            assert_eq!(store.sequence, 2);
            store.append(8, [("r", &command(9))], true).unwrap();
            drop(store);
            assert_eq!(Store::open(directory.path(), empty).unwrap().0.sequence, 3);
        }
    }

    #[test]
    fn damage_before_the_end_is_told() {
        let directory = tempfile::tempdir().unwrap();
        filled(directory.path(), 3);
        let path = directory.path().join("fleet.log");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[20] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let error = Store::open(directory.path(), empty).unwrap_err();
        assert!(error.to_string().contains("line 1"), "{error}");
    }

    #[test]
    fn a_crash_between_snapshot_and_log_repeats_nothing() {
        let directory = tempfile::tempdir().unwrap();
        filled(directory.path(), 2);
        let log = std::fs::read(directory.path().join("fleet.log")).unwrap();
        let (mut store, fleet) = Store::open(directory.path(), empty).unwrap();
        store.lines = LINES_PER_SNAPSHOT;
        store.compact(&fleet).unwrap();
        store.append(9, [("r", &command(5))], true).unwrap();
        drop(store);
        let behind = std::fs::read(directory.path().join("fleet.log")).unwrap();
        std::fs::write(directory.path().join("fleet.log"), [log, behind].concat()).unwrap();
        assert_eq!(Store::open(directory.path(), empty).unwrap().0.sequence, 3);
    }
}
