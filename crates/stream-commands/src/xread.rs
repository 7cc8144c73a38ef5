//! XREAD, and the arguments that it shares with XREADGROUP

use super::{ids, read, reply};
use command_spec::*;
use commands::args::{int, is};
use commands::timeout::timeout_of_ms;
use commands::{Block, Cx, Error};
use profile::Profile;
use resp::{Deferred, Proto, Writer};
use std::ops::Range;
use structures::{Stream, StreamId};

/// `XREAD`
pub(super) const XREAD: Spec = Spec {
    name: "xread",
    summary: "Returns the entries of several streams after the IDs given, or waits for some.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N), N being the number of entries returned",
    arity: -4,
    flags: Flags::BLOCKING.union(Flags::READONLY),
    categories: Categories::STREAM,
    keys: &[KeySpec {
        flags: KeyFlags::RO.union(KeyFlags::ACCESS),
        begin: BeginSearch::Keyword("STREAMS", 1),
        find: FindKeys::Range { last: -1, step: 1, limit: 2 },
    }],
    args: &[
        Arg::integer("count").token("COUNT").optional(),
        Arg::integer("milliseconds").token("BLOCK").optional(),
        STREAMS,
    ],
    reply: REPLY,
    need: Need::Keys,
    ..Spec::BASE
};

/// Keys, then as many IDs.
pub(super) const STREAMS: Arg =
    Arg::block("streams", &[Arg::key("key").multiple(), Arg::string("ID").multiple()]).token("STREAMS");
/// Keys with their entries; those of a group may have been deleted.
pub(super) const REPLY: Shape = Shape::OneOf(&[
    Shape::Array(&Shape::Tuple(&[Shape::Bulk, ENTRIES])),
    Shape::Map(&Shape::Bulk, &ENTRIES),
    Shape::NullArray,
]);
const ENTRIES: Shape =
    Shape::Array(&Shape::OneOf(&[reply::ENTRY, Shape::Tuple(&[Shape::Bulk, Shape::NullArray])]));

/// Redis 7.0 gives a client that has waited no more entries than this, unless it says how many it takes.
const AFTER_WAIT: usize = 1000;

/// The arguments of XREAD and XREADGROUP.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    /// How long it waits, if it does; `None` within is forever.
    pub(super) block: Option<Option<u64>>,
    /// How many entries of each stream at most.
    pub(super) count: Option<usize>,
    /// Group and consumer.
    pub(super) group: Option<(&'a [u8], &'a [u8])>,
    pub(super) no_ack: bool,
    /// Where the keys stand; as many IDs follow.
    pub(super) keys: Range<usize>,
}

/// Reads the arguments. `command` is the name in capitals.
pub(super) fn parse<'a>(
    cx: &Cx<'_, '_>,
    argv: &[&'a [u8]],
    command: &'static str,
) -> Result<Reading<'a>, Error> {
    let of_group = command == "XREADGROUP";
    let (mut block, mut count, mut group, mut no_ack, mut keys) = (None, None, None, false, None);
    let mut at = 1;
    while at < argv.len() {
        let (word, more) = (argv[at], &argv[at + 1..]);
        match *more {
            [ms, ..] if is(word, "BLOCK") => {
                block = Some(timeout_of_ms(ms, cx.keys.now_ms(), cx.options.profile)?);
                at += 2;
            }
            [number, ..] if is(word, "COUNT") => {
                count = Some(int(number)?.max(0) as usize).filter(|count| *count > 0);
                at += 2;
            }
            [_, ..] if is(word, "STREAMS") => {
                if more.len() % 2 == 1 {
                    return Err(unbalanced(cx, command));
                }
                keys = Some(at + 1..at + 1 + more.len() / 2);
                break;
            }
            [name, consumer, ..] if is(word, "GROUP") => {
                if !of_group {
                    return Err(only_for_groups("GROUP"));
                }
                group = Some((name, consumer));
                at += 3;
            }
            _ if is(word, "NOACK") => {
                if !of_group {
                    return Err(only_for_groups("NOACK"));
                }
                no_ack = true;
                at += 1;
            }
            _ => return Err(Error::Syntax),
        }
    }
    let keys = keys.ok_or(Error::Syntax)?;
    if of_group && group.is_none() {
        return Err(Error::text("ERR Missing GROUP option for XREADGROUP"));
    }
    Ok(Reading { block, count, group, no_ack, keys })
}

fn unbalanced(cx: &Cx<'_, '_>, command: &'static str) -> Error {
    let (name, symbol) = match (cx.options.profile.has("7.2.0"), command) {
        (true, "XREADGROUP") => ("xreadgroup", '>'),
        (true, _) => ("xread", '$'),
        (false, _) => ("XREAD", '$'),
    };
    let quote = if cx.options.profile.has("7.2.0") { "'" } else { "" };
    Error::Other(
        format!(
            "ERR Unbalanced {quote}{name}{quote} list of streams: for each stream key an ID or '{symbol}' must be \
             specified."
        )
        .into(),
    )
}

