//! Keys that nobody names: sampling, and the eviction of what was sampled.

use super::Keys;
use crate::SlotBusy;
use crate::effects::EventClass;
use table::Entry;
use topology::Slot;

impl Keys<'_, '_> {
    /// Removes a key as evicted, also one whose time has come; whether it was there.
    pub fn evict(&mut self, key: &[u8], lazy: bool) -> bool {
        let place = self.locate(key);
        let Some(entry) = self.take(key, place) else { return false };
        self.changed(key, EventClass::EVICTED, "evicted", 1);
        self.replicate_removal(key, lazy);
        self.free(entry, lazy);
        true
    }

    /// Goes on to a slot. A walking guard has what was done in the slot before sent first: once that is unlocked others may
    /// write the same keys, and would be ahead in the stream.
    pub(super) fn step_to(&mut self, slot: Slot) -> Result<(), SlotBusy> {
        if !self.guard.covers(slot) && !self.scratch.effects.records().is_empty() {
            self.scratch.outlet.send(&mut self.scratch.effects);
        }
        self.guard.step_to(slot, crate::SPINS)
    }

    /// A random entry of the database, with `visit` called on it; `None` when the database is empty.
    ///
    /// # Errors
    /// When its slot stays taken.
    pub fn sample<R>(
        &mut self,
        random: u64,
        visit: impl FnOnce(Entry<'_>) -> R,
    ) -> Result<Option<R>, SlotBusy> {
        let physical = self.physical;
        // The slot number uses up some of the randomness; the table takes the rest, spread again.
        let within = random.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (random >> 29);
        while let Some(slot) = self.space.random_slot(physical, random) {
            self.step_to(slot)?;
            // Others may have emptied it before it was locked; its counts say so by now.
            if let Some(entry) =
                self.guard.table(slot, physical).as_ref().and_then(|table| table.sample(within))
            {
                return Ok(Some(visit(entry)));
            }
        }
        Ok(None)
    }
}
