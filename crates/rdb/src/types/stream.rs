//! Streams.
//!
//! ```text
//! count of nodes, then each:    ID of its first entry, a string of 16 bytes │ listpack, a string
//! length │ last ID                                        an ID is two lengths: ms, seq
//!        │ first ID │ greatest deleted ID │ entries added                                  from type 19 on
//! count of groups, then each:   name │ last ID
//!                                    │ entries read, 2^64 - 1 when unknown                  from type 19 on
//!   count of pending entries, then each:   ID, 16 bytes │ delivered: i64 │ deliveries
//!   count of consumers, then each:         name │ seen: i64
//!                                                    │ active: i64, -1 when never           from type 21 on
//!     count of its pending entries, then each:   ID, 16 bytes
//! ```
//!
//! Type 15 is that of servers before Redis 7.0, 19 of 7.0, 21 of 7.2 and later. The writer uses the one of its profile. Nodes are
//! written and loaded as they are; each is checked to its last item. What an older type lacks is what the server that reads it
//! makes of it: the first entry is looked up, all that is there counts as added, a consumer was active when it was seen.

use profile::Profile;
use std::collections::BTreeMap;
use structures::stream::{ConsumerNumber, Counting, Group, Ids, Nack};
use structures::{Listpack, Stream, StreamId, Value};

use super::{STREAM_LISTPACKS, STREAM_LISTPACKS_2, STREAM_LISTPACKS_3};
use crate::encode::Sink;
use crate::error::Stop;
use crate::input::Input;
use crate::pieces::{Piece, Position};

/// Where entries read is unknown.
const UNKNOWN: u64 = u64::MAX;
/// Where a consumer was never active.
const NEVER: i64 = -1;

pub(super) fn type_of(profile: Profile) -> u8 {
    if profile.has("7.2.0") {
        STREAM_LISTPACKS_3
    } else if profile.has("7.0.0") {
        STREAM_LISTPACKS_2
    } else {
        STREAM_LISTPACKS
    }
}

/// How far a stream has been written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    part: Part,
    /// The group.
    group: usize,
    /// The consumer, in the order of names.
    consumer: usize,
    /// The node or the pending entry: the first that is not written.
    id: StreamId,
}

/// What is written next.
#[derive(Debug, Clone, Copy, Default)]
enum Part {
    #[default]
    Nodes,
    Ids,
    Group,
    Pending,
    Consumers,
    Consumer,
    ConsumerPending,
}

pub(super) fn put<S: Sink>(piece: &mut Piece<'_, S>, stream: &Stream, at: &mut Position) -> bool {
    let form = type_of(piece.profile());
    piece.count(stream.nodes_len(), at);
    let mut place = at.stream;
    let is_whole = put_parts(piece, stream, &mut place, at, form);
    at.stream = place;
    is_whole
}