fn only_for_groups(option: &str) -> Error {
    let text = format!("ERR The {option} option is only supported by XREADGROUP. You called XREAD instead.");
    Error::Other(text.into())
}

impl Reading<'_> {
    /// Where the ID of the key at this place stands.
    pub(super) fn id_at(&self, key_at: usize) -> usize {
        key_at + self.keys.len()
    }

    /// How many entries of a stream at most.
    pub(super) fn most(&self, cx: &Cx<'_, '_>) -> usize {
        match self.count {
            Some(count) => count,
            None if is_served_late(cx) => AFTER_WAIT,
            None => usize::MAX,
        }
    }

    /// The keys to look at, by their places: all, or in Redis 7.0 after a wait the one that became ready.
    pub(super) fn places(&self, cx: &Cx<'_, '_>, argv: &[&[u8]]) -> Range<usize> {
        let ready = cx.ready.filter(|_| is_served_late(cx));
        let at = ready.and_then(|ready| self.keys.clone().find(|at| argv[*at] == ready));
        at.map_or(self.keys.clone(), |at| at..at + 1)
    }

    /// The end of a command that has nothing to return.
    pub(super) fn wait(
        &self,
        cx: &mut Cx<'_, '_>,
        arguments: Vec<(usize, Vec<u8>)>,
    ) -> Result<Option<Block>, Error> {
        if let Some(timeout_ms) = self.block
            && cx.may_block
        {
            return Ok(Some(Block { keys: self.keys.clone(), timeout_ms, null: false, arguments }));
        }
        cx.out.null_array();
        Ok(None)
    }
}

/// Writes the head of the reply for one key.
pub(super) fn begin_key(out: &mut Writer<'_>, key: &[u8]) {
    if out.proto() == Proto::Resp2 {
        out.array(2);
    }
    out.bulk(key);
}

/// Ends a reply of so many keys.
pub(super) fn finish(out: &mut Writer<'_>, head: Deferred, keys: usize) {
    match out.proto() {
        Proto::Resp2 => out.finish_array(head, keys),
        Proto::Resp3 => out.finish_map(head, keys),
    }
}

/// Whether the server is Redis 7.0 and its client has waited: some things are different then.
pub(super) fn is_served_late(cx: &Cx<'_, '_>) -> bool {
    cx.ready.is_some() && !cx.options.profile.has("7.2.0")
}

/// The ID that tells whether there is anything to read: the last entry's. Redis 7.0 goes by the last ID after a wait, though its
/// entry may be gone.
pub(super) fn newest(stream: &Stream, is_late: bool) -> Option<StreamId> {
    if is_late { Some(stream.last_id()) } else { stream.last_entry_id() }
}

/// The ID before the last one, so that the last entry is read.
fn before_last(last: Option<StreamId>, profile: Profile) -> Result<StreamId, Error> {
    match last.map(StreamId::prev) {
        Some(Some(before)) => Ok(before),
        Some(None) if !profile.has("9.1.0") => Err(Error::text("ERR the stream last element ID is 0-0")),
        Some(None) | None => Ok(StreamId::MIN),
    }
}

pub(super) fn xread(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<Option<Block>, Error> {
    let reading = parse(cx, argv, "XREAD")?;
    let mut after = Vec::with_capacity(reading.keys.len());
    let mut arguments = Vec::new();
    for at in reading.keys.clone() {
        let id_at = reading.id_at(at);
        let profile = cx.options.profile;
        let last = read(&mut cx.keys, argv[at])?.map(Stream::last_id);
        after.push(match argv[id_at] {
            b"$" => {
                // What it stands for must stay the same while the client waits.
                let last = last.unwrap_or(StreamId::MIN);
                arguments.push((id_at, reply::IdText::new(last).as_bytes().to_vec()));
                last
            }
            b"+" if profile.has("8.0.0") => before_last(last, profile)?,
            b">" => {
                return Err(Error::text(
                    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> \
                     option.",
                ));
            }
            arg => ids::id(arg)?,
        });
    }
    let (most, effort, is_late) = (reading.most(cx), cx.effort, is_served_late(cx));
    let head = cx.out.deferred();
    let mut served = 0;
    for at in reading.places(cx, argv) {
        let Some(stream) = read(&mut cx.keys, argv[at])? else { continue };
        let after = after[at - reading.keys.start];
        let Some(start) = after.next().filter(|start| newest(stream, is_late) >= Some(*start)) else {
            continue;
        };
        effort.writes_entries(stream, start, StreamId::MAX, most)?;
        begin_key(&mut cx.out, argv[at]);
        reply::entries(&mut cx.out, stream.range(start, StreamId::MAX).take(most));
        served += 1;
    }
    if served == 0 {
        return reading.wait(cx, arguments);
    }
    finish(&mut cx.out, head, served);
    Ok(None)
}
