//! The stream type: entries in the order of their IDs, and consumer groups that read them.
//!
//! ```text
//! nodes    ┌───────────────┬───────────────┬─ ─ ─┐     an ordered index of listpacks (`ordered`, `node`)
//!          │ 1-0, 1-1, 3-0 │ 4-0, 9-2, 9-3 │     │     each under the ID of its first entry
//!          └───────────────┴───────────────┴─ ─ ─┘
//! groups   a │ last delivered, entries read, pending, consumers      (`group`)
//!          b │ …
//! ```
//!
//! An entry is only ever added behind all others. It goes into the last node until that has `stream-node-max-entries`, or would
//! come to `stream-node-max-bytes`. One that is deleted is marked in its node, and a node goes when its last entry does. Where
//! nodes begin and end is the same as in Redis, and so are their bytes: a stream is saved and loaded node by node.
//!
//! Besides its entries a stream knows what has been there: the last ID, the greatest that was deleted, and how many entries were
//! ever added. From these follow the lags of groups ([`Stream::lag`]), as long as nothing was deleted in between.
//!
//! **Invariant:** no entry has a greater ID than the last one, and none a smaller one than its node; the nodes' sum of entries is
//! the length.

#![forbid(unsafe_code)]

mod group;
mod id;
mod node;
mod ordered;
mod past;
mod radix;
mod range;
mod trim;

pub use group::{Consumer, ConsumerNumber, Group, GroupMut, Nack, Pending};
pub use id::StreamId;
pub use node::Fields;
pub use range::{Entry, Range, RangeBack};
pub use trim::{Trim, TrimTo};

use group::Groups;
use node::Node;
use ordered::Ordered;
use packed::Limits;
use packed::listpack::Listpack;
use std::fmt;

/// A stream.
#[derive(Debug, Clone, Default)]
pub struct Stream {
    nodes: Ordered<Listpack>,
    /// What the listpacks took from the allocator.
    nodes_bytes: usize,
    len: usize,
    ids: Ids,
    groups: Groups,
}

/// What a stream knows besides its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ids {
    /// The ID of the last entry that was added, or what it was set to.
    pub last: StreamId,
    /// The ID of the first entry; [`StreamId::MIN`] without entries.
    pub first: StreamId,
    /// The greatest ID that was deleted.
    pub max_deleted: StreamId,
    /// How many entries were ever added.
    pub entries_added: u64,
}

/// What follows from what has been in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Past {
    /// The number of entries that are there.
    pub len: usize,
    /// What is known besides them.
    pub ids: Ids,
    /// How a server counts with it.
    pub counting: Counting,
}

/// What a server takes for countable: it shows in the lags of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Counting {
    /// As Redis 7.0: a group counts on as long as nothing was deleted after the entry that it gets. What was deleted before the
    /// first entry does not matter.
    Redis70,
    /// As later servers: as long as nothing was deleted after the last entry that it got, which must be there.
    #[default]
    Later,
}

/// Why an entry is not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAdded {
    /// Its ID is not greater than the last one.
    NotGreater,
    /// Its fields have more bytes than a node may have.
    TooLarge,
}

/// Nodes or numbers from outside that are no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAStream;

impl fmt::Display for NotAStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a valid stream")
    }
}

impl std::error::Error for NotAStream {}

