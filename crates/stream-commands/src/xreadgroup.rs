//! XREADGROUP

use super::edit::{self, Changes};
use super::xread::{REPLY, Reading, STREAMS, begin_key, finish, is_served_late, newest, parse};
use super::{counting, ids, no_group, read, reply};
use command_spec::*;
use commands::{Block, Cx, Error};
use resp::Writer;
use structures::stream::{GroupMut, Nack, Past};
use structures::{Stream, StreamId};
use table::ValueMut;

/// `XREADGROUP`
pub(super) const XREADGROUP: Spec = Spec {
    name: "xreadgroup",
    summary: "Returns new entries of several streams to a consumer of a group, or those that are pending for it.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N), N being the number of entries returned",
    arity: -7,
    flags: Flags::BLOCKING.union(Flags::WRITE),
    categories: Categories::STREAM,
    keys: &[KeySpec {
        flags: KeyFlags::RO.union(KeyFlags::ACCESS),
        begin: BeginSearch::Keyword("STREAMS", 4),
        find: FindKeys::Range { last: -1, step: 1, limit: 2 },
    }],
    args: &[
        Arg::block("group-block", &[Arg::string("group"), Arg::string("consumer")]).token("GROUP"),
        Arg::integer("count").token("COUNT").optional(),
        Arg::integer("milliseconds").token("BLOCK").optional(),
        Arg::word("noack", "NOACK").optional(),
        STREAMS,
    ],
    reply: REPLY,
    need: Need::Keys,
    ..Spec::BASE
};

/// An ID that says nothing in a group.
fn meaningless(id: char) -> Error {
    let text = format!(
        "ERR The {id} ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by \
         specifying a proper ID, or use the > ID to get new messages. The {id} ID would just return an empty result set."
    );
    Error::Other(text.into())
}

pub(super) fn xreadgroup(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<Option<Block>, Error> {
    let reading = parse(cx, argv, "XREADGROUP")?;
    let Some((group, name)) = reading.group else { return Err(Error::Syntax) };
    let places = reading.places(cx, argv);
    let after = check(cx, argv, &reading, group)?;
    let mut changes = Changes::new(cx);
    let most = reading.most(cx);
    let head = cx.out.deferred();
    let mut served = 0;
    for (at, after) in places.zip(after) {
        let turn = Turn { key: argv[at], group, name, after, most, no_ack: reading.no_ack };
        served += usize::from(read_one(cx, &turn, &mut changes)?);
    }
    changes.replicate(cx);
    if served == 0 {
        return reading.wait(cx, Vec::new());
    }
    finish(&mut cx.out, head, served);
    Ok(None)
}

/// Looks whether all keys and groups exist, and reads the IDs: `None` for new entries.
fn check(
    cx: &mut Cx<'_, '_>,
    argv: &[&[u8]],
    reading: &Reading<'_>,
    group: &[u8],
) -> Result<Vec<Option<StreamId>>, Error> {
    let (is_late, most, effort) = (is_served_late(cx), reading.most(cx), cx.effort);
    let mut after = Vec::with_capacity(reading.keys.len());
    for at in reading.places(cx, argv) {
        let stream = match read(&mut cx.keys, argv[at]) {
            Ok(None) | Err(Error::WrongType) if is_late => {
                return Err(Error::text("UNBLOCKED the stream key no longer exists"));
            }
            found => found?,
        };
        let Some((stream, group)) = stream.and_then(|stream| Some((stream, stream.group(group)?))) else {
            return Err(match is_late {
                true => Error::text("NOGROUP the consumer group this client was blocked on no longer exists"),
                false => no_group(argv[at], group, " in XREADGROUP with GROUP option"),
            });
        };
        let pending_after = match argv[reading.id_at(at)] {
            b"$" => return Err(meaningless('$')),
            b"+" if cx.options.profile.has("8.0.0") => return Err(meaningless('+')),
            b">" => None,
            // The greatest ID means the same.
            arg => Some(ids::id(arg)?).filter(|id| *id != StreamId::MAX),
        };
        match pending_after {
            Some(_) => effort.visits(group.pending_len().min(most))?,
            None => effort.visits(stream.at_most(group.last_id(), StreamId::MAX).min(most))?,
        }
        after.push(pending_after);
    }
    Ok(after)
}

/// What is read from one stream.
struct Turn<'a> {
    key: &'a [u8],
    group: &'a [u8],
    /// The consumer.
    name: &'a [u8],
    after: Option<StreamId>,
    most: usize,
    no_ack: bool,
}

