//! The log of the fleet: what was decided, before it is done.
//!
//! ```text
//!   control/fleet.json   a snapshot                                        replaced as a whole, by rename
//!   control/fleet.log    a head, then a line a decision: its commands      appended; begun anew by rename
//! ```
//! `format` has the bytes; docs/formats-fleet.md draws them. A start reads the snapshot and applies the lines that follow it. Of the
//! lines after the last sync a crash may leave any part: the last one may lack its end, and sectors may hold zeros. Nobody was told
//! of these decisions, so they are left out from the first such line on. Any other deviation is damage, and the start refuses it
//! instead of guessing. Once the log is long, a new snapshot is written and the log begins again. Lines that the snapshot already has
//! are known by their sequence, so a crash between the two loses and repeats nothing.
//!
//! A start writes both files anew. After a failed sync, lines may exist in the system's memory alone: the start would read them, and
//! decisions that are based on them would outlive them.
//!
//! **Invariant:** nothing is written before everything has been read and understood: files of a later version, and damaged ones, stay
//! as they are.
//!
//! **What is synced.** Requests and decisions are on the disk before anybody hears of them. An observation (a member serves, was
//! lost) is written without waiting for the disk: after a crash of the machine it is made again.

mod format;
mod upgrade;

use files::{Action, Appender, Directory, Permission, action};
use fleet::{Command, Fleet};
use format::{Line, Why};
use std::io;
use std::path::{Path, PathBuf};

/// A new snapshot after so many lines: a start then reads a few MB at most.
const LINES_PER_SNAPSHOT: u64 = 5_000;

/// The files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Snapshot,
    Log,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::Snapshot => "fleet.json",
            Part::Log => "fleet.log",
        }
    }
}

/// Why the log cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
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
    directory: Directory,
    /// `None` when it is not known which log a crash would leave: nothing is appended any more.
    log: Option<Appender>,
    sequence: u64,
    lines: u64,
}

impl Store {
    /// Opens the log in a directory, or begins it with the fleet that `new` makes.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn open(directory: &Path, new: impl FnOnce() -> Fleet) -> Result<(Store, Fleet), StoreError> {
        Store::open_in(Directory::at(directory), new)
    }

    fn open_in(directory: Directory, new: impl FnOnce() -> Fleet) -> Result<(Store, Fleet), StoreError> {
        directory.make()?;
        let at = |part: Part| directory.path().join(part.name());
        let bad = |part: Part| {
            move |why| match why {
                Why::Newer(version) => StoreError::Newer(at(part), version),
                Why::Damaged(text) => StoreError::Damaged(at(part), text),
            }
        };
        let snapshot = directory.read(Part::Snapshot.name())?;
        let log = directory.read(Part::Log.name())?.unwrap_or_default();
        // Versions first: of a later one nothing else can be said.
        let log_version = format::log_version(&log).map_err(bad(Part::Log))?;
        let Some(snapshot) = snapshot else {
            if !log.is_empty() {
                let why = format!("it is missing beside {}", Part::Log.name());
                return Err(StoreError::Damaged(at(Part::Snapshot), why));
            }
            let fleet = new();
            return Ok((Store::begin(directory, 0, &fleet)?, fleet));
        };
        let (version, mut sequence, mut fleet) =
            format::read_snapshot(&snapshot).map_err(bad(Part::Snapshot))?;
        // A first start that was broken off has a snapshot and no log; an upgrade, the log that the snapshot has all of.
        if log.is_empty() && version > 1 && sequence > 0 {
            let why = format!("it is missing behind command {sequence}");
            return Err(StoreError::Damaged(at(Part::Log), why));
        }
        for Line { sequence: number, at_ms, commands } in
            format::read_log(&log, log_version).map_err(bad(Part::Log))?
        {
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
        if version < format::VERSION || log_version < format::VERSION {
            upgrade::finish(version, &mut fleet);
        }
        Ok((Store::begin(directory, sequence, &fleet)?, fleet))
    }

    /// Writes down what a start has read, for it may have read what no disk holds.
    fn begin(directory: Directory, sequence: u64, fleet: &Fleet) -> io::Result<Store> {
        let mut store = Store { directory, log: None, sequence, lines: 0 };
        store.begin_anew(fleet)?;
        Ok(store)
    }

    /// Writes a decision down: all of its commands or, after a crash, none. On return it is on the disk if somebody may hear of it,
    /// else on its way.
    ///
    /// # Errors
    /// When the file cannot be written; the process must not go on deciding then.
    pub fn append(&mut self, at_ms: u64, commands: &[(String, Command)]) -> io::Result<()> {
        let lost = || io::Error::other("it is not known which log of the fleet the disk holds");
        let log = self.log.as_mut().ok_or_else(lost)?;
        self.sequence += 1;
        self.lines += 1;
        log.append(&format::line(self.sequence, at_ms, commands)?)?;
        if is_promised(commands) { log.sync() } else { Ok(()) }
    }

    /// Begins a new log behind a snapshot, if the present one is long.
    ///
    /// # Errors
    /// When a file cannot be written; the old ones still hold everything.
    pub fn compact(&mut self, fleet: &Fleet) -> io::Result<()> {
        if self.lines < LINES_PER_SNAPSHOT { Ok(()) } else { self.begin_anew(fleet) }
    }

    fn begin_anew(&mut self, fleet: &Fleet) -> io::Result<()> {
        self.publish(Part::Snapshot, &format::snapshot(self.sequence, fleet)?)?;
        let published = self.publish(Part::Log, &format::log_head()?);
        if published.as_ref().is_err_and(|error| action(error) != Some(Action::SyncDirectory)) {
            // The old log is in its place, and goes on.
            return published;
        }
        // From here on the old one is the wrong one, unless a crash brings it back.
        self.log = None;
        published?;
        self.log = Some(self.directory.append(Part::Log.name())?);
        self.lines = 0;
        Ok(())
    }

    fn publish(&self, part: Part, bytes: &[u8]) -> io::Result<()> {
        self.directory.publish(part.name(), Permission::Owner, bytes)
    }
}

/// Whether a decision must be on the disk before anybody hears of it. What the others say is seen again.
fn is_promised(commands: &[(String, Command)]) -> bool {
    commands.iter().any(|(_, command)| {
        !matches!(
            command,
            Command::Serves { .. }
                | Command::Configured { .. }
                | Command::Lost { .. }
                | Command::Killed { .. }
                | Command::Forget { .. }
                | Command::Closed { .. }
        )
    })
}

#[cfg(test)]
mod faults;
#[cfg(test)]
mod tests;
