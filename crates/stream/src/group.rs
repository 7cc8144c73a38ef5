//! Consumer groups: who read what, and what was not acknowledged yet.
//!
//! ```text
//!   pending     1-0 │ when, how often, consumer 0        one entry of the map for each that was delivered
//!               2-0 │ when, how often, consumer 1
//!
//!   consumers   0 ─ name, seen, active, its IDs: 1-0     a consumer's number is its place, which stays
//!               1 ─ name, seen, active, its IDs: 2-0
//!   by name     1, 0                                     the numbers in the order of the names
//! ```
//!
//! What is known about a pending entry stands once, in the map of the group. Its consumer has the ID alone and is named there by
//! its number.
//!
//! **Invariant:** an ID is pending in a group exactly if it is pending for one consumer, the one that the map names.

use super::StreamId;
use super::ordered::{self, Ordered};
use std::mem;

/// A consumer group.
#[derive(Debug, Clone)]
pub struct Group {
    name: Box<[u8]>,
    last_id: StreamId,
    entries_read: Option<u64>,
    pending: Ordered<Nack>,
    consumers: Vec<Option<Box<Consumer>>>,
    by_name: Vec<ConsumerNumber>,
    free: Vec<ConsumerNumber>,
    /// What consumers took from the allocator.
    pub(super) consumers_bytes: usize,
}

/// Which consumer of a group; stays the same while the consumer exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerNumber(u32);

/// A consumer of a group.
#[derive(Debug, Clone)]
pub struct Consumer {
    name: Box<[u8]>,
    seen_ms: i64,
    active_ms: Option<i64>,
    pending: Ordered<()>,
}

/// An entry that was delivered and not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nack {
    /// When it was delivered last: Unix time.
    pub delivered_ms: i64,
    /// How often it was delivered.
    pub deliveries: u64,
    /// To whom.
    pub consumer: ConsumerNumber,
}

impl Consumer {
    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// When it last asked for entries: Unix time.
    pub fn seen_ms(&self) -> i64 {
        self.seen_ms
    }

    /// When it last got entries: Unix time.
    pub fn active_ms(&self) -> Option<i64> {
        self.active_ms
    }

    /// How many entries are pending for it.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The IDs that are pending for it, from the first that is not below `id`.
    pub fn pending_from(&self, id: StreamId) -> impl Iterator<Item = StreamId> + '_ {
        self.pending.iter_from(id).map(|(id, ())| id)
    }

    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>() + self.name.len() + self.pending.memory()
    }
}

impl Group {
    /// A group that was delivered everything up to `last_id`; `entries_read` tells how many entries of the stream these are,
    /// if that is known.
    pub fn new(name: &[u8], last_id: StreamId, entries_read: Option<u64>) -> Self {
        Group {
            name: name.into(),
            last_id,
            entries_read,
            pending: Ordered::default(),
            consumers: Vec::new(),
            by_name: Vec::new(),
            free: Vec::new(),
            consumers_bytes: 0,
        }
    }

    /// Its name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// The last entry that was delivered.
    pub fn last_id(&self) -> StreamId {
        self.last_id
    }

    /// How many entries of the stream were read up to the last one, if that is known.
    pub fn entries_read(&self) -> Option<u64> {
        self.entries_read
    }

    /// Sets what was delivered last.
    pub fn set_id(&mut self, last_id: StreamId, entries_read: Option<u64>) {
        (self.last_id, self.entries_read) = (last_id, entries_read);
    }

    /// How many entries are pending.
    pub fn pending_len(&self) -> usize {
        self.pending.len()
    }

    /// The pending entry of this ID.
    pub fn nack(&self, id: StreamId) -> Option<Nack> {
        self.pending.get(id).copied()
    }

