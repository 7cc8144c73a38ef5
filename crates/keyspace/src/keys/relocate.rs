//! Moves what lies in sparse pages of memory.

use super::Keys;
use memory::slab::Part;
use table::Relocated;
use topology::Slot;

impl Keys<'_, '_> {
    /// Moves entries and arrays of a slot out of sparse pages of a part, as [`table::TableMut::relocate`] does, from the cursor on until about
    /// `budget` entries were looked at. An entry that a snapshot has yet to capture in pieces stays where it is. Returns the next
    /// cursor, 0 at the end of the slot.
    pub fn relocate(&mut self, slot: Slot, cursor: u64, budget: usize, part: Part) -> (u64, Relocated) {
        self.scratch.has_changed = true;
        let (space, retired) = (self.space, &mut self.scratch.retired);
        let Some(mut table) = self.guard.table(slot, self.physical) else {
            return (0, Relocated::default());
        };
        table.relocate(cursor, budget, part, retired, |entry| !space.walk.spares(entry))
    }
}
