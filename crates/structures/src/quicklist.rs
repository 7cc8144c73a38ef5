//! The quicklist: a deque of small listpacks.
//!
//! ```text
//! nodes: VecDeque   ┌────────┬────────┬───────┬────────┐
//!                   │ Packed │ Packed │ Plain │ Packed │     len = elements of all nodes
//!                   └───┬────┴───┬────┴───┬───┴───┬────┘     heap = bytes all of this takes
//!                   listpack  listpack  one     listpack
//!                                       element
//! ```
//!
//! An element goes into the node at its place while the node stays within `list-max-listpack-size`; if the node is
//! full, the element goes to its neighbour, or the node is split. An element of at least `list_packed_threshold` bytes
//! stands alone in a plain node. Access to both ends takes constant time. An index costs a walk over nodes, whose
//! counts are in the deque, so no listpack is touched on the way. An insertion in the middle moves the shorter half of
//! the deque: 32 bytes for every few kilobytes of elements.
//!
//! **Invariants:** no node is empty; `len` and `heap` are the sums over the nodes.

use crate::listpack::{self, Item, Listpack};
use packed::{End, Limits};
use std::collections::VecDeque;
use std::mem;

/// Bytes that an entry may need beside its text; the estimate decides whether a node is full.
const ENTRY_OVERHEAD: usize = 8;
/// A node beside a full one begins with this part of what a node may have: growing to it costs ten copies.
const NEXT_NODE_PART: usize = 8;

/// A node of a quicklist on its way into a list.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Elements in a listpack.
    Packed(Listpack),
    /// One large element.
    Plain(Vec<u8>),
}

/// A node of a quicklist where it lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NodeRef<'a> {
    /// Elements in a listpack.
    Packed(&'a Listpack),
    /// One large element.
    Plain(&'a [u8]),
}

#[derive(Debug, Clone)]
enum Slot {
    Packed { listpack: Listpack, count: u32 },
    Plain(Box<[u8]>),
}

impl Slot {
    /// A node of one element, with so many bytes to begin with if it is packed.
    fn with_one(element: &[u8], room: usize, limits: &Limits) -> Self {
        if limits.is_large_element(element.len()) {
            return Slot::Plain(element.into());
        }
        let mut listpack = Listpack::with_capacity(room);
        listpack.push_back(element);
        Slot::Packed { listpack, count: 1 }
    }

    fn count(&self) -> usize {
        match self {
            Slot::Packed { count, .. } => *count as usize,
            Slot::Plain(_) => 1,
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Slot::Packed { listpack, .. } => listpack.heap_bytes(),
            Slot::Plain(bytes) => bytes.len(),
        }
    }

    fn view(&self) -> NodeRef<'_> {
        match self {
            Slot::Packed { listpack, .. } => NodeRef::Packed(listpack),
            Slot::Plain(bytes) => NodeRef::Plain(bytes),
        }
    }

    fn get(&self, offset: usize) -> Option<Item<'_>> {
        match self {
            Slot::Packed { listpack, .. } => listpack.get_index(offset as i64),
            Slot::Plain(bytes) => (offset == 0).then_some(Item::Bytes(bytes)),
        }
    }

    fn accepts(&self, element_len: usize, limits: &Limits) -> bool {
        match self {
            Slot::Packed { listpack, count } => {
                !limits.is_large_element(element_len)
                    && !limits.list_node_exceeded(
                        listpack.as_bytes().len() + element_len + ENTRY_OVERHEAD,
                        *count as usize + 1,
                    )
            }
            Slot::Plain(_) => false,
        }
    }
}

/// A deque of listpacks and plain nodes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quicklist {
    nodes: VecDeque<Slot>,
    len: usize,
    heap: usize,
}

impl Quicklist {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn memory(&self) -> usize {
        self.heap + self.nodes.capacity() * size_of::<Slot>()
    }