    /// The pending entries, from the first that is not below `id`.
    pub fn pending_from(&self, id: StreamId) -> Pending<'_> {
        Pending { inner: self.pending.iter_from(id) }
    }

    /// The first pending entry.
    pub fn first_pending(&self) -> Option<StreamId> {
        self.pending.first().map(|(id, _)| id)
    }

    /// The last pending entry.
    pub fn last_pending(&self) -> Option<StreamId> {
        self.pending.last().map(|(id, _)| id)
    }

    /// How many consumers there are.
    pub fn consumers_len(&self) -> usize {
        self.by_name.len()
    }

    /// The consumers in the order of their names.
    pub fn consumers(&self) -> impl ExactSizeIterator<Item = &Consumer> {
        self.by_name.iter().map(|number| self.consumer(*number))
    }

    /// The consumer at this place in the order of names.
    pub fn consumer_at(&self, place: usize) -> Option<&Consumer> {
        self.by_name.get(place).map(|number| self.consumer(*number))
    }

    /// The consumer of this number, which must exist.
    pub fn consumer(&self, number: ConsumerNumber) -> &Consumer {
        self.consumers[number.0 as usize].as_deref().expect("numbers are of consumers that exist")
    }

    /// The consumer of this name.
    pub fn find_consumer(&self, name: &[u8]) -> Option<ConsumerNumber> {
        self.place(name).ok().map(|place| self.by_name[place])
    }

    /// Adds a consumer; `None` if there is one of this name.
    pub fn create_consumer(&mut self, name: &[u8], now_ms: i64) -> Option<ConsumerNumber> {
        let place = self.place(name).err()?;
        let consumer = Box::new(Consumer {
            name: name.into(),
            seen_ms: now_ms,
            active_ms: None,
            pending: Ordered::default(),
        });
        self.consumers_bytes += consumer.bytes();
        let number = match self.free.pop() {
            Some(number) => {
                self.consumers[number.0 as usize] = Some(consumer);
                number
            }
            None => {
                self.consumers.push(Some(consumer));
                ConsumerNumber(self.consumers.len() as u32 - 1)
            }
        };
        self.by_name.insert(place, number);
        Some(number)
    }

    /// Removes a consumer with all that is pending for it; returns how much that was.
    pub fn remove_consumer(&mut self, name: &[u8]) -> Option<usize> {
        let place = self.place(name).ok()?;
        let number = self.by_name.remove(place);
        let consumer = self.consumers[number.0 as usize].take().expect("it stands in the order of names");
        self.consumers_bytes -= consumer.bytes();
        for (id, ()) in consumer.pending.iter() {
            self.pending.remove(id);
        }
        self.free.push(number);
        if self.by_name.is_empty() {
            (self.consumers, self.free) = (Vec::new(), Vec::new());
        }
        Some(consumer.pending.len())
    }

    /// Notes when a consumer asked for entries.
    pub fn set_seen(&mut self, number: ConsumerNumber, now_ms: i64) {
        self.consumer_mut(number).seen_ms = now_ms;
    }

    /// Notes when a consumer got entries.
    pub fn set_active(&mut self, number: ConsumerNumber, at_ms: Option<i64>) {
        self.consumer_mut(number).active_ms = at_ms;
    }

    /// Makes an entry pending as this says, whoever it was pending for before.
    pub fn set_pending(&mut self, id: StreamId, nack: Nack) {
        match self.pending.insert(id, nack) {
            Some(before) if before.consumer == nack.consumer => return,
            Some(before) => self.with_pending_of(before.consumer, |pending| pending.remove(id)),
            None => {}
        }
        self.with_pending_of(nack.consumer, |pending| pending.insert(id, ()));
    }

    /// Acknowledges an entry: it is pending no more. Returns false if it was not.
    pub fn ack(&mut self, id: StreamId) -> bool {
        let Some(nack) = self.pending.remove(id) else { return false };
        self.with_pending_of(nack.consumer, |pending| pending.remove(id));
        true
    }

    /// Bytes taken from the allocator. Constant time.
    pub fn memory(&self) -> usize {
        size_of::<Self>()
            + self.name.len()
            + self.pending.memory()
            + self.consumers_bytes
            + self.consumers.capacity() * size_of::<Option<Box<Consumer>>>()
            + (self.by_name.capacity() + self.free.capacity()) * size_of::<ConsumerNumber>()
    }

    /// How many allocations there are, roughly.
    pub(super) fn allocations(&self) -> usize {
        // A consumer of many IDs has no more chunks of them than the group has.
        1 + 2 * self.pending.allocations() + 2 * self.by_name.len()
    }

    fn consumer_mut(&mut self, number: ConsumerNumber) -> &mut Consumer {
        self.consumers[number.0 as usize].as_deref_mut().expect("numbers are of consumers that exist")
    }

    fn with_pending_of(
        &mut self,
        number: ConsumerNumber,
        change: impl FnOnce(&mut Ordered<()>) -> Option<()>,
    ) {
        let pending = &mut self.consumer_mut(number).pending;
        let before = pending.memory();
        change(pending);
        let after = pending.memory();
        self.consumers_bytes = self.consumers_bytes + after - before;
    }

    /// Where a name is in the order, or where it would stand.
    fn place(&self, name: &[u8]) -> Result<usize, usize> {
        self.by_name.binary_search_by(|number| self.consumer(*number).name().cmp(name))
    }
}

