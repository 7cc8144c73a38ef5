//! An inner node of the tree: its children, how many members each has, and the smallest score of each.

use crate::leaf::NONE;
use crate::score::Score;

/// More children than this are split.
pub(super) const MOST_CHILDREN: usize = 64;

/// A child as its parent knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Child {
    /// The number of the node.
    pub(super) node: u32,
    /// Members in and below it.
    pub(super) count: usize,
    /// The smallest score in or below it.
    pub(super) low: Score,
}

/// An inner node; see the module. The arrays are parallel: each search needs one of them.
#[derive(Debug, Clone)]
pub(super) struct Inner {
    nodes: Vec<u32>,
    counts: Vec<usize>,
    lows: Vec<Score>,
    pub(super) parent: u32,
}

impl Inner {
    pub(super) fn new() -> Self {
        Inner { nodes: Vec::new(), counts: Vec::new(), lows: Vec::new(), parent: NONE }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Bytes taken from the allocator.
    pub(super) fn heap(&self) -> usize {
        self.nodes.capacity() * size_of::<u32>()
            + self.counts.capacity() * size_of::<usize>()
            + self.lows.capacity() * size_of::<Score>()
    }

    pub(super) fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    pub(super) fn counts(&self) -> &[usize] {
        &self.counts
    }

    pub(super) fn lows(&self) -> &[Score] {
        &self.lows
    }

    pub(super) fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    /// Where a child stands.
    #[inline]
    pub(super) fn position(&self, node: u32) -> usize {
        self.nodes.iter().position(|other| *other == node).expect("a child of this node")
    }

    /// A child gets another number.
    pub(super) fn rename(&mut self, from: u32, to: u32) {
        let at = self.position(from);
        self.nodes[at] = to;
    }

    pub(super) fn set(&mut self, at: usize, child: Child) {
        self.nodes[at] = child.node;
        self.counts[at] = child.count;
        self.lows[at] = child.low;
    }

    pub(super) fn insert(&mut self, at: usize, child: Child) {
        self.nodes.insert(at, child.node);
        self.counts.insert(at, child.count);
        self.lows.insert(at, child.low);
    }

    pub(super) fn remove(&mut self, at: usize) {
        self.nodes.remove(at);
        self.counts.remove(at);
        self.lows.remove(at);
    }

    /// Takes out the children from this one on; the new node has no parent yet.
    pub(super) fn split_off(&mut self, at: usize) -> Inner {
        let tail = Inner {
            nodes: self.nodes.split_off(at),
            counts: self.counts.split_off(at),
            lows: self.lows.split_off(at),
            parent: NONE,
        };
        self.nodes.shrink_to_fit();
        self.counts.shrink_to_fit();
        self.lows.shrink_to_fit();
        tail
    }

    /// Adds the children of another, which all come behind its own.
    pub(super) fn append(&mut self, other: Inner) {
        self.nodes.extend(other.nodes);
        self.counts.extend(other.counts);
        self.lows.extend(other.lows);
    }
}
