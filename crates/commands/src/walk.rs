//! Commands that walk the keyspace in pieces: KEYS, SCAN with a large COUNT.
//!
//! ```text
//!   run ──▶ piece ──▶ Flow::Unfinished ──▶ piece ──▶ Error::SlotBusy ──▶ piece ──▶ Flow::Done
//!             └──────────────── Progress ────┴───────────────────────────┘
//! ```
//! Between two pieces no lock is held: other commands run, those that own the world too, and keys come and go. The
//! caller keeps the [`Progress`] and what was written to `out`. A walk that meets a busy slot loses nothing of what it
//! has done.
//!
//! **Invariant:** progress is a position in the order of slots, and of hashes within a slot, that only grows. So a key that
//! exists from the first piece to the last is visited once, and none is visited twice, even if databases are swapped
//! meanwhile.
//!
//! **Invariant:** each piece makes at least one step before it checks whether it is over.

use crate::Cx;
use resp::Deferred;
use topology::{SLOTS, Slot};

/// Entries between two checks of the clock: they cost a few microseconds.
const LOOK_EVERY: usize = 64;

/// How far a walk has come.
#[derive(Debug, Default)]
pub struct Progress {
    /// The slot to continue with; the number of slots at the end.
    pub slot: usize,
    /// The position within its table, 0 at its start.
    pub within: u64,
    /// Entries that are part of the reply.
    pub found: usize,
    /// What else the command counts.
    pub counts: Counts,
    /// Where the reply's head goes, once the walk has begun.
    pub head: Option<Deferred>,
    /// The part of the reply that follows what is only known at the end.
    pub tail: Vec<u8>,
}

/// What bounds a walk besides the end of the keyspace.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    /// Entries visited so far.
    pub seen: usize,
    /// Steps from slot to slot that are left.
    pub steps: usize,
}

impl Progress {
    /// The next slot with keys of the command's database; the position within stays if it is the same.
    pub fn next_slot(&mut self, cx: &Cx<'_, '_>) -> Option<Slot> {
        let slot = if self.slot < SLOTS { cx.keys.next_occupied(self.slot) } else { None };
        if slot.is_none_or(|slot| slot.index() != self.slot) {
            self.slot = slot.map_or(SLOTS, Slot::index);
            self.within = 0;
        }
        slot
    }

    /// Notes the position that visiting a slot has reached, 0 at its end.
    pub fn reached(&mut self, slot: Slot, within: u64) {
        self.slot = slot.index() + usize::from(within == 0);
        self.within = within;
    }
}

/// One piece of a walk.
pub struct Piece<'p> {
    /// How far the walk has come.
    pub progress: &'p mut Progress,
    is_over: &'p dyn Fn() -> bool,
    visited: usize,
}

impl<'p> Piece<'p> {
    /// Continues from this progress until the end, or until `is_over` says so, which is called every few microseconds.
    pub fn new(progress: &'p mut Progress, is_over: &'p dyn Fn() -> bool) -> Piece<'p> {
        Piece { progress, is_over, visited: 0 }
    }

    /// Whether the walk has to pause, after a step that visited so many entries.
    pub fn is_over(&mut self, visited: usize) -> bool {
        self.visited += visited + 1;
        if self.visited < LOOK_EVERY {
            return false;
        }
        self.visited = 0;
        (self.is_over)()
    }
}

impl std::fmt::Debug for Piece<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Piece").field("progress", &self.progress).finish_non_exhaustive()
    }
}
