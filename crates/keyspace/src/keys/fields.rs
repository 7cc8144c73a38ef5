//! Fields of hashes that expire.
//!
//! A field that has expired is hidden from readers at once ([`Keys::fields_now_ms`]) and deleted later: by a write that meets it, or
//! by the sweep ([`Keys::reclaim_fields`]). Only a primary deletes, and its replicas get HDEL; until then it counts in HLEN.

use super::{Expiry, Keys};
use crate::effects::EventClass;
use crate::fields::VolatileHashes;
use table::{Entry, ValueMut};
use topology::Slot;

/// Looking at another key takes as long as deleting so many fields.
const KEY_EFFORT: usize = 7;

/// When fields of an entry are next due, if it is a hash with fields that expire.
#[inline]
pub(super) fn due_of(entry: Entry<'_>) -> Option<u64> {
    if entry.kind() == table::Kind::Hash {
        entry.value().hash().and_then(|hash| hash.next_due_ms())
    } else {
        None
    }
}

impl Keys<'_, '_> {
    /// The time up to which fields that expire are hidden; 0 where all are seen: while data is loaded, and by the stream that a
    /// replica applies.
    #[inline]
    pub fn fields_now_ms(&self) -> u64 {
        if self.context.expiry == Expiry::Ignore { 0 } else { self.context.now_ms }
    }

    /// Notes that a change of a key's hash changed when its fields are due.
    #[inline]
    pub fn fields_changed(&mut self, key: &[u8], before: Option<u64>, after: Option<u64>) {
        if before != after {
            self.change_due(key, before, after);
        }
    }

    #[cold]
    pub(super) fn change_due(&mut self, key: &[u8], before: Option<u64>, after: Option<u64>) {
        let slot = self.locate(key).slot;
        let (physical, thread) = (self.physical, self.context.thread);
        self.guard.volatile_hashes(slot).change(physical, key, before, after);
        match after {
            Some(at_ms) => self.guard.expiries(slot).note_fields(at_ms),
            None => self.settle_if_none(slot),
        }
        let by = i64::from(after.is_some()) - i64::from(before.is_some());
        self.space.counters.add_volatile_hashes(thread, physical, by);
    }

    /// Describes that fields of a hash were deleted because they had expired.
    pub fn fields_expired(&mut self, key: &[u8], count: usize) {
        self.scratch.effects.expired_fields += count as u64;
        self.changed(key, EventClass::HASH, "hexpired", count as u64);
    }

    /// Deletes about `most` fields of the slot's hashes in this database that are due, and keys with their last field, except
    /// hashes that a snapshot has yet to capture in pieces. Returns whether others may be due.
    pub fn reclaim_fields(&mut self, slot: Slot, most: usize) -> bool {
        let (physical, now_ms, space) = (self.physical, self.context.now_ms, self.space);
        if !self.guard.expiries(slot).fields_may_be_due(now_ms) {
            return false;
        }
        let Some(hashes) = self.guard.volatile_hashes_if_any(slot) else { return false };
        let due = hashes.due(physical, now_ms, most);
        let mut left = most;
        for key in due {
            if left == 0 {
                return true;
            }
            let place = self.locate(&key);
            let found = self.guard.find(place, physical, &key);
            if found.is_some_and(|entry| space.walk.spares(entry)) {
                continue;
            }
            left = left.saturating_sub(self.reclaim_fields_of(&key, left));
        }
        if left > 0 {
            let earliest_ms = self.guard.volatile_hashes_if_any(slot).and_then(VolatileHashes::earliest_ms);
            self.guard.expiries(slot).set_fields(earliest_ms.unwrap_or(u64::MAX));
        }
        left == 0
    }

    /// Gives back what a slot keeps of hashes with fields that expire, if there is none any more.
    pub(super) fn settle_if_none(&mut self, slot: Slot) {
        if self.guard.volatile_hashes_if_any(slot).is_none_or(VolatileHashes::is_empty) {
            self.guard.expiries(slot).set_fields(u64::MAX);
            self.guard.drop_extra_if_unused(slot);
        }
    }

    /// Deletes due fields of a hash, `most` of them; how many.
    fn reclaim_fields_of(&mut self, key: &[u8], most: usize) -> usize {
        let place = self.locate(key);
        let (db, now_ms) = (self.context.db, self.context.now_ms);
        let Some(mut edit) = self.edit_at(key, place, false) else { return 0 };
        let ValueMut::Hash(hash) = edit.value_mut() else { return 0 };
        let before = hash.next_due_ms();
        let fields = hash.remove_due(now_ms, most);
        let (after, is_empty) = (hash.next_due_ms(), hash.is_empty());
        if fields.is_empty() {
            return 0;
        }
        self.fields_changed(key, before, after);
        // It deletes the key as well, with the last field.
        let command = [b"HDEL", key].into_iter().chain(fields.iter().map(|field| &**field));
        let command: Vec<&[u8]> = command.collect();
        self.scratch.effects.replicate(db, &command);
        self.fields_expired(key, fields.len());
        if is_empty && let Some(entry) = self.take(key, place) {
            self.event(key, EventClass::GENERIC, "del");
            self.free(entry, true);
        }
        fields.len() + KEY_EFFORT
    }
}