    pub(crate) fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The nodes from the one with this number on; none when there are fewer.
    pub(crate) fn nodes_from(&self, number: usize) -> impl Iterator<Item = NodeRef<'_>> {
        self.nodes.range(number.min(self.nodes.len())..).map(Slot::view)
    }

    /// Adds a node at the end; an empty listpack adds nothing.
    pub(crate) fn push_node(&mut self, node: Node) {
        let slot = match node {
            Node::Packed(listpack) => match u32::try_from(listpack.len()) {
                Ok(0) | Err(_) => return,
                Ok(count) => Slot::Packed { listpack, count },
            },
            Node::Plain(bytes) => Slot::Plain(bytes.into_boxed_slice()),
        };
        self.insert_slot(self.nodes.len(), slot);
    }

    /// The listpack, if that is all there is.
    pub(crate) fn single_listpack(&self) -> Option<&Listpack> {
        match (self.nodes.len(), self.nodes.front()) {
            (1, Some(Slot::Packed { listpack, .. })) => Some(listpack),
            _ => None,
        }
    }

    /// Takes the listpack out of a quicklist that has a single node.
    pub(crate) fn take_single_listpack(&mut self) -> Option<Listpack> {
        self.single_listpack()?;
        match mem::take(self).nodes.pop_front() {
            Some(Slot::Packed { listpack, .. }) => Some(listpack),
            _ => None,
        }
    }

    pub(crate) fn push(&mut self, end: End, element: &[u8], limits: &Limits) {
        let edge = match end {
            End::Front => 0,
            End::Back => self.nodes.len().saturating_sub(1),
        };
        if self.nodes.get(edge).is_some_and(|slot| slot.accepts(element.len(), limits)) {
            let most = limits.list_node_bytes();
            self.with_listpack(edge, |listpack| match end {
                End::Front => listpack.push_front_within(element, most),
                End::Back => listpack.push_back_within(element, most),
            });
        } else {
            let at = if end == End::Front { 0 } else { self.nodes.len() };
            // Where a node is full of bytes, the next will be too before long.
            let room = match limits.list_node_limit() {
                (most, usize::MAX) if !self.nodes.is_empty() => most / NEXT_NODE_PART,
                _ => 0,
            };
            self.insert_slot(at, Slot::with_one(element, room, limits));
        }
    }

    /// Shows the element at one end and removes it; nothing if there is none.
    pub(crate) fn pop_with(&mut self, end: End, show: impl FnOnce(Item<'_>)) {
        let edge = match end {
            End::Front => 0,
            End::Back => self.nodes.len().saturating_sub(1),
        };
        match self.nodes.get(edge) {
            None => {}
            Some(Slot::Plain(bytes)) => {
                show(Item::Bytes(bytes));
                self.remove_slot(edge);
            }
            Some(Slot::Packed { .. }) => self.with_listpack(edge, |listpack| {
                let pos = if end == End::Front { listpack.first() } else { listpack.last() };
                let pos = pos.expect("nodes are not empty");
                show(listpack.get(pos));
                listpack.remove(pos, 1);
            }),
        }
    }

    pub(crate) fn pop(&mut self, end: End) -> Option<Vec<u8>> {
        let edge = match end {
            End::Front => 0,
            End::Back => self.nodes.len().checked_sub(1)?,
        };
        let slot = self.nodes.get(edge)?;
        let popped = match (slot, end) {
            (Slot::Plain(_), _) => match self.remove_slot(edge) {
                Slot::Plain(bytes) => return Some(bytes.into_vec()),
                Slot::Packed { .. } => unreachable!("the slot was plain"),
            },
            (Slot::Packed { listpack, .. }, End::Front) => listpack.get_index(0)?.to_vec(),
            (Slot::Packed { listpack, .. }, End::Back) => listpack.get_index(-1)?.to_vec(),
        };
        self.with_listpack(edge, |listpack| {
            let pos = if end == End::Front { listpack.first() } else { listpack.last() };
            listpack.remove(pos.expect("nodes are not empty"), 1);
        });
        Some(popped)
    }

    pub(crate) fn get(&self, index: usize) -> Option<Item<'_>> {
        let (node, offset) = self.locate(index)?;
        self.nodes[node].get(offset)
    }

    /// Replaces the element at `index`, which must exist.
    pub(crate) fn set(&mut self, index: usize, element: &[u8], limits: &Limits) {
        let Some((node, offset)) = self.locate(index) else {
            return;
        };
        match &self.nodes[node] {
            Slot::Packed { listpack, .. } => {
                let old = listpack.get_index(offset as i64).map_or(0, |item| item.text_len());
                // An element that outgrows its node leaves it, as an insertion would have it.
                let grown = listpack.as_bytes().len() - old.min(listpack.as_bytes().len()) + element.len();
                let fits = element.len() <= old
                    || !limits.list_node_exceeded(grown + ENTRY_OVERHEAD, self.nodes[node].count());
                if fits && !limits.is_large_element(element.len()) {
                    self.with_listpack(node, |listpack| {
                        let pos = listpack.seek(offset as i64).expect("located");
                        listpack.replace(pos, element);
                    });
                } else {
                    self.insert_at(node, offset + 1, element, limits);
                    self.remove_range(index, 1);
                }
            }
            Slot::Plain(_) => {
                self.remove_slot(node);
                self.insert_slot(node, Slot::with_one(element, 0, limits));
            }
        }
    }

    /// Inserts an element so that it gets `index`, which is at most the length.
    pub(crate) fn insert(&mut self, index: usize, element: &[u8], limits: &Limits) {
        if index == 0 {
            self.push(End::Front, element, limits);
        } else if let Some((node, offset)) = self.locate(index - 1) {
            self.insert_at(node, offset + 1, element, limits);
        }
    }

    /// Removes up to `count` elements from `index` on; returns how many there were.
    pub(crate) fn remove_range(&mut self, index: usize, count: usize) -> usize {
        let Some((mut node, mut offset)) = self.locate(index) else {
            return 0;
        };
        let mut left = count.min(self.len - index);
        let removed = left;
        if left == self.len {
            *self = Quicklist::default();
            return removed;
        }
        while left > 0 {
            let there = self.nodes[node].count();
            let take = left.min(there - offset);
            if take < there {
                self.with_listpack(node, |listpack| {
                    listpack.remove_range(offset, take);
                });
                node += 1;
            } else {
                // Whole nodes go in one piece: draining them one by one would move the deque each time.
                let mut end = node;
                let mut gone = 0;
                while end < self.nodes.len() && gone + self.nodes[end].count() <= left {
                    gone += self.nodes[end].count();
                    end += 1;
                }
                self.drain_slots(node, end);
                left -= gone;
                offset = 0;
                continue;
            }
            left -= take;
            offset = 0;
        }
        removed
    }

    /// Removes up to `limit` elements equal to `value`, starting from `end`; returns how many.
    pub(crate) fn remove_matches(&mut self, value: &[u8], end: End, limit: usize) -> usize {
        let mut left = limit;
        let mut emptied = false;
        for step in 0..self.nodes.len() {
            if left == 0 {
                break;
            }
            let node = if end == End::Front { step } else { self.nodes.len() - 1 - step };
            let slot = &mut self.nodes[node];
            let before = slot.heap_bytes();
            let removed = match slot {
                Slot::Packed { listpack, count } => {
                    let keep = match end {
                        End::Front => 0,
                        End::Back => listpack.count_matches(value).saturating_sub(left),
                    };
                    let removed = listpack.remove_matches(value, keep, left);
                    *count -= removed as u32;
                    emptied |= *count == 0;
                    removed
                }
                Slot::Plain(bytes) if **bytes == *value => {
                    // An empty packed slot marks the node as gone until the sweep below.
                    *slot = Slot::Packed { listpack: Listpack::new(), count: 0 };
                    emptied = true;
                    1
                }
                Slot::Plain(_) => 0,
            };
            self.heap = self.heap - before + self.nodes[node].heap_bytes();
            self.len -= removed;
            left -= removed;
        }
        if emptied {
            let heap = &mut self.heap;
            self.nodes.retain(|slot| {
                let stays = slot.count() > 0;
                if !stays {
                    *heap -= slot.heap_bytes();
                }
                stays
            });
        }
        limit - left
    }

    /// The items from `index` to the last.
    pub(crate) fn iter_from(&self, index: usize) -> Forward<'_> {
        let mut cursor = Forward { quicklist: self, node: self.nodes.len(), inner: NodeIter::Done };
        if let Some((node, offset)) = self.locate(index) {
            cursor.node = node + 1;
            cursor.inner = match &self.nodes[node] {
                Slot::Packed { listpack, .. } => {
                    let pos = listpack.seek(offset as i64).expect("located");
                    NodeIter::Packed(listpack.iter_from(pos))
                }
                Slot::Plain(bytes) => NodeIter::Plain(bytes),
            };
        }
        cursor
    }

    /// Visits the items from `index` on until `visit` says that it wants no more.
    #[inline]
    pub(crate) fn each_from<'a>(&'a self, index: usize, mut visit: impl FnMut(Item<'a>) -> bool) {
        let Some((node, offset)) = self.locate(index) else { return };
        let mut offset = Some(offset);
        for slot in self.nodes.range(node..) {
            let wants_more = match slot {
                Slot::Packed { listpack, .. } => {
                    let mut items = match offset.take() {
                        Some(offset) => listpack.iter_from(listpack.seek(offset as i64).expect("located")),
                        None => listpack.iter(),
                    };
                    items.each(&mut visit)
                }
                Slot::Plain(bytes) => {
                    offset = None;
                    visit(Item::Bytes(bytes))
                }
            };
            if !wants_more {
                return;
            }
        }
    }

    /// The items from `index` down to the first.
    pub(crate) fn iter_back_from(&self, index: usize) -> Backward<'_> {
        let mut cursor = Backward { quicklist: self, node: 0, inner: NodeIter::Done };
        if let Some((node, offset)) = self.locate(index) {
            cursor.node = node;
            cursor.inner = match &self.nodes[node] {
                Slot::Packed { listpack, .. } => {
                    let pos = listpack.seek(offset as i64).expect("located");
                    NodeIter::Packed(listpack.iter_until(pos))
                }
                Slot::Plain(bytes) => NodeIter::Plain(bytes),
            };
        }
        cursor
    }

    /// The node that holds `index`, and the index inside it; walks from the nearer end.
    fn locate(&self, index: usize) -> Option<(usize, usize)> {
        if index >= self.len {
            return None;
        }
        if index <= self.len / 2 {
            let mut offset = index;
            for (node, slot) in self.nodes.iter().enumerate() {
                if offset < slot.count() {
                    return Some((node, offset));
                }
                offset -= slot.count();
            }
        } else {
            let mut first = self.len;
            for (node, slot) in self.nodes.iter().enumerate().rev() {
                first -= slot.count();
                if first <= index {
                    return Some((node, index - first));
                }
            }
        }
        None
    }

    /// Inserts between `offset - 1` and `offset` of a node; `offset` is at least 1 and at most its count.
    fn insert_at(&mut self, node: usize, offset: usize, element: &[u8], limits: &Limits) {
        let len = element.len();
        let at_end = offset == self.nodes[node].count();
        if self.nodes[node].accepts(len, limits) {
            self.with_listpack(node, |listpack| match listpack.seek(offset as i64) {
                Some(pos) => listpack.insert_before(pos, element),
                None => listpack.push_back(element),
            });
        } else if at_end && self.nodes.get(node + 1).is_some_and(|next| next.accepts(len, limits)) {
            self.with_listpack(node + 1, |listpack| listpack.push_front(element));
        } else {
            if !at_end {
                self.split(node, offset);
            }
            self.insert_slot(node + 1, Slot::with_one(element, 0, limits));
            // The middle joins the halves where they have room now.
            self.merge(node + 1, limits);
            self.merge(node, limits);
        }
    }

    /// Splits a packed node so that `offset` becomes the first of the next node.
    fn split(&mut self, node: usize, offset: usize) {
        let tail = {
            let Slot::Packed { listpack, count } = &mut self.nodes[node] else {
                return;
            };
            let Some(pos) = listpack.seek(offset as i64) else {
                return;
            };
            let before = listpack.heap_bytes();
            let tail = listpack.split_off(pos);
            listpack.shrink_to_fit();
            let moved = *count - offset as u32;
            *count = offset as u32;
            self.heap = self.heap - before + listpack.heap_bytes();
            self.len -= moved as usize;
            Slot::Packed { listpack: tail, count: moved }
        };
        self.insert_slot(node + 1, tail);
    }

    /// Merges a node with the next if both are packed and fit into one.
    fn merge(&mut self, node: usize, limits: &Limits) {
        let fits = match (self.nodes.get(node), self.nodes.get(node + 1)) {
            (
                Some(Slot::Packed { listpack: left, count: left_count }),
                Some(Slot::Packed { listpack: right, count: right_count }),
            ) => !limits.list_node_exceeded(
                left.as_bytes().len() + right.as_bytes().len() - listpack::EMPTY_BYTES,
                (left_count + right_count) as usize,
            ),
            _ => false,
        };
        if fits && let Slot::Packed { listpack: right, .. } = self.remove_slot(node + 1) {
            self.with_listpack(node, |listpack| listpack.append(&right));
        }
    }

    /// Changes the listpack of a packed node, keeps the sums true, drops the node if it is empty now.
    fn with_listpack(&mut self, node: usize, change: impl FnOnce(&mut Listpack)) {
        let Slot::Packed { listpack, count } = &mut self.nodes[node] else {
            unreachable!("only packed nodes accept elements");
        };
        let heap = listpack.heap_bytes();
        change(listpack);
        self.heap = self.heap - heap + listpack.heap_bytes();
        self.len -= *count as usize;
        *count = listpack.len() as u32;
        self.len += *count as usize;
        if *count == 0 {
            self.remove_slot(node);
        }
    }

    fn insert_slot(&mut self, node: usize, slot: Slot) {
        self.len += slot.count();
        self.heap += slot.heap_bytes();
        self.nodes.insert(node, slot);
    }

    fn remove_slot(&mut self, node: usize) -> Slot {
        let slot = self.nodes.remove(node).expect("the node exists");
        self.len -= slot.count();
        self.heap -= slot.heap_bytes();
        self.release_spare_nodes();
        slot
    }

    fn drain_slots(&mut self, start: usize, end: usize) {
        for slot in self.nodes.drain(start..end) {
            self.len -= slot.count();
            self.heap -= slot.heap_bytes();
        }
        self.release_spare_nodes();
    }

    /// A deque that was long once gives its memory back; the factor keeps this rare.
    fn release_spare_nodes(&mut self) {
        if self.nodes.capacity() > 32 && self.nodes.len() < self.nodes.capacity() / 8 {
            self.nodes.shrink_to(self.nodes.len() * 2);
        }
    }
}

