//! The log of the fleet: what was decided, before it is done.
//!
//! ```text
//!   control/fleet.json   a snapshot                                        replaced as a whole, by rename
//!   control/fleet.log    a head, then a line a decision: its commands      appended; begun anew by rename
//! ```
//! The bytes are those of `format`, drawn in docs/formats-fleet.md. A start reads the snapshot and applies the lines behind it. The
//! last line may lack its end, by a crash in the middle of writing it: nobody was told of it then, so it is cut off. Whatever
//! else is not what was written is damage, and the start says so instead of guessing. Once the log is long a new snapshot is
//! written and the log begins again; lines that the snapshot already has are known by their sequence, so a crash between
//! the two loses and repeats nothing.
//!
//! **Invariant:** nothing is written before everything has been read and understood: files of a later version, and damaged ones, stay
//! as they are.
//!
//! **What is synced.** Wishes and decisions are on the disk before anybody hears of them. What is merely seen (a member
//! serves, was lost) is written without waiting for the disk: after a crash of the machine it is seen again.

mod disk;
mod format;
mod upgrade;

use disk::{Disk, Part};
use fleet::{Command, Fleet};
use format::{Line, Why};
use std::io;
use std::path::{Path, PathBuf};

pub(crate) use disk::replace;

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
    /// A file is of a later program.
    #[error("{0} has version {1} and this program reads up to {newest}; start the one that wrote it", newest = format::VERSION)]
    Newer(PathBuf, u32),
}

/// The log, open for appending.
#[derive(Debug)]
pub struct Store {
    disk: Box<dyn Disk>,
    sequence: u64,
    lines: u64,
}

impl Store {
    /// Opens the log in a directory, or begins it with the fleet that `new` makes.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(directory: &Path, new: impl FnOnce() -> Fleet) -> Result<(Store, Fleet), StoreError> {
        let disk = disk::Files::open(directory).map_err(|e| StoreError::Io(directory.to_owned(), e))?;
        Store::open_on(Box::new(disk), directory, new)
    }

    fn open_on(
        mut disk: Box<dyn Disk>,
        directory: &Path,
        new: impl FnOnce() -> Fleet,
    ) -> Result<(Store, Fleet), StoreError> {
        let at = |part: Part| directory.join(part.name());
        let io_error = |part: Part| move |error| StoreError::Io(at(part), error);
        let bad = |part: Part| {
            move |why| match why {
                Why::Newer(version) => StoreError::Newer(at(part), version),
                Why::Damaged(text) => StoreError::Damaged(at(part), text),
            }
        };
        let snapshot = disk.read(Part::Snapshot).map_err(io_error(Part::Snapshot))?;
        let log = disk.read(Part::Log).map_err(io_error(Part::Log))?.unwrap_or_default();
        // Versions first: of a later one nothing else can be said.
        let log_version = format::log_version(&log).map_err(bad(Part::Log))?;
        let Some(snapshot) = snapshot else {
            if !log.is_empty() {
                let why = format!("it is missing beside {}", Part::Log.name());
                return Err(StoreError::Damaged(at(Part::Snapshot), why));
            }
            let fleet = new();
            let mut store = Store { disk, sequence: 0, lines: 0 };
            store.begin_anew(&fleet).map_err(io_error(Part::Snapshot))?;
            return Ok((store, fleet));
        };
        let (version, mut sequence, mut fleet) =
            format::read_snapshot(&snapshot).map_err(bad(Part::Snapshot))?;
        // A first start that was broken off has a snapshot and no log; an upgrade, the log that the snapshot has all of.
        if log.is_empty() && version > 1 && sequence > 0 {
            let why = format!("it is missing behind command {sequence}");
            return Err(StoreError::Damaged(at(Part::Log), why));
        }
        let (lines, valid_bytes) = format::read_log(&log, log_version).map_err(bad(Part::Log))?;
        let count = lines.len() as u64;
        for Line { sequence: number, at_ms, commands } in lines {
            if number <= sequence {
                continue;
            }
            if version > 1 && (number != sequence + 1 || log_version != version) {
                let why = format!("{number} follows {sequence}");
                return Err(StoreError::Damaged(at(Part::Log), why));
            }
            for (region, command) in &commands {
                let applied = fleet.apply(at_ms, region, command);
                applied.map_err(|why| StoreError::Damaged(at(Part::Log), why.to_string()))?;
            }
            sequence = number;
        }
        fleet.check().map_err(|why| StoreError::Damaged(at(Part::Snapshot), why.to_string()))?;
        let mut store = Store { disk, sequence, lines: count };
        if version < format::VERSION || log_version < format::VERSION {
            upgrade::finish(version, &mut fleet);
            store.begin_anew(&fleet).map_err(io_error(Part::Snapshot))?;
        } else if valid_bytes < log.len() {
            store.disk.cut(valid_bytes as u64).map_err(io_error(Part::Log))?;
        }
        Ok((store, fleet))
    }

    /// Writes a decision down: all of its commands or, after a crash, none. On return it is on the disk if `durable`, else on its
    /// way.
    ///
    /// # Errors
    /// When the file cannot be written; the process must not go on deciding then.
    pub fn append(&mut self, at_ms: u64, commands: &[(String, Command)], durable: bool) -> io::Result<()> {
        self.sequence += 1;
        self.lines += 1;
        self.disk.append(&format::line(self.sequence, at_ms, commands)?)?;
        if durable { self.disk.sync() } else { Ok(()) }
    }

    /// Begins a new log behind a snapshot, if the present one is long.
    ///
    /// # Errors
    /// When a file cannot be written; the old ones still hold everything.
    pub fn compact(&mut self, fleet: &Fleet) -> io::Result<()> {
        if self.lines < LINES_PER_SNAPSHOT { Ok(()) } else { self.begin_anew(fleet) }
    }

    fn begin_anew(&mut self, fleet: &Fleet) -> io::Result<()> {
        self.disk.replace(Part::Snapshot, &format::snapshot(self.sequence, fleet)?)?;
        self.disk.replace(Part::Log, &format::log_head()?)?;
        self.lines = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
