//! The list type: one listpack while it is small, a quicklist beyond.
//!
//! Redis 7.2 and Valkey report a small list as `listpack`; earlier versions know `quicklist` only. Elements are stored
//! alike in both cases; only the reported name differs ([`List::encoding`]).
//!
//! Growing: before elements are added, the bytes of the listpack plus the lengths of all new elements, and its count
//! plus theirs, must stay within `list-max-listpack-size`, else the list becomes a quicklist first. Shrinking: the list
//! becomes a listpack after a removal or replacement that leaves a single node of at most *half* the limit. The gap
//! between the two keeps a list that hovers around the limit from converting all the time. A freshly loaded list
//! compares with the whole limit ([`List::from_nodes`]).
//!
//! An emptied list is a valid value here; the commands delete the keys of empty lists.

use crate::Limits;
use crate::listpack::{self, Item, Listpack};
use crate::quicklist::{Backward, Forward, Quicklist};
pub use crate::quicklist::{Node, NodeRef};
pub use packed::{Direction, End};
use std::iter;
use std::ops::Range;

/// A list of strings.
#[derive(Debug, Clone)]
pub struct List {
    repr: Repr,
}

#[derive(Debug, Clone)]
enum Repr {
    Listpack(Listpack),
    Quicklist(Box<Quicklist>),
}

/// Where an element goes beside its pivot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// In front of the pivot.
    Before,
    /// Behind the pivot.
    After,
}

impl List {
    /// An empty list.
    pub fn new() -> Self {
        List { repr: Repr::Listpack(Listpack::new()) }
    }

    /// A list of the elements of all nodes, in order, as an RDB file has them. Empty listpacks add nothing.
    pub fn from_nodes(nodes: impl IntoIterator<Item = Node>, limits: &Limits) -> Self {
        let mut quicklist = Quicklist::default();
        for node in nodes {
            quicklist.push_node(node);
        }
        let mut list = List { repr: Repr::Quicklist(Box::new(quicklist)) };
        list.convert_down(limits, 1);
        list
    }