impl Stream {
    /// A stream without entries.
    pub fn new() -> Self {
        Stream::default()
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What is known besides the entries.
    pub fn ids(&self) -> Ids {
        self.ids
    }

    /// The ID of the last entry that was added.
    pub fn last_id(&self) -> StreamId {
        self.ids.last
    }

    /// Sets the last ID, which must not be below that of an entry; with it the count of additions and the greatest deleted ID.
    pub fn set_last_id(&mut self, last: StreamId, entries_added: Option<u64>, max_deleted: Option<StreamId>) {
        self.ids.last = last;
        self.ids.entries_added = entries_added.unwrap_or(self.ids.entries_added);
        self.ids.max_deleted = max_deleted.unwrap_or(self.ids.max_deleted);
    }

    /// Adds an entry: names and values of fields in turn.
    ///
    /// # Errors
    /// [`NotAdded`]; nothing has changed then.
    pub fn add<F: AsRef<[u8]>>(
        &mut self,
        id: StreamId,
        fields: &[F],
        limits: &Limits,
    ) -> Result<(), NotAdded> {
        if id <= self.ids.last {
            return Err(NotAdded::NotGreater);
        }
        let bytes = fields.iter().try_fold(0usize, |sum, text| sum.checked_add(text.as_ref().len()));
        let Some(bytes) = bytes.filter(|bytes| *bytes <= node::MOST_BYTES) else {
            return Err(NotAdded::TooLarge);
        };
        let most_bytes = match limits.stream_node_max_bytes {
            0 => node::MOST_BYTES,
            most => most.min(node::MOST_BYTES),
        };
        let is_in_last = self.nodes.last_mut().is_some_and(|(master, listpack)| {
            let before = listpack.heap_bytes();
            let has_room = master < id
                && listpack.as_bytes().len() + bytes < most_bytes
                && (limits.stream_node_max_entries == 0
                    || node::entries(listpack) < limits.stream_node_max_entries);
            if has_room {
                node::append(listpack, master, id, fields, most_bytes);
            } else {
                listpack.shrink_to_fit();
            }
            self.nodes_bytes = self.nodes_bytes + listpack.heap_bytes() - before;
            has_room
        });
        if !is_in_last {
            let listpack = node::with_first(fields);
            self.nodes_bytes += listpack.heap_bytes();
            if let Some(deleted) = self.nodes.insert(id, listpack) {
                // A node of this very ID in which nothing was left.
                self.nodes_bytes -= deleted.heap_bytes();
            }
        }
        self.len += 1;
        self.ids.entries_added = self.ids.entries_added.wrapping_add(1);
        self.ids.last = id;
        if self.len == 1 {
            self.ids.first = id;
        }
        Ok(())
    }

    /// Deletes entries; returns how many there were.
    pub fn remove(&mut self, ids: &[StreamId]) -> usize {
        let mut removed = 0;
        let mut is_first_gone = false;
        for id in ids {
            if self.remove_entry(*id) {
                removed += 1;
                is_first_gone |= *id == self.ids.first;
                self.ids.max_deleted = self.ids.max_deleted.max(*id);
            }
        }
        if is_first_gone || (removed > 0 && self.len == 0) {
            self.find_first();
        }
        removed
    }

    fn remove_entry(&mut self, id: StreamId) -> bool {
        let Some((master, _)) = self.nodes.iter_back_from(id).next() else { return false };
        let listpack = self.nodes.get_mut(master).expect("the node was found");
        let before = listpack.heap_bytes();
        let Some(left) = node::delete(listpack, master, id) else { return false };
        self.nodes_bytes = self.nodes_bytes + listpack.heap_bytes() - before;
        self.len -= 1;
        if left == 0 {
            self.remove_node(master);
        }
        true
    }

    fn remove_node(&mut self, master: StreamId) {
        if let Some(listpack) = self.nodes.remove(master) {
            self.nodes_bytes -= listpack.heap_bytes();
        }
    }

    /// Sets the first ID anew after entries went.
    fn find_first(&mut self) {
        self.ids.first = self.iter().next().map_or(StreamId::MIN, |entry| entry.id);
    }

    /// Whether there is an entry of this ID.
    pub fn contains(&self, id: StreamId) -> bool {
        self.get(id).is_some()
    }

    /// The entry of this ID.
    pub fn get(&self, id: StreamId) -> Option<Entry<'_>> {
        let (master, listpack) = self.nodes.iter_back_from(id).next()?;
        let entry = Node::of(master, listpack).entries().find(|raw| !raw.is_deleted && raw.id >= id)?;
        (entry.id == id).then(|| Entry::of(entry))
    }

