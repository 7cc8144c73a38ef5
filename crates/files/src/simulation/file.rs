//! The bytes of a file, and which of their changes a sync has kept.

use super::{Choose, SECTOR_BYTES, Simulation, Survival};
use std::io;

#[derive(Clone, Debug)]
enum Change {
    Write(u64, Vec<u8>),
    Empty,
}

impl Change {
    /// In how many steps a crash may stop it.
    fn steps(&self) -> usize {
        match self {
            Change::Write(_, bytes) => bytes.len(),
            Change::Empty => 1,
        }
    }

    fn apply(&self, to: &mut Vec<u8>, steps: usize) {
        match self {
            Change::Write(offset, bytes) => put(to, *offset, &bytes[..steps]),
            Change::Empty if steps > 0 => to.clear(),
            Change::Empty => {}
        }
    }

    fn apply_all(&self, to: &mut Vec<u8>) {
        self.apply(to, self.steps());
    }
}

fn put(to: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let (from, end) = (offset as usize, offset as usize + bytes.len());
    if to.len() < end {
        to.resize(end, 0);
    }
    to[from..end].copy_from_slice(bytes);
}

#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) mode: u32,
    seen: Vec<u8>,
    kept: Vec<u8>,
    /// In their order; `true` for those that a failed sync has forgotten.
    changes: Vec<(Change, bool)>,
}

impl File {
    pub(super) fn new(mode: u32) -> File {
        File { mode, seen: Vec::new(), kept: Vec::new(), changes: Vec::new() }
    }

    pub(super) fn seen(&self) -> &[u8] {
        &self.seen
    }

    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.change(Change::Write(offset, bytes.to_vec()));
        }
    }

    pub(super) fn empty(&mut self) {
        if !self.seen.is_empty() {
            self.change(Change::Empty);
        }
    }

    fn change(&mut self, change: Change) {
        change.apply_all(&mut self.seen);
        self.changes.push((change, false));
    }

    /// Keeps the changes, or forgets to.
    pub(super) fn sync(&mut self, succeeds: bool) {
        if !succeeds {
            self.changes.iter_mut().for_each(|(_, is_forgotten)| *is_forgotten = true);
            return;
        }
        for (change, is_forgotten) in self.changes.drain(..) {
            if !is_forgotten {
                change.apply_all(&mut self.kept);
            }
        }
    }

    pub(super) fn crash(&self, survival: Survival, choose: Choose<'_>) -> File {
        let changes = || self.changes.iter().map(|(change, _)| change);
        let mut kept = self.kept.clone();
        match survival {
            Survival::Prefix => {
                let steps: usize = changes().map(Change::steps).sum();
                let mut left = if steps == 0 { 0 } else { choose(steps + 1) };
                for change in changes() {
                    let now = change.steps().min(left);
                    change.apply(&mut kept, now);
                    left -= now;
                }
            }
            Survival::Sectors => {
                let mut whole = kept.clone();
                changes().for_each(|change| change.apply_all(&mut whole));
                kept.resize(whole.len(), 0);
                for (old, new) in kept.chunks_mut(SECTOR_BYTES).zip(whole.chunks(SECTOR_BYTES)) {
                    if old != new && choose(2) == 1 {
                        old.copy_from_slice(new);
                    }
                }
            }
        }
        File { mode: self.mode, seen: kept.clone(), kept, changes: Vec::new() }
    }
}

/// A file that a process has opened.
#[derive(Debug)]
pub(crate) struct OpenFile {
    disk: Simulation,
    number: usize,
    offset: u64,
    appends: bool,
}

impl OpenFile {
    pub(super) fn new(disk: Simulation, number: usize, appends: bool) -> OpenFile {
        OpenFile { disk, number, offset: 0, appends }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        let offset = if self.appends { state.file(self.number).seen().len() as u64 } else { self.offset };
        state.write(self.number, offset, bytes)?;
        self.offset = offset + bytes.len() as u64;
        Ok(())
    }

    pub(crate) fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        let seen = state.read(self.number)?;
        let from = seen.get(self.offset as usize..).unwrap_or_default();
        let count = from.len().min(bytes.len());
        bytes[..count].copy_from_slice(&from[..count]);
        self.offset += count as u64;
        Ok(count)
    }

    pub(crate) fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        let from = state.read(self.number)?.get(offset as usize..).unwrap_or_default();
        let from = from.get(..bytes.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        bytes.copy_from_slice(from);
        Ok(())
    }

    pub(crate) fn rewind(&mut self) {
        self.offset = 0;
    }

    pub(crate) fn length(&self) -> u64 {
        self.disk.state().file(self.number).seen().len() as u64
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.disk.state().sync(self.number)
    }

    pub(crate) fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.disk.state().set_mode(self.number, mode)
    }
}