/// Pending entries of a group, in order.
#[derive(Debug, Clone)]
pub struct Pending<'a> {
    inner: ordered::Forward<'a, Nack>,
}

impl Iterator for Pending<'_> {
    type Item = (StreamId, Nack);

    fn next(&mut self) -> Option<Self::Item> {
        self.inner.next().map(|(id, nack)| (id, *nack))
    }
}

/// Equal to clients: the numbers of consumers do not show.
impl PartialEq for Group {
    fn eq(&self, other: &Self) -> bool {
        let pending = |group: &Group| -> Vec<_> {
            let by_name = |nack: Nack| (nack.delivered_ms, nack.deliveries);
            group.pending_from(StreamId::MIN).map(|(id, nack)| (id, by_name(nack))).collect()
        };
        (&self.name, self.last_id, self.entries_read) == (&other.name, other.last_id, other.entries_read)
            && self.consumers().eq(other.consumers())
            && pending(self) == pending(other)
    }
}

impl PartialEq for Consumer {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.seen_ms, self.active_ms) == (&other.name, other.seen_ms, other.active_ms)
            && self.pending == other.pending
    }
}

/// Groups in the order of their names.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups {
    #[expect(clippy::vec_box, reason = "a group that is added moves pointers, not groups")]
    groups: Vec<Box<Group>>,
    /// What the groups took from the allocator.
    pub(super) bytes: usize,
}

impl PartialEq for Groups {
    fn eq(&self, other: &Self) -> bool {
        self.groups == other.groups
    }
}

impl Groups {
    pub(super) fn as_slice(&self) -> &[Box<Group>] {
        &self.groups
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&Group> {
        self.place(name).ok().map(|place| &*self.groups[place])
    }

    pub(super) fn get_mut(&mut self, name: &[u8]) -> Option<GroupMut<'_>> {
        let place = self.place(name).ok()?;
        let group = &mut *self.groups[place];
        Some(GroupMut { before: group.memory(), group, bytes: &mut self.bytes })
    }

    pub(super) fn insert(&mut self, group: Group) -> bool {
        let Err(place) = self.place(&group.name) else { return false };
        self.bytes += group.memory();
        self.groups.insert(place, Box::new(group));
        true
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<Box<Group>> {
        let place = self.place(name).ok()?;
        let group = self.groups.remove(place);
        self.bytes -= group.memory();
        if self.groups.is_empty() {
            mem::take(&mut self.groups);
        }
        Some(group)
    }

    pub(super) fn memory(&self) -> usize {
        self.bytes + self.groups.capacity() * size_of::<Box<Group>>()
    }

    fn place(&self, name: &[u8]) -> Result<usize, usize> {
        self.groups.binary_search_by(|group| (*group.name).cmp(name))
    }
}

/// A group to change. The stream's memory is counted anew when it is dropped.
#[derive(Debug)]
pub struct GroupMut<'a> {
    group: &'a mut Group,
    before: usize,
    bytes: &'a mut usize,
}

impl std::ops::Deref for GroupMut<'_> {
    type Target = Group;

    fn deref(&self) -> &Group {
        self.group
    }
}

impl std::ops::DerefMut for GroupMut<'_> {
    fn deref_mut(&mut self) -> &mut Group {
        self.group
    }
}

impl Drop for GroupMut<'_> {
    fn drop(&mut self) {
        *self.bytes = *self.bytes + self.group.memory() - self.before;
    }
}
