//! How many entries were added up to an ID: what the lags of groups are made of.
//!
//! A stream counts additions. Which of them an entry was can be told for the last one, and for the first one as long as nothing was
//! deleted behind it; in between it is unknown unless a group has counted.

use super::{Counting, Group, Ids, Past, StreamId};

impl Past {
    /// Whether the greatest deleted ID is in this range, so that entries of it cannot be counted by its ends.
    pub fn has_tombstones(&self, from: StreamId, to: StreamId) -> bool {
        let deleted = self.ids.max_deleted;
        if self.counting == Counting::Redis70 && self.ids.first > deleted {
            return false;
        }
        self.len > 0 && deleted != StreamId::MIN && from <= deleted && deleted <= to
    }

    /// How many entries were added up to this ID, if that can be known.
    pub fn added_up_to(&self, id: StreamId) -> Option<u64> {
        let Ids { last, first, max_deleted, entries_added } = self.ids;
        if entries_added == 0 {
            return Some(0);
        }
        if (self.len == 0 && id < last) || id == last {
            return Some(entries_added);
        }
        if id > last {
            return None;
        }
        if self.counting == Counting::Later && id != StreamId::MIN && id < max_deleted {
            return None;
        }
        // Nothing was deleted behind the first entry.
        if max_deleted == StreamId::MIN || max_deleted < first {
            let before = entries_added.wrapping_sub(self.len as u64);
            if id < first {
                return Some(before);
            }
            if id == first {
                return Some(before.wrapping_add(1));
            }
        }
        None
    }

    /// How many entries a group has read when it gets this one.
    pub fn read_up_to(&self, group: &Group, id: StreamId) -> Option<u64> {
        let is_counted = match self.counting {
            Counting::Redis70 => !self.has_tombstones(id, StreamId::MAX),
            Counting::Later => {
                group.last_id() >= self.ids.first && !self.has_tombstones(group.last_id(), StreamId::MAX)
            }
        };
        match group.entries_read().filter(|_| is_counted) {
            Some(read) => Some(read.wrapping_add(1)),
            None => self.added_up_to(id),
        }
    }

    /// How many entries a group has yet to be delivered, if that can be known.
    pub fn lag(&self, group: &Group) -> Option<i64> {
        let added = self.ids.entries_added;
        if added == 0 {
            return Some(0);
        }
        let read = match group.entries_read() {
            Some(read) if !self.has_tombstones(group.last_id(), StreamId::MAX) => Some(read),
            _ => self.added_up_to(group.last_id()),
        };
        read.map(|read| added.wrapping_sub(read) as i64)
    }
}
