//! Trimming: deleting the entries at the start of a stream.

use super::node::{self, Node};
use super::{Stream, StreamId};

/// What is left after trimming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrimTo {
    /// This many entries, the last ones.
    MaxLen(u64),
    /// The entries from this ID on.
    MinId(StreamId),
}

/// How a stream is trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trim {
    /// What is left.
    pub to: TrimTo,
    /// Whether exactly that is left. Otherwise only whole nodes go, so that more may be left.
    pub is_exact: bool,
    /// At most this many entries go, whole nodes of them; 0 means no limit.
    pub limit: u64,
}

impl Stream {
    /// Deletes entries at the start; returns how many.
    pub fn trim(&mut self, trim: &Trim) -> usize {
        let before = self.len;
        self.trim_nodes(trim);
        let deleted = before - self.len;
        if deleted > 0 {
            self.find_first();
        }
        deleted
    }

    /// How many nodes are looked at for it, at most.
    pub fn nodes_to_trim(&self, trim: &Trim) -> usize {
        let nodes = match trim.to {
            TrimTo::MaxLen(len) => {
                let entries = self.len.saturating_sub(usize::try_from(len).unwrap_or(usize::MAX));
                entries * self.nodes.len() / self.len.max(1)
            }
            TrimTo::MinId(id) => self.nodes.count(StreamId::MIN, id),
        };
        nodes + 1
    }

    fn trim_nodes(&mut self, trim: &Trim) {
        let mut deleted = 0;
        let mut from = StreamId::MIN;
        while let Some((master, listpack)) = self.nodes.iter_from(from).next() {
            let node = Node::of(master, listpack);
            let live = node.live;
            let goes = match trim.to {
                TrimTo::MaxLen(len) if self.len as u64 <= len => return,
                TrimTo::MaxLen(len) => (self.len - live) as u64 >= len,
                TrimTo::MinId(id) => node.entries_back().next().is_some_and(|last| last.id < id),
            };
            if trim.limit > 0 && (deleted + live) as u64 > trim.limit {
                return;
            }
            if !goes {
                if trim.is_exact {
                    self.trim_node(master, trim.to);
                }
                return;
            }
            self.remove_node(master);
            self.len -= live;
            deleted += live;
            from = master;
        }
    }

    /// Deletes entries at the start of a node that stays.
    fn trim_node(&mut self, master: StreamId, to: TrimTo) {
        let len = self.len;
        let Some(listpack) = self.nodes.get_mut(master) else { return };
        let before = listpack.heap_bytes();
        self.len -= node::delete_until(listpack, master, |id, deleted| match to {
            TrimTo::MaxLen(most) => (len - deleted) as u64 <= most,
            TrimTo::MinId(least) => id >= least,
        });
        self.nodes_bytes = self.nodes_bytes + listpack.heap_bytes() - before;
    }
}
