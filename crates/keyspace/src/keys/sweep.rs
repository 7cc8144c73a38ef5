//! Sweeps a slot: deletes its expired keys, a few each time it holds the lock. Bounds in the slot's header make a slot without
//! expired keys and fields cost two comparisons, without its lock.
//!
//! ```text
//!   begin: since = never          pass a key: since = min(since, its expiry)          end: bound = since
//!                                 a key gets an expiry meanwhile: bound, since = min(…, it)
//! ```
//! A sweep passes every key that exists from its begin to its end ([`table`] guarantees it), and a command that gives a key an
//! expiry meanwhile lowers `since`. So `since` is not above any expiry of the slot once all tables were passed, and no thread has to
//! visit the whole slot under one hold of the lock.

use super::Keys;
use crate::sync::{AtomicU64, Ordering};
use table::Entry;
use topology::Slot;

/// When keys of a slot expire, and fields of its hashes; kept in its header. They change under the slot's lock only, so a load and a store
/// are enough. Who reads them without it may see what they were a moment ago: the sweeper then comes with its next round.
#[derive(Debug)]
pub(crate) struct Expiries {
    /// No key of the slot expires before this time (Unix ms), or it has passed; `u64::MAX` when none expires at all.
    bound_ms: AtomicU64,
    /// The same for those that the running sweep passed or that were given an expiry since it began.
    since_ms: AtomicU64,
    /// No field of a hash is due before this time.
    fields_ms: AtomicU64,
}

impl Default for Expiries {
    fn default() -> Expiries {
        let never = || AtomicU64::new(u64::MAX);
        Expiries { bound_ms: never(), since_ms: never(), fields_ms: never() }
    }
}

impl Expiries {
    /// Notes that a key of the slot expires at this time.
    #[inline]
    pub(crate) fn note(&self, at_ms: u64) {
        lower(&self.bound_ms, at_ms);
        lower(&self.since_ms, at_ms);
    }

    /// Notes that fields of a hash are due at this time.
    pub(crate) fn note_fields(&self, at_ms: u64) {
        lower(&self.fields_ms, at_ms);
    }

    /// Makes the bound of fields this time, before which none is due any more.
    pub(crate) fn set_fields(&self, at_ms: u64) {
        self.fields_ms.store(at_ms, Ordering::Relaxed);
    }

    /// Whether a key may be due.
    #[inline]
    pub(crate) fn may_be_due(&self, now_ms: u64) -> bool {
        self.bound_ms.load(Ordering::Relaxed) <= now_ms
    }

    /// Whether a field of a hash may be due.
    #[inline]
    pub(crate) fn fields_may_be_due(&self, now_ms: u64) -> bool {
        self.fields_ms.load(Ordering::Relaxed) <= now_ms
    }
}

#[inline]
fn lower(bound: &AtomicU64, at_ms: u64) {
    if at_ms < bound.load(Ordering::Relaxed) {
        bound.store(at_ms, Ordering::Relaxed);
    }
}

/// How far a slot was swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweep {
    /// The database whose due keys are removed; it comes first.
    own: usize,
    /// The other databases' tables come after it: how many of all tables were passed.
    others: Option<usize>,
    cursor: u64,
}

impl Keys<'_, '_> {
    /// Deletes expired keys of a slot, as [`super::Expiry::Delete`] does, except those that a snapshot has yet to capture in
    /// pieces. Visits no more than about `budget` volatile entries from the cursor on, and deletes only what is `wanted`.
    /// Returns the next cursor (0 at the end of the slot) and the number deleted.
    pub fn expire_slot(
        &mut self,
        slot: Slot,
        cursor: u64,
        budget: usize,
        wanted: impl Fn(Entry<'_>) -> bool,
    ) -> (u64, usize) {
        self.expire_some(slot, cursor, budget, wanted, |_| {})
    }

    /// As [`Keys::expire_slot`]. Passes to `stays` the expiry of each key that was visited and not deleted.
    fn expire_some(
        &mut self,
        slot: Slot,
        cursor: u64,
        budget: usize,
        wanted: impl Fn(Entry<'_>) -> bool,
        mut stays: impl FnMut(u64),
    ) -> (u64, usize) {
        let (physical, now_ms) = (self.physical, self.context.now_ms);
        let space = self.space;
        let Some(table) = self.guard.table(slot, physical) else { return (0, 0) };
        let mut due: Vec<Box<[u8]>> = Vec::new();
        let next = table.scan_volatile(&space.hasher, cursor, budget, |entry| {
            let Some(at_ms) = entry.expire_at() else { return };
            if at_ms <= now_ms && wanted(entry) && !space.walk.spares(entry) {
                due.push(entry.key().into());
            } else {
                stays(at_ms);
            }
        });
        for key in &due {
            let place = self.locate(key);
            self.expire(key, place);
        }
        (next, due.len())
    }

    /// Whether a key of the slot may be due, judged by the bound that its header keeps.
    pub fn may_be_due(&mut self, slot: Slot) -> bool {
        let now_ms = self.context.now_ms;
        self.guard.expiries(slot).may_be_due(now_ms)
    }

    /// Sweeps a slot, from its begin or from where the sweep stopped: deletes due keys of the database, then visits the
    /// other databases to compute the slot's bound. Visits about `budget` volatile entries. Returns where to continue,
    /// `None` at the end. One sweep of a slot runs at a time, and one may be given up.
    pub fn sweep(&mut self, slot: Slot, from: Option<Sweep>, budget: usize) -> Option<Sweep> {
        self.scratch.has_changed = true;
        let own = self.physical;
        // When databases were swapped meanwhile, another one is swept, from its begin.
        let mut at = from.filter(|at| at.own == own).unwrap_or_else(|| {
            self.guard.expiries(slot).since_ms.store(u64::MAX, Ordering::Relaxed);
            Sweep { own, others: None, cursor: 0 }
        });
        let mut earliest = u64::MAX;
        let stays = |at_ms: u64| earliest = earliest.min(at_ms);
        let is_last = match at.others {
            None => {
                at.cursor = self.expire_some(slot, at.cursor, budget, |_| true, stays).0;
                false
            }
            Some(other) => self.pass(slot, other, &mut at.cursor, budget, stays),
        };
        let expiries = self.guard.expiries(slot);
        lower(&expiries.since_ms, earliest);
        if is_last {
            expiries.bound_ms.store(expiries.since_ms.load(Ordering::Relaxed), Ordering::Relaxed);
            return None;
        }
        if at.cursor == 0 {
            at.others = Some(at.others.map_or(0, |other| other + 1));
        }
        Some(at)
    }

    /// Visits some volatile entries of a database that is not the sweep's own. Returns whether there is no such
    /// database.
    fn pass(
        &mut self,
        slot: Slot,
        physical: usize,
        cursor: &mut u64,
        budget: usize,
        mut stays: impl FnMut(u64),
    ) -> bool {
        let own = self.physical;
        let hasher = &self.space.hasher;
        let Some(table) = self.guard.table(slot, physical) else { return true };
        *cursor = match physical == own {
            true => 0,
            false => table.scan_volatile(hasher, *cursor, budget, |entry| {
                entry.expire_at().into_iter().for_each(&mut stays);
            }),
        };
        false
    }
}
