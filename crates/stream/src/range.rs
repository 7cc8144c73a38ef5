//! Entries of a range of IDs, in both directions.

use super::node::{self, Fields, Node, Raw};
use super::{Stream, StreamId, ordered};
use packed::listpack::Listpack;

/// An entry.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Its ID.
    pub id: StreamId,
    /// Its fields: names and values.
    pub fields: Fields<'a>,
}

impl<'a> Entry<'a> {
    pub(super) fn of(raw: Raw<'a>) -> Self {
        Entry { id: raw.id, fields: raw.fields }
    }
}

impl PartialEq for Entry<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.fields.clone().eq(other.fields.clone())
    }
}

impl Stream {
    /// The entries in order.
    pub fn iter(&self) -> Range<'_> {
        self.range(StreamId::MIN, StreamId::MAX)
    }

    /// The entries from `start` to `end`, both included.
    pub fn range(&self, start: StreamId, end: StreamId) -> Range<'_> {
        // The node before the first that begins there may reach into the range.
        let from = self.nodes.iter_back_from(start).next().map_or(start, |(master, _)| master);
        Range { nodes: self.nodes.iter_from(from), entries: None, start, end }
    }

    /// The entries from `end` back to `start`, both included.
    pub fn range_back(&self, start: StreamId, end: StreamId) -> RangeBack<'_> {
        RangeBack { nodes: self.nodes.iter_back_from(end), entries: None, start, end }
    }
}

/// The entries of a range.
#[derive(Debug, Clone)]
pub struct Range<'a> {
    nodes: ordered::Forward<'a, Listpack>,
    entries: Option<node::Forward<'a>>,
    start: StreamId,
    end: StreamId,
}

impl<'a> Iterator for Range<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            if let Some(entries) = &mut self.entries {
                for raw in entries {
                    if raw.is_deleted || raw.id < self.start {
                        continue;
                    }
                    if raw.id > self.end {
                        return None;
                    }
                    return Some(Entry::of(raw));
                }
            }
            let (master, listpack) = self.nodes.next()?;
            if master > self.end {
                return None;
            }
            self.entries = Some(Node::of(master, listpack).entries());
        }
    }
}

/// The entries of a range from the last on.
#[derive(Debug, Clone)]
pub struct RangeBack<'a> {
    nodes: ordered::Backward<'a, Listpack>,
    entries: Option<node::Backward<'a>>,
    start: StreamId,
    end: StreamId,
}

impl<'a> Iterator for RangeBack<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            if let Some(entries) = &mut self.entries {
                for raw in entries {
                    if raw.is_deleted || raw.id > self.end {
                        continue;
                    }
                    if raw.id < self.start {
                        return None;
                    }
                    return Some(Entry::of(raw));
                }
            }
            let (master, listpack) = self.nodes.next()?;
            self.entries = Some(Node::of(master, listpack).entries_back());
        }
    }
}