fn put_parts<S: Sink>(
    piece: &mut Piece<'_, S>,
    stream: &Stream,
    place: &mut Place,
    at: &mut Position,
    form: u8,
) -> bool {
    loop {
        match place.part {
            Part::Nodes => {
                for (master, listpack) in stream.nodes_from(place.id) {
                    place.id = master;
                    if !put_node(piece, master, listpack, at) {
                        return false;
                    }
                }
                place.part = Part::Ids;
            }
            Part::Ids => {
                put_ids(piece, stream, form);
                place.part = Part::Group;
            }
            Part::Group => {
                let Some(group) = stream.group_at(place.group) else { return true };
                if !has_room(piece) || !piece.string(group.name(), at) {
                    return false;
                }
                put_id(piece, group.last_id());
                if form >= STREAM_LISTPACKS_2 {
                    piece.number(group.entries_read().unwrap_or(UNKNOWN));
                }
                piece.number(group.pending_len() as u64);
                *place = Place { part: Part::Pending, id: StreamId::MIN, ..*place };
            }
            Part::Pending => {
                let Some(group) = stream.group_at(place.group) else { return true };
                for (id, nack) in group.pending_from(place.id) {
                    place.id = id;
                    if !has_room(piece) {
                        return false;
                    }
                    piece.bytes(&id.to_bytes());
                    piece.bytes(&nack.delivered_ms.to_le_bytes());
                    piece.number(nack.deliveries);
                }
                place.part = Part::Consumers;
            }
            Part::Consumers => {
                let Some(group) = stream.group_at(place.group) else { return true };
                piece.number(group.consumers_len() as u64);
                *place = Place { part: Part::Consumer, consumer: 0, ..*place };
            }
            Part::Consumer => {
                let Some(group) = stream.group_at(place.group) else { return true };
                let Some(consumer) = group.consumer_at(place.consumer) else {
                    *place = Place { part: Part::Group, group: place.group + 1, ..*place };
                    continue;
                };
                if !has_room(piece) || !piece.string(consumer.name(), at) {
                    return false;
                }
                piece.bytes(&consumer.seen_ms().to_le_bytes());
                if form >= STREAM_LISTPACKS_3 {
                    piece.bytes(&consumer.active_ms().unwrap_or(NEVER).to_le_bytes());
                }
                piece.number(consumer.pending_len() as u64);
                *place = Place { part: Part::ConsumerPending, id: StreamId::MIN, ..*place };
            }
            Part::ConsumerPending => {
                let group = stream.group_at(place.group);
                let Some(consumer) = group.and_then(|group| group.consumer_at(place.consumer)) else {
                    return true;
                };
                for id in consumer.pending_from(place.id) {
                    place.id = id;
                    if !has_room(piece) {
                        return false;
                    }
                    piece.bytes(&id.to_bytes());
                }
                *place = Place { part: Part::Consumer, consumer: place.consumer + 1, ..*place };
            }
        }
    }
}

/// Whether another element may begin; if so, it is counted.
fn has_room<S: Sink>(piece: &mut Piece<'_, S>) -> bool {
    let has_room = piece.has_room();
    if has_room {
        piece.begin_element();
    }
    has_room
}

/// Writes a node, or what of it goes into the piece; whether it is whole.
fn put_node<S: Sink>(
    piece: &mut Piece<'_, S>,
    master: StreamId,
    listpack: &Listpack,
    at: &mut Position,
) -> bool {
    if !has_room(piece) {
        return false;
    }
    if !at.at_value {
        piece.number(StreamId::BYTES as u64);
        piece.bytes(&master.to_bytes());
    }
    at.at_value = !piece.string(listpack.as_bytes(), at);
    !at.at_value
}

fn put_ids<S: Sink>(piece: &mut Piece<'_, S>, stream: &Stream, form: u8) {
    let Ids { last, first, max_deleted, entries_added } = stream.ids();
    piece.number(stream.len() as u64);
    put_id(piece, last);
    if form >= STREAM_LISTPACKS_2 {
        put_id(piece, first);
        put_id(piece, max_deleted);
        piece.number(entries_added);
    }
    piece.number(stream.groups().len() as u64);
}

fn put_id<S: Sink>(piece: &mut Piece<'_, S>, id: StreamId) {
    piece.number(id.ms);
    piece.number(id.seq);
}

#[derive(Debug)]
pub(crate) struct Loader {
    form: u8,
    stream: Stream,
    next: Next,
    /// Groups whose name was not read yet.
    groups_left: u64,
}

/// What is read next.
#[derive(Debug)]
enum Next {
    NodeCount,
    NodeId { left: u64 },
    Node { left: u64, master: StreamId },
    Ids,
    GroupName,
    Group { name: Vec<u8> },
    Pending { left: u64, loading: Loading },
    ConsumerCount { loading: Loading },
    ConsumerName { left: u64, loading: Loading },
    Consumer { left: u64, name: Vec<u8>, loading: Loading },
    ConsumerPending { left: u64, of: ConsumerNumber, pending: u64, loading: Loading },
}

/// A group of which not all is there yet.
#[derive(Debug)]
struct Loading {
    group: Group,
    /// Pending entries whose consumer was not read yet: when they were delivered, and how often.
    unowned: BTreeMap<StreamId, (i64, u64)>,
}