#[derive(Debug, Clone)]
enum NodeIter<'a> {
    Packed(listpack::Iter<'a>),
    Plain(&'a [u8]),
    Done,
}

impl<'a> NodeIter<'a> {
    fn of(slot: &'a Slot) -> Self {
        match slot {
            Slot::Packed { listpack, .. } => NodeIter::Packed(listpack.iter()),
            Slot::Plain(bytes) => NodeIter::Plain(bytes),
        }
    }

    fn take_plain(&mut self) -> Option<Item<'a>> {
        match mem::replace(self, NodeIter::Done) {
            NodeIter::Plain(bytes) => Some(Item::Bytes(bytes)),
            _ => None,
        }
    }
}

/// From an index to the last element.
#[derive(Debug, Clone)]
pub(crate) struct Forward<'a> {
    quicklist: &'a Quicklist,
    /// The node to enter next.
    node: usize,
    inner: NodeIter<'a>,
}

impl<'a> Iterator for Forward<'a> {
    type Item = Item<'a>;

    #[inline]
    fn next(&mut self) -> Option<Item<'a>> {
        loop {
            let item = match &mut self.inner {
                NodeIter::Packed(iter) => iter.next(),
                _ => self.inner.take_plain(),
            };
            if item.is_some() {
                return item;
            }
            self.inner = NodeIter::of(self.quicklist.nodes.get(self.node)?);
            self.node += 1;
        }
    }
}

/// From an index down to the first element.
#[derive(Debug, Clone)]
pub(crate) struct Backward<'a> {
    quicklist: &'a Quicklist,
    /// The node last entered; all below are still to come.
    node: usize,
    inner: NodeIter<'a>,
}

impl<'a> Iterator for Backward<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        loop {
            let item = match &mut self.inner {
                NodeIter::Packed(iter) => iter.next_back(),
                _ => self.inner.take_plain(),
            };
            if item.is_some() {
                return item;
            }
            self.node = self.node.checked_sub(1)?;
            self.inner = NodeIter::of(&self.quicklist.nodes[self.node]);
        }
    }
}
