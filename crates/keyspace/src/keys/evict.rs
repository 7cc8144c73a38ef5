//! Deletes keys on the node's own account: evicted keys, and keys to which a replica's own clients gave an expiry.

use super::{Expiry, Keys};
use crate::SlotBusy;
use crate::effects::{EventClass, OwnVolatile};
use table::Entry;
use topology::Slot;

/// Which entries a random one is chosen among.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// All of them.
    All,
    /// Those with an expiry.
    Volatile,
}

impl Keys<'_, '_> {
    /// The entry of a key, even an expired one, if it is among those that may be evicted.
    pub fn evictable(&mut self, key: &[u8], among: Among) -> Option<Entry<'_>> {
        let place = self.locate(key);
        let entry = self.guard.find(place, self.physical, key)?;
        (among == Among::All || entry.expire_at().is_some()).then_some(entry)
    }

    /// Removes a key as evicted, even an expired one. Returns whether it existed.
    pub fn evict(&mut self, key: &[u8], lazy: bool) -> bool {
        let place = self.locate(key);
        let Some(entry) = self.take(key, place) else { return false };
        self.changed(key, EventClass::EVICTED, "evicted", 1);
        self.replicate_removal(key, lazy);
        self.free(entry, lazy);
        true
    }

    /// Notes that a write gave a key an expiry where expired keys are hidden: the primary does not know of it.
    #[inline]
    pub(super) fn note_own_volatile(&mut self, key: &[u8], at_ms: Option<u64>) {
        if self.context.expiry == Expiry::Hide
            && let Some(at_ms) = at_ms
        {
            let db = self.context.db;
            self.scratch.effects.own_volatile(OwnVolatile { at_ms, db, key: key.into() });
        }
    }

    /// Deletes an expired key that a replica's own clients wrote. Returns when to check again if it cannot be deleted yet;
    /// `None` if the key is gone.
    pub fn expire_own(&mut self, key: &[u8]) -> Option<u64> {
        let place = self.locate(key);
        let (physical, now_ms) = (self.physical, self.context.now_ms);
        let at_ms = self.guard.find(place, physical, key)?.expire_at()?;
        if at_ms > now_ms || self.is_spared(key, place) {
            return Some(at_ms.max(now_ms + 1));
        }
        self.expire(key, place);
        None
    }

    /// Moves on to a slot. A walking guard first has the commands of the previous slot sent: once that is unlocked, other
    /// threads may write the same keys and would be ahead in the stream.
    pub(super) fn step_to(&mut self, slot: Slot) -> Result<(), SlotBusy> {
        if !self.guard.covers(slot) && !self.scratch.effects.records().is_empty() {
            self.scratch.outlet.send(&mut self.scratch.effects);
        }
        self.guard.step_to(slot, crate::SPINS)
    }

    /// A random entry of the database, with `visit` called on it; `None` when the database is empty.
    ///
    /// # Errors
    /// When its slot stays locked.
    pub fn sample<R>(
        &mut self,
        random: u64,
        visit: impl FnOnce(Entry<'_>) -> R,
    ) -> Result<Option<R>, SlotBusy> {
        self.sample_among(Among::All, random, visit)
    }

    /// As [`Keys::sample`], among some of the entries, however few they are.
    ///
    /// # Errors
    /// When its slot stays locked.
    pub fn sample_among<R>(
        &mut self,
        among: Among,
        random: u64,
        visit: impl FnOnce(Entry<'_>) -> R,
    ) -> Result<Option<R>, SlotBusy> {
        let physical = self.physical;
        // The slot number uses up some of the randomness; the table takes the rest, spread again.
        let within = random.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (random >> 29);
        while let Some(slot) = match among {
            Among::All => self.space.random_slot(physical, random),
            Among::Volatile => self.space.random_volatile_slot(physical, random),
        } {
            self.step_to(slot)?;
            // Others may have emptied it before it was locked; its counts say so by now.
            let table = self.guard.table(slot, physical);
            let entry = table.as_ref().and_then(|table| match among {
                Among::All => table.sample(within),
                Among::Volatile => table.sample_volatile(within),
            });
            if let Some(entry) = entry {
                return Ok(Some(visit(entry)));
            }
        }
        Ok(None)
    }
}