    /// The nodes in order, for writing them to an RDB file. An empty list may have one empty listpack.
    pub fn nodes(&self) -> impl Iterator<Item = NodeRef<'_>> {
        self.nodes_from(0)
    }

    /// The nodes from the one with this number on.
    pub fn nodes_from(&self, number: usize) -> impl Iterator<Item = NodeRef<'_>> {
        let (single, many) = match &self.repr {
            Repr::Listpack(listpack) => ((number == 0).then_some(NodeRef::Packed(listpack)), None),
            Repr::Quicklist(quicklist) => (None, Some(quicklist.nodes_from(number))),
        };
        single.into_iter().chain(many.into_iter().flatten())
    }

    /// How many nodes there are. Constant time.
    pub fn node_count(&self) -> usize {
        match &self.repr {
            Repr::Listpack(_) => 1,
            Repr::Quicklist(quicklist) => quicklist.node_count(),
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        match &self.repr {
            Repr::Listpack(listpack) => listpack.len(),
            Repr::Quicklist(quicklist) => quicklist.len(),
        }
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name that `OBJECT ENCODING` reports. `list_can_be_listpack` is true for versions since Redis 7.2.
    pub fn encoding(&self, list_can_be_listpack: bool) -> &'static str {
        match &self.repr {
            Repr::Listpack(_) if list_can_be_listpack => "listpack",
            _ => "quicklist",
        }
    }

    /// Bytes this list takes from the allocator, itself included. Constant time.
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + match &self.repr {
                Repr::Listpack(listpack) => listpack.heap_bytes(),
                Repr::Quicklist(quicklist) => size_of::<Quicklist>() + quicklist.memory(),
            }
    }

    /// Becomes a quicklist if `count` more elements of `bytes` together would exceed the limit of a listpack.
    ///
    /// Commands call it once with all their elements; single additions below call it themselves.
    pub fn grow(&mut self, bytes: usize, count: usize, limits: &Limits) {
        if let Repr::Listpack(listpack) = &mut self.repr
            && limits.list_node_exceeded(listpack.as_bytes().len() + bytes, listpack.len() + count)
        {
            let mut quicklist = Quicklist::default();
            quicklist.push_node(Node::Packed(std::mem::take(listpack)));
            self.repr = Repr::Quicklist(Box::new(quicklist));
        }
    }

    /// Adds elements at one end, one after the other: the last one ends up outermost.
    pub fn push_all<E: AsRef<[u8]>>(&mut self, end: End, elements: &[E], limits: &Limits) {
        let bytes = elements.iter().map(|element| element.as_ref().len()).sum();
        self.grow(bytes, elements.len(), limits);
        for element in elements {
            self.add(end, element.as_ref(), limits);
        }
    }

    /// Adds an element at one end.
    pub fn push(&mut self, end: End, element: &[u8], limits: &Limits) {
        self.grow(element.len(), 1, limits);
        self.add(end, element, limits);
    }

    /// Adds an element at the head.
    pub fn push_front(&mut self, element: &[u8], limits: &Limits) {
        self.push(End::Front, element, limits);
    }

    /// Adds an element at the tail.
    pub fn push_back(&mut self, element: &[u8], limits: &Limits) {
        self.push(End::Back, element, limits);
    }

    /// Removes the element at one end.
    pub fn pop(&mut self, end: End, limits: &Limits) -> Option<Vec<u8>> {
        match &mut self.repr {
            Repr::Listpack(listpack) => {
                let pos = match end {
                    End::Front => listpack.first()?,
                    End::Back => listpack.last()?,
                };
                let element = listpack.get(pos).to_vec();
                listpack.remove(pos, 1);
                Some(element)
            }
            Repr::Quicklist(quicklist) => {
                let element = quicklist.pop(end);
                self.convert_down(limits, 2);
                element
            }
        }
    }

    /// Shows the element at one end and removes it; nothing if there is none.
    pub fn pop_with(&mut self, end: End, limits: &Limits, show: impl FnOnce(Item<'_>)) {
        match &mut self.repr {
            Repr::Listpack(listpack) => {
                let pos = match end {
                    End::Front => listpack.first(),
                    End::Back => listpack.last(),
                };
                if let Some(pos) = pos {
                    show(listpack.get(pos));
                    listpack.remove(pos, 1);
                }
            }
            Repr::Quicklist(quicklist) => {
                quicklist.pop_with(end, show);
                self.convert_down(limits, 2);
            }
        }
    }

    /// Removes the head.
    pub fn pop_front(&mut self, limits: &Limits) -> Option<Vec<u8>> {
        self.pop(End::Front, limits)
    }

    /// Removes the tail.
    pub fn pop_back(&mut self, limits: &Limits) -> Option<Vec<u8>> {
        self.pop(End::Back, limits)
    }

    /// The place that a command's index means, negative ones counting from the end.
    pub fn resolve(&self, index: i64) -> Option<usize> {
        let len = self.len();
        let index = if index < 0 {
            len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?
        } else {
            usize::try_from(index).ok()?
        };
        (index < len).then_some(index)
    }

    /// The element at `index`; negative ones count from the end.
    pub fn get(&self, index: i64) -> Option<Item<'_>> {
        match &self.repr {
            Repr::Listpack(listpack) => listpack.get_index(index),
            Repr::Quicklist(quicklist) => quicklist.get(self.resolve(index)?),
        }
    }

    /// Replaces the element at `index` (negative ones count from the end); false if there is none.
    pub fn set(&mut self, index: i64, element: &[u8], limits: &Limits) -> bool {
        self.grow(element.len(), 1, limits);
        let Some(index) = self.resolve(index) else {
            return false;
        };
        match &mut self.repr {
            Repr::Listpack(listpack) => {
                if let Some(pos) = listpack.seek(index as i64) {
                    listpack.replace(pos, element);
                }
            }
            Repr::Quicklist(quicklist) => quicklist.set(index, element, limits),
        }
        self.convert_down(limits, 2);
        true
    }

    /// Inserts an element beside the first one equal to `pivot`; false if there is no such one.
    pub fn insert(&mut self, side: Side, pivot: &[u8], element: &[u8], limits: &Limits) -> bool {
        self.grow(element.len(), 1, limits);
        let offset = usize::from(side == Side::After);
        match &mut self.repr {
            Repr::Listpack(listpack) => match (listpack.find(pivot, 0), side) {
                (None, _) => return false,
                (Some(pos), Side::Before) => listpack.insert_before(pos, element),
                (Some(pos), Side::After) => listpack.insert_after(pos, element),
            },
            Repr::Quicklist(quicklist) => {
                let wanted = Item::of(pivot);
                match quicklist.iter_from(0).position(|item| item == wanted) {
                    None => return false,
                    Some(index) => quicklist.insert(index + offset, element, limits),
                }
            }
        }
        true
    }

    /// Removes elements equal to `value` as LREM does: `count` of them from the head, `-count` from the tail, all
    /// if zero. Returns how many went.
    pub fn remove(&mut self, count: i64, value: &[u8], limits: &Limits) -> usize {
        let end = if count < 0 { End::Back } else { End::Front };
        let most = match count {
            0 => usize::MAX,
            _ => usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX),
        };
        let removed = match &mut self.repr {
            Repr::Listpack(listpack) => {
                let keep = match end {
                    End::Front => 0,
                    End::Back => listpack.count_matches(value).saturating_sub(most),
                };
                listpack.remove_matches(value, keep, most)
            }
            Repr::Quicklist(quicklist) => quicklist.remove_matches(value, end, most),
        };
        if removed > 0 {
            self.convert_down(limits, 2);
        }
        removed
    }

    /// Removes the elements of `range` (clamped to the length); returns how many there were.
    pub fn remove_range(&mut self, range: Range<usize>, limits: &Limits) -> usize {
        let count = range.end.saturating_sub(range.start);
        let removed = match &mut self.repr {
            Repr::Listpack(listpack) => listpack.remove_range(range.start, count),
            Repr::Quicklist(quicklist) => quicklist.remove_range(range.start, count),
        };
        self.convert_down(limits, 2);
        removed
    }

    /// Keeps the elements of `range` only (clamped to the length); returns how many went.
    pub fn trim(&mut self, range: Range<usize>, limits: &Limits) -> usize {
        let len = self.len();
        let end = range.end.min(len);
        let start = range.start.min(end);
        self.remove_range(end..len, limits) + self.remove_range(0..start, limits)
    }

    /// The elements from the head to the tail.
    pub fn iter(&self) -> Iter<'_> {
        self.iter_from(0, Direction::Forward)
    }

    /// The elements from `index` on, in one direction; none if the index is out of range.
    pub fn iter_from(&self, index: usize, direction: Direction) -> Iter<'_> {
        Iter(match (&self.repr, direction) {
            (Repr::Listpack(listpack), _) => match listpack.seek(index as i64) {
                None => IterRepr::Done,
                Some(pos) if direction == Direction::Forward => IterRepr::Listpack(listpack.iter_from(pos)),
                Some(pos) => IterRepr::ListpackBack(listpack.iter_until(pos).rev()),
            },
            (Repr::Quicklist(quicklist), Direction::Forward) => IterRepr::Forward(quicklist.iter_from(index)),
            (Repr::Quicklist(quicklist), Direction::Backward) => {
                IterRepr::Backward(quicklist.iter_back_from(index))
            }
        })
    }

    /// The elements of `range`, clamped to the length.
    pub fn range(&self, range: Range<usize>) -> impl Iterator<Item = Item<'_>> {
        self.iter_from(range.start, Direction::Forward).take(range.end.saturating_sub(range.start))
    }

    /// Visits the elements of `range`, clamped to the length, until `visit` says that it wants no more. What [`List::range`]
    /// yields, without asking for each where it is.
    #[inline]
    pub fn each<'a>(&'a self, range: Range<usize>, mut visit: impl FnMut(Item<'a>) -> bool) {
        let mut left = range.end.saturating_sub(range.start);
        if left == 0 {
            return;
        }
        let visit = |item| {
            left -= 1;
            visit(item) && left > 0
        };
        match &self.repr {
            Repr::Listpack(listpack) => {
                if let Some(pos) = listpack.seek(range.start as i64) {
                    listpack.iter_from(pos).each(visit);
                }
            }
            Repr::Quicklist(quicklist) => quicklist.each_from(range.start, visit),
        }
    }

    fn add(&mut self, end: End, element: &[u8], limits: &Limits) {
        match (&mut self.repr, end) {
            (Repr::Listpack(listpack), End::Front) => listpack.push_front(element),
            (Repr::Listpack(listpack), End::Back) => listpack.push_back(element),
            (Repr::Quicklist(quicklist), _) => quicklist.push(end, element, limits),
        }
    }

    /// Becomes a listpack if one node is left and holds at most the limit over `divisor`.
    fn convert_down(&mut self, limits: &Limits, divisor: usize) {
        if let Repr::Quicklist(quicklist) = &mut self.repr
            && let Some(listpack) = quicklist.single_listpack()
        {
            let (most_bytes, most_count) = limits.list_node_limit();
            if listpack.as_bytes().len() <= most_bytes / divisor
                && quicklist.len() <= most_count / divisor
                && let Some(listpack) = quicklist.take_single_listpack()
            {
                self.repr = Repr::Listpack(listpack);
            }
        }
    }
}

impl Default for List {
    fn default() -> Self {
        Self::new()
    }
}

/// Equal if the elements are, whatever the encodings.
impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for List {}

impl<'a> IntoIterator for &'a List {
    type Item = Item<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// Elements of a list in one direction.
#[derive(Debug, Clone)]
pub struct Iter<'a>(IterRepr<'a>);

#[derive(Debug, Clone)]
enum IterRepr<'a> {
    Listpack(listpack::Iter<'a>),
    ListpackBack(iter::Rev<listpack::Iter<'a>>),
    Forward(Forward<'a>),
    Backward(Backward<'a>),
    Done,
}

impl<'a> Iterator for Iter<'a> {
    type Item = Item<'a>;

    fn next(&mut self) -> Option<Item<'a>> {
        match &mut self.0 {
            IterRepr::Listpack(iter) => iter.next(),
            IterRepr::ListpackBack(iter) => iter.next(),
            IterRepr::Forward(iter) => iter.next(),
            IterRepr::Backward(iter) => iter.next(),
            IterRepr::Done => None,
        }
    }
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
