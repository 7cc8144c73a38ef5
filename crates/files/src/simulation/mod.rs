//! A disk in memory that fails, and loses its power, on demand.
//!
//! ```text
//!   what a process sees     names ──▶ files ──▶ bytes
//!        ▲ calls                │        │
//!        │                   changes that no sync has kept, in their order
//!        │                      │        │
//!   what a sync has kept    names ──▶ files ──▶ bytes      + some of the changes = what a crash leaves
//! ```
//! It allows what POSIX allows, not only what one file system does:
//! - Of the names that changed since their directory was synced a crash keeps any, each by itself: a rename may be there and
//!   one before it not, whether the file was synced or not.
//! - Of the bytes that changed since their file was synced a crash keeps a beginning, or ([`Survival::Sectors`]) any sectors,
//!   with zeros or what was there before in the others.
//! - A sync that fails forgets what was to be kept. A later one succeeds without it, and the process sees no difference.
//!
//! A test runs a program on it once for each of its [`calls`](Simulation::calls), with a fault at that call, crashes, and
//! looks at what a start finds: in all states that the crash may have left ([`every_choice`]), or in some ([`random`]).

mod file;
mod names;
mod state;

use crate::directory::Directory;
use crate::disk::{Disk, For};
use crate::error::Action;
pub(crate) use file::OpenFile;
use state::State;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The smallest piece of a file that a disk keeps or loses as a whole.
pub const SECTOR_BYTES: usize = 512;

/// What is left of bytes that no sync has kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survival {
    /// A beginning of the changes: of nothing, all, or anything between, to the byte.
    Prefix,
    /// Any of the sectors that changed. The length is the new one, so a sector that is lost may be zeros.
    Sectors,
}

/// Picks one of so many possibilities, counted from 0.
pub type Choose<'a> = &'a mut dyn FnMut(usize) -> usize;

/// A disk with one directory, `/`. Its clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct Simulation(Arc<Mutex<State>>);

impl Simulation {
    /// An empty disk.
    pub fn new() -> Simulation {
        Simulation::default()
    }

    /// A directory of it; the path is absolute.
    pub fn directory(&self, path: impl Into<PathBuf>) -> Directory {
        Directory::on(Disk::Simulated(self.clone()), path.into())
    }

    /// From now on there is room for so many bytes more.
    pub fn fill_after(&self, bytes: u64) {
        self.state().room = Some(bytes);
    }

    /// There is room again.
    pub fn make_room(&self) {
        self.state().room = None;
    }

    /// One call fails that changes something: the `nth` from now, counted from 0, of this action or of any. A write is done by
    /// half then, and everything else not at all.
    pub fn fail(&self, action: Option<Action>, nth: u64) {
        self.state().failing = Some((action, nth));
    }

    /// The power is lost in the midst of the `nth` call from now that changes something: it and all later ones fail. What there
    /// is then, [`Simulation::crash`] tells.
    pub fn stop_at(&self, nth: u64) {
        self.state().stops_in = Some(nth);
    }

    /// Calls so far that changed something, or tried to.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// A disk as a crash of the machine may leave this one, which stays as it is.
    pub fn crash(&self, survival: Survival, choose: Choose<'_>) -> Simulation {
        Simulation(Arc::new(Mutex::new(self.state().crash(survival, choose))))
    }

    /// The names in a directory, in order.
    pub fn names(&self, path: impl AsRef<Path>) -> Vec<String> {
        self.state().names(path.as_ref())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn open(&self, path: &Path, purpose: For) -> io::Result<OpenFile> {
        let number = self.state().open(path, purpose)?;
        Ok(OpenFile::new(self.clone(), number, purpose == For::Appending))
    }

    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().rename(from, to)
    }

    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().remove(path)
    }

    pub(crate) fn remove_tree(&self, path: &Path) -> io::Result<()> {
        for name in self.names(path) {
            self.remove_tree(&path.join(name))?;
        }
        self.remove(path)
    }

    pub(crate) fn make_directory(&self, path: &Path) -> io::Result<()> {
        self.state().make_directory(path)
    }

    pub(crate) fn is_directory(&self, path: &Path) -> bool {
        self.state().is_directory(path)
    }

    pub(crate) fn mode(&self, path: &Path) -> io::Result<u32> {
        self.state().mode(path)
    }

    pub(crate) fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.state().sync_directory(path)
    }
}

impl PartialEq for Simulation {
    fn eq(&self, other: &Simulation) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Simulation {}

/// Runs something once for every series of choices that it can meet.
pub fn every_choice(mut run: impl FnMut(Choose<'_>)) {
    // What was picked, and of how many.
    let mut series: Vec<(usize, usize)> = Vec::new();
    loop {
        let mut at = 0;
        run(&mut |count| {
            if at == series.len() {
                series.push((0, count));
            }
            let (picked, of) = series[at];
            assert_eq!(of, count, "the same choices lead to the same question");
            at += 1;
            picked
        });
        series.truncate(at);
        while series.last().is_some_and(|(picked, of)| picked + 1 >= *of) {
            series.pop();
        }
        match series.last_mut() {
            Some((picked, _)) => *picked += 1,
            None => return,
        }
    }
}

/// Choices by chance, the same for the same seed.
pub fn random(seed: u64) -> impl FnMut(usize) -> usize {
    // SplitMix64.
    let mut state = seed;
    move |count| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) % count.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests;