    /// The groups in the order of their names.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = &Group> {
        self.groups.as_slice().iter().map(|group| &**group)
    }

    /// The group at this place in the order of names.
    pub fn group_at(&self, place: usize) -> Option<&Group> {
        self.groups.as_slice().get(place).map(|group| &**group)
    }

    /// The group of this name.
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.get(name)
    }

    /// The group of this name, to change it.
    pub fn group_mut(&mut self, name: &[u8]) -> Option<GroupMut<'_>> {
        self.groups.get_mut(name)
    }

    /// Adds a group; returns false if there is one of its name.
    pub fn add_group(&mut self, group: Group) -> bool {
        self.groups.insert(group)
    }

    /// Removes a group.
    pub fn remove_group(&mut self, name: &[u8]) -> Option<Box<Group>> {
        self.groups.remove(name)
    }

    /// What follows from what has been there.
    pub fn past(&self, counting: Counting) -> Past {
        Past { len: self.len, ids: self.ids, counting }
    }

    /// The ID of the last entry that is there.
    pub fn last_entry_id(&self) -> Option<StreamId> {
        if self.ids.last == StreamId::MIN {
            return None;
        }
        self.range_back(StreamId::MIN, StreamId::MAX).next().map(|entry| entry.id)
    }

    /// The ID of the first entry in the nodes, deleted or not.
    pub fn first_in_nodes(&self) -> Option<StreamId> {
        let (master, listpack) = self.nodes.first()?;
        Node::of(master, listpack).entries().next().map(|raw| raw.id)
    }

    /// How many entries there are between two IDs, roughly, at most.
    pub fn at_most(&self, start: StreamId, end: StreamId) -> usize {
        let nodes = self.nodes.count(start, end) + 1;
        nodes.saturating_mul(self.len.div_ceil(self.nodes.len().max(1))).min(self.len)
    }

    /// How many nodes there are.
    pub fn nodes_len(&self) -> usize {
        self.nodes.len()
    }

    /// The nodes from the first that does not begin below `id`, each under the ID of its first entry: for RDB files.
    pub fn nodes_from(&self, id: StreamId) -> impl Iterator<Item = (StreamId, &Listpack)> {
        self.nodes.iter_from(id)
    }

    /// Adds a node from outside behind all others.
    ///
    /// # Errors
    /// [`NotAStream`] if the listpack is no node, or its entries do not come after all others.
    pub fn add_node(&mut self, master: StreamId, listpack: Listpack) -> Result<(), NotAStream> {
        let held = node::check(master, &listpack).ok_or(NotAStream)?;
        if self.nodes.last().is_some() && master <= self.ids.last {
            return Err(NotAStream);
        }
        self.len += held.live;
        self.ids.last = held.last;
        self.nodes_bytes += listpack.heap_bytes();
        self.nodes.insert(master, listpack);
        Ok(())
    }

    /// Sets what is known besides the entries, after all nodes were added. Files of servers before Redis 7.0 know the last ID
    /// alone: then the first one is looked up, and every entry counts as added that is there.
    ///
    /// # Errors
    /// [`NotAStream`] if an entry is behind the last ID.
    pub fn set_ids(&mut self, last: StreamId, rest: Option<Ids>) -> Result<(), NotAStream> {
        if last < self.ids.last {
            return Err(NotAStream);
        }
        match rest {
            Some(ids) => self.ids = Ids { last, ..ids },
            None => {
                self.ids = Ids { last, entries_added: self.len as u64, ..Ids::default() };
                self.find_first();
            }
        }
        Ok(())
    }

    /// Bytes taken from the allocator. Constant time.
    pub fn memory(&self) -> usize {
        size_of::<Self>() + self.nodes.memory() + self.nodes_bytes + self.groups.memory()
    }

    /// How many allocations it takes to free it, roughly; counts up to about `most` of groups.
    pub fn allocations(&self, most: usize) -> usize {
        let groups = self.groups.as_slice().iter().map(|group| group.allocations());
        self.nodes.len() + groups.take(most).sum::<usize>()
    }
}

/// Equal to clients: where nodes begin and what is deleted in them does not show.
impl PartialEq for Stream {
    fn eq(&self, other: &Self) -> bool {
        self.ids == other.ids
            && self.len == other.len
            && self.groups == other.groups
            && self.iter().eq(other.iter())
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