/// Reads from one stream; whether it has a place in the reply.
fn read_one(cx: &mut Cx<'_, '_>, turn: &Turn<'_>, changes: &mut Changes) -> Result<bool, Error> {
    let (now_ms, profile) = (cx.keys.now_ms() as i64, cx.options.profile);
    let (is_late, tells_always) = (is_served_late(cx), profile.has("7.2.0"));
    cx.keys.lookup(turn.key);
    let Some(mut edit) = cx.keys.edit(turn.key) else { return Ok(false) };
    let ValueMut::Stream(stream) = edit.value_mut() else { return Err(Error::WrongType) };
    let Some(group) = stream.group(turn.group) else { return Ok(false) };
    let last_id = group.last_id();
    let is_served = turn.after.is_some() || newest(stream, is_late) > Some(last_id);
    let is_created = if is_served || tells_always {
        let Some(mut group) = stream.group_mut(turn.group) else { return Ok(false) };
        let (number, is_created) = edit::consumer(&mut group, turn.name, now_ms);
        group.set_seen(number, now_ms);
        is_created
    } else {
        false
    };
    if is_created && turn.no_ack {
        changes.created(turn.key, turn.group, turn.name);
    }
    if is_served {
        begin_key(&mut cx.out, turn.key);
        match (turn.after, last_id.next()) {
            (Some(after), _) => history(&mut cx.out, stream, turn, after, now_ms),
            (None, Some(start)) => {
                let ids = new_entries(&mut cx.out, stream, start, turn.most);
                let past = stream.past(counting(profile));
                if let Some(mut group) = stream.group_mut(turn.group) {
                    let before = group.last_id();
                    deliver(&mut group, past, &ids, turn, now_ms, changes);
                    // What is pending does not tell how many entries were read.
                    if group.last_id() > before && (turn.no_ack || profile.has("8.1.0")) {
                        changes.delivered(turn.key, &group);
                    }
                }
            }
            (None, None) => cx.out.array(0),
        }
    }
    if is_created {
        edit::changed(cx, turn.key, "xgroup-createconsumer");
    }
    if is_served {
        cx.keys.effects().dirty += 1;
    }
    Ok(is_served)
}

/// Writes the entries that are pending for the consumer, after an ID, and counts that they were delivered again. Those that were
/// deleted have no fields.
fn history(out: &mut Writer<'_>, stream: &mut Stream, turn: &Turn<'_>, after: StreamId, now_ms: i64) {
    let pending: Vec<StreamId> = match (stream.group(turn.group), after.next()) {
        (Some(group), Some(start)) => {
            let consumer = group.find_consumer(turn.name).map(|number| group.consumer(number));
            let pending = consumer.map(|consumer| consumer.pending_from(start).take(turn.most));
            pending.into_iter().flatten().collect()
        }
        _ => Vec::new(),
    };
    out.array(pending.len());
    let mut again = Vec::with_capacity(pending.len());
    for id in pending {
        if let Some(entry) = stream.get(id) {
            reply::entry(out, entry);
            again.push(id);
        } else {
            out.array(2);
            reply::id(out, id);
            out.null_array();
        }
    }
    let Some(mut group) = stream.group_mut(turn.group) else { return };
    for id in again {
        if let Some(nack) = group.nack(id) {
            group.set_pending(
                id,
                Nack { delivered_ms: now_ms, deliveries: nack.deliveries.wrapping_add(1), ..nack },
            );
        }
    }
}

/// Writes entries from an ID on; returns which.
fn new_entries(out: &mut Writer<'_>, stream: &Stream, start: StreamId, most: usize) -> Vec<StreamId> {
    let mut ids = Vec::new();
    let entries = stream.range(start, StreamId::MAX).take(most);
    reply::entries(out, entries.inspect(|entry| ids.push(entry.id)));
    ids
}

/// Notes that entries were delivered to the consumer.
fn deliver(
    group: &mut GroupMut<'_>,
    past: Past,
    ids: &[StreamId],
    turn: &Turn<'_>,
    now_ms: i64,
    changes: &mut Changes,
) {
    let Some(consumer) = group.find_consumer(turn.name) else { return };
    for &id in ids {
        if id > group.last_id() {
            let read = past.read_up_to(group, id);
            group.set_id(id, read);
        }
        if !turn.no_ack {
            let nack = Nack { delivered_ms: now_ms, deliveries: 1, consumer };
            group.set_pending(id, nack);
            group.set_active(consumer, Some(now_ms));
            changes.pending(turn.key, group, id, &nack);
        }
    }
}