impl Loader {
    pub(super) fn new(form: u8) -> Self {
        Loader { form, stream: Stream::new(), next: Next::NodeCount, groups_left: 0 }
    }

    pub(super) fn step(&mut self, input: &mut Input) -> Result<Option<Value>, Stop> {
        while !self.advance(input)? {}
        Ok(Some(Value::Stream(Box::new(std::mem::take(&mut self.stream)))))
    }

    /// Reads one item; whether the stream is whole.
    fn advance(&mut self, input: &mut Input) -> Result<bool, Stop> {
        match std::mem::replace(&mut self.next, Next::NodeCount) {
            Next::NodeCount => {
                let left = input.len()?;
                self.next = Next::NodeId { left };
            }
            Next::NodeId { left: 0 } => self.next = Next::Ids,
            Next::NodeId { left } => {
                self.next = Next::NodeId { left };
                let bytes = input.string()?.try_into();
                let bytes = bytes.map_err(|_| Stop::corrupt("a stream with an ID that is none"))?;
                self.next = Next::Node { left: left - 1, master: StreamId::from_bytes(bytes) };
            }
            Next::Node { left, master } => {
                self.next = Next::Node { left, master };
                let listpack = Listpack::from_bytes(input.string()?).ok();
                let added = listpack.and_then(|listpack| self.stream.add_node(master, listpack).ok());
                added.ok_or(Stop::corrupt("a stream with a node that is not valid"))?;
                self.next = Next::NodeId { left };
            }
            Next::Ids => {
                self.next = Next::Ids;
                let numbers = numbers(input, self.form)?;
                let is_right = self.stream.set_ids(numbers.last, numbers.rest).is_ok();
                if !is_right || self.stream.len() as u64 != numbers.len {
                    return Err(Stop::corrupt("a stream whose numbers are not those of its entries"));
                }
                self.groups_left = numbers.groups;
                self.next = Next::GroupName;
            }
            Next::GroupName => {
                self.next = Next::GroupName;
                if self.groups_left == 0 {
                    return Ok(true);
                }
                let name = input.string()?;
                self.groups_left -= 1;
                self.next = Next::Group { name };
            }
            Next::Group { name } => match group_head(input, self.form) {
                Err(stop) => {
                    self.next = Next::Group { name };
                    return Err(stop);
                }
                Ok((last_id, read, left)) => {
                    let read = match read {
                        Some(UNKNOWN) => None,
                        Some(read) => Some(read),
                        None => self.stream.past(Counting::default()).added_up_to(last_id),
                    };
                    let group = Group::new(&name, last_id, read);
                    self.next = Next::Pending { left, loading: Loading { group, unowned: BTreeMap::new() } };
                }
            },
            Next::Pending { left, loading } => self.pending(input, left, loading)?,
            Next::ConsumerCount { loading } => match input.len() {
                Ok(left) => self.next = Next::ConsumerName { left, loading },
                Err(stop) => {
                    self.next = Next::ConsumerCount { loading };
                    return Err(stop);
                }
            },
            Next::ConsumerName { left: 0, loading } => self.end_group(loading)?,
            Next::ConsumerName { left, loading } => match input.string() {
                Ok(name) => self.next = Next::Consumer { left: left - 1, name, loading },
                Err(stop) => {
                    self.next = Next::ConsumerName { left, loading };
                    return Err(stop);
                }
            },
            Next::Consumer { left, name, loading } => self.consumer(input, left, name, loading)?,
            Next::ConsumerPending { left, of, pending, loading } => {
                self.consumer_pending(input, left, of, pending, loading)?;
            }
        }
        Ok(false)
    }

