//! Whole databases: emptied, or swapped.

use super::Keys;
use crate::slots::Flushed;
use table::{Entry, Kind};
use topology::Slot;

impl Keys<'_, '_> {
    /// Empties the database. Returns its tables, to be freed here or elsewhere. Only in the world. Tables that a running
    /// snapshot still needs go to the snapshot.
    pub fn flush(&mut self) -> Vec<Flushed> {
        assert!(self.guard.is_world(), "a database is flushed in the world");
        self.scratch.has_changed = true;
        if self.space.is_tracking() {
            self.scratch.effects.note_all_stale();
        }
        let (physical, thread, db, space) = (self.physical, self.context.thread, self.context.db, self.space);
        let mut removed = Vec::new();
        let mut from = 0;
        while let Some(slot) = space.next_occupied(physical, from) {
            from = slot.index() + 1;
            if self.guard.cell(slot).is_registered() {
                // Only keys that are there count as changed.
                for key in self.guard.registry(slot).watched_in(db) {
                    if self.guard.find(self.locate(&key), physical, &key).is_some() {
                        self.touch_watches(&key, slot);
                    }
                }
                for key in self.guard.registry(slot).waited_in(db) {
                    if self.is_stream(physical, &key) {
                        self.scratch.effects.ready.push(db, &key);
                    }
                }
            }
            let Some(table) = self.guard.table(slot, physical) else { continue };
            let (keys, volatile) = (table.len() as i64, table.volatile_len() as i64);
            let table = self.guard.flush(slot, physical);
            space.count(thread, physical, slot, -keys);
            space.counters.add_volatile(thread, physical, slot.index(), -volatile);
            if self.guard.volatile_hashes_if_any(slot).is_some() {
                let hashes = self.guard.volatile_hashes(slot).clear(physical) as i64;
                space.counters.add_volatile_hashes(thread, physical, -hashes);
                self.settle_if_none(slot);
            }
            space.note_occupied(physical, slot, false);
            removed.extend(space.walk.adopt(physical, table));
        }
        space.counters.forget_expiries(thread, physical);
        removed
    }

    fn is_stream(&mut self, physical: usize, key: &[u8]) -> bool {
        let found = self.guard.find(self.locate(key), physical, key);
        found.is_some_and(|entry| entry.kind() == Kind::Stream)
    }

    /// Swaps two logical databases, in the world, and touches the watches in them.
    pub fn swap(&mut self, a: u16, b: u16) {
        assert!(self.guard.is_world(), "databases are swapped in the world");
        if a == b {
            return;
        }
        self.scratch.has_changed = true;
        let (pa, pb) = (self.space.physical(a), self.space.physical(b));
        let now_ms = self.context.now_ms;
        for slot in Slot::all() {
            if !self.guard.cell(slot).is_registered() {
                continue;
            }
            for (db, then, now) in [(a, pa, pb), (b, pb, pa)] {
                for key in self.guard.registry(slot).watched_in(db) {
                    let place = self.locate(&key);
                    let is_live = |entry: Entry<'_>| entry.expire_at().is_none_or(|at| at > now_ms);
                    // That an absent key becomes one whose time has come is no change.
                    if self.guard.find(place, then, &key).is_some()
                        || self.guard.find(place, now, &key).is_some_and(is_live)
                    {
                        self.guard.registry(slot).touch(db, &key);
                    }
                }
                for key in self.guard.registry(slot).waited_in(db) {
                    let is_there = self.guard.find(self.locate(&key), now, &key).is_some();
                    if is_there || self.is_stream(then, &key) {
                        self.scratch.effects.ready.push(db, &key);
                    }
                }
            }
            let is_empty = self.guard.registry(slot).is_empty();
            self.note_registered(slot, !is_empty);
        }
        self.space.swap_map(a, b);
        self.physical = self.space.physical(self.context.db);
    }
}
