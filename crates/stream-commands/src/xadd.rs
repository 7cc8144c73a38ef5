//! XADD

use super::reply::IdText;
use super::{ids, trimming};
use command_spec::*;
use commands::{Cx, Error};
use keyspace::EventClass;
use structures::stream::NotAdded;
use structures::{Stream, StreamId, Value};
use table::ValueMut;

/// `XADD`
pub(super) const XADD: Spec = Spec {
    name: "xadd",
    summary: "Adds an entry to a stream, which is created if needed, and trims it.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(1), with trimming O(N), N being the number of entries that go",
    arity: -5,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST),
    categories: Categories::STREAM,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::word("nomkstream", "NOMKSTREAM").optional().since("6.2.0"),
        Arg::block("trim", trimming::ARGS).optional(),
        Arg::one_of("id-selector", &[Arg::word("auto-id", "*"), Arg::string("id")]),
        Arg::block("data", &[Arg::string("field"), Arg::string("value")]).multiple(),
    ],
    reply: Shape::BULK_OR_NULL,
    need: Need::Keys,
    ..Spec::BASE
};

const EXHAUSTED: Error =
    Error::text("ERR The stream has exhausted the last possible ID, unable to add more items");
const NOT_GREATER: Error =
    Error::text("ERR The ID specified in XADD is equal or smaller than the target stream top item");
const TOO_LARGE: Error = Error::text("ERR Elements are too large to be stored");

/// The ID that an entry is to have.
#[derive(Debug, Clone, Copy)]
enum Wanted {
    /// `*`
    Next,
    /// `ms-*`
    NextOf(u64),
    /// `ms-seq`
    Exactly(StreamId),
}

impl Wanted {
    fn parse(arg: &[u8]) -> Result<Wanted, Error> {
        if arg == b"*" {
            return Ok(Wanted::Next);
        }
        match ids::id_or_part(arg)? {
            (StreamId::MIN, true) => {
                Err(Error::text("ERR The ID specified in XADD must be greater than 0-0"))
            }
            (id, true) => Ok(Wanted::Exactly(id)),
            (id, false) => Ok(Wanted::NextOf(id.ms)),
        }
    }

    /// The ID of an entry behind this one, unless it would not be greater.
    fn after(self, last: StreamId, now_ms: u64) -> Option<StreamId> {
        match self {
            Wanted::Next if now_ms > last.ms => Some(StreamId::new(now_ms, 0)),
            Wanted::Next => last.next(),
            Wanted::NextOf(ms) if ms == last.ms => Some(StreamId::new(ms, last.seq.checked_add(1)?)),
            Wanted::NextOf(ms) => Some(StreamId::new(ms, 0)),
            Wanted::Exactly(id) => Some(id),
        }
    }
}

pub(super) fn xadd(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let key = argv[1];
    let options = trimming::parse(cx, argv, true)?;
    let fields = argv.get(options.id_at + 1..).unwrap_or_default();
    if fields.is_empty() || fields.len() % 2 == 1 {
        return Err(Error::Arity("xadd".into()));
    }
    let wanted = Wanted::parse(argv[options.id_at])?;
    let (limits, effort, now_ms) = (&cx.options.limits, cx.effort, cx.keys.now_ms());
    let replicating = cx.keys.effects().replicating;
    let sent = |stream: &Stream, id| {
        let id = (!matches!(wanted, Wanted::Exactly(_))).then_some(id);
        replicating.then(|| options.exact(argv, stream, id))
    };
    let (id, trimmed, sent) = if let Some(mut edit) = cx.keys.edit(key) {
        let ValueMut::Stream(stream) = edit.value_mut() else { return Err(Error::WrongType) };
        if stream.last_id() == StreamId::MAX {
            return Err(EXHAUSTED);
        }
        let id = wanted.after(stream.last_id(), now_ms).ok_or(NOT_GREATER)?;
        if let Some(trim) = &options.trim {
            effort.visits(stream.nodes_to_trim(trim))?;
        }
        add(stream, id, fields, limits)?;
        let trimmed = options.trim.map_or(0, |trim| stream.trim(&trim));
        (id, trimmed, sent(stream, id))
    } else if options.no_mkstream {
        cx.out.null();
        return Ok(());
    } else {
        let mut stream = Box::new(Stream::new());
        let id = wanted.after(StreamId::MIN, now_ms).ok_or(NOT_GREATER)?;
        add(&mut stream, id, fields, limits)?;
        let trimmed = options.trim.map_or(0, |trim| stream.trim(&trim));
        let sent = sent(&stream, id);
        cx.keys.insert(key, Value::Stream(stream), None);
        (id, trimmed, sent)
    };
    cx.changed(key, EventClass::STREAM, "xadd");
    if trimmed > 0 {
        cx.keys.event(key, EventClass::STREAM, "xtrim");
    }
    if let Some(sent) = sent {
        let sent: Vec<&[u8]> = sent.iter().map(|arg| &**arg).collect();
        cx.replicate(&sent);
    }
    cx.keys.ready(key);
    cx.out.bulk(IdText::new(id).as_bytes());
    Ok(())
}

fn add(
    stream: &mut Stream,
    id: StreamId,
    fields: &[&[u8]],
    limits: &structures::Limits,
) -> Result<(), Error> {
    stream.add(id, fields, limits).map_err(|why| match why {
        NotAdded::NotGreater => NOT_GREATER,
        NotAdded::TooLarge => TOO_LARGE,
    })
}