    /// Reads the pending entries of a group.
    fn pending(&mut self, input: &mut Input, mut left: u64, mut loading: Loading) -> Result<(), Stop> {
        while left > 0 {
            let entry = input.all_or_nothing(|input| {
                let id = StreamId::from_bytes(input.bytes()?);
                Ok((id, (i64::from_le_bytes(input.bytes()?), input.len()?)))
            });
            match entry {
                Ok((id, delivered)) => {
                    if loading.unowned.insert(id, delivered).is_some() {
                        return Err(Stop::corrupt("a group with an entry that is pending twice"));
                    }
                    left -= 1;
                }
                Err(stop) => {
                    self.next = Next::Pending { left, loading };
                    return Err(stop);
                }
            }
        }
        self.next = Next::ConsumerCount { loading };
        Ok(())
    }

    fn consumer(
        &mut self,
        input: &mut Input,
        left: u64,
        name: Vec<u8>,
        mut loading: Loading,
    ) -> Result<(), Stop> {
        let form = self.form;
        let head = input.all_or_nothing(|input| {
            let seen_ms = i64::from_le_bytes(input.bytes()?);
            let active_ms =
                if form >= STREAM_LISTPACKS_3 { i64::from_le_bytes(input.bytes()?) } else { seen_ms };
            Ok((seen_ms, active_ms, input.len()?))
        });
        match head {
            Ok((seen_ms, active_ms, pending)) => {
                let created = loading.group.create_consumer(&name, seen_ms);
                let of = created.ok_or(Stop::corrupt("a group with a consumer that comes twice"))?;
                loading.group.set_active(of, (active_ms != NEVER).then_some(active_ms));
                self.next = Next::ConsumerPending { left, of, pending, loading };
                Ok(())
            }
            Err(stop) => {
                self.next = Next::Consumer { left, name, loading };
                Err(stop)
            }
        }
    }

    /// Reads which entries are pending for a consumer.
    fn consumer_pending(
        &mut self,
        input: &mut Input,
        left: u64,
        of: ConsumerNumber,
        mut pending: u64,
        mut loading: Loading,
    ) -> Result<(), Stop> {
        while pending > 0 {
            match input.bytes() {
                Ok(bytes) => {
                    let id = StreamId::from_bytes(bytes);
                    let entry = loading.unowned.remove(&id);
                    let (delivered_ms, deliveries) =
                        entry.ok_or(Stop::corrupt("a consumer with an entry that is not pending"))?;
                    loading.group.set_pending(id, Nack { delivered_ms, deliveries, consumer: of });
                    pending -= 1;
                }
                Err(stop) => {
                    self.next = Next::ConsumerPending { left, of, pending, loading };
                    return Err(stop);
                }
            }
        }
        self.next = Next::ConsumerName { left, loading };
        Ok(())
    }

    fn end_group(&mut self, loading: Loading) -> Result<(), Stop> {
        if !loading.unowned.is_empty() {
            return Err(Stop::corrupt("a group with an entry that is pending for nobody"));
        }
        if !self.stream.add_group(loading.group) {
            return Err(Stop::corrupt("a stream with a group that comes twice"));
        }
        self.next = Next::GroupName;
        Ok(())
    }
}

/// What stands between the nodes and the groups.
struct Numbers {
    len: u64,
    last: StreamId,
    rest: Option<Ids>,
    groups: u64,
}

fn numbers(input: &mut Input, form: u8) -> Result<Numbers, Stop> {
    input.all_or_nothing(|input| {
        let len = input.len()?;
        let last = id(input)?;
        let rest = if form >= STREAM_LISTPACKS_2 {
            Some(Ids { last, first: id(input)?, max_deleted: id(input)?, entries_added: input.len()? })
        } else {
            None
        };
        Ok(Numbers { len, last, rest, groups: input.len()? })
    })
}

/// The last ID of a group, how many entries were read if the form says so, and how many entries are pending.
fn group_head(input: &mut Input, form: u8) -> Result<(StreamId, Option<u64>, u64), Stop> {
    input.all_or_nothing(|input| {
        let last = id(input)?;
        let read = if form >= STREAM_LISTPACKS_2 { Some(input.len()?) } else { None };
        Ok((last, read, input.len()?))
    })
}

fn id(input: &mut Input) -> Result<StreamId, Stop> {
    let [ms, seq] = input.lens()?;
    Ok(StreamId::new(ms, seq))
}
