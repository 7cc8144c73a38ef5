//! XRANGE and XREVRANGE

use super::{ids, read, reply};
use command_spec::*;
use commands::args::{int, is};
use commands::{Cx, Error};
use structures::StreamId;

/// `XRANGE`
pub(super) const XRANGE: Spec = Spec {
    name: "xrange",
    summary: "Returns the entries between two IDs, the first ones first.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N), N being the number of entries returned",
    arity: -4,
    flags: Flags::READONLY,
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::string("start"),
        Arg::string("end"),
        Arg::integer("count").token("COUNT").optional(),
    ],
    reply: Shape::OneOf(&[reply::ENTRIES, Shape::NullArray]),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn xrange(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    range(cx, argv, false)
}

/// `XREVRANGE`
pub(super) const XREVRANGE: Spec = Spec {
    name: "xrevrange",
    summary: "Returns the entries between two IDs, the last ones first.",
    args: &[
        Arg::key("key"),
        Arg::string("end"),
        Arg::string("start"),
        Arg::integer("count").token("COUNT").optional(),
    ],
    ..XRANGE
};

pub(super) fn xrevrange(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    range(cx, argv, true)
}

/// The ends, and how many entries at most.
fn parse(argv: &[&[u8]], backwards: bool) -> Result<(StreamId, StreamId, usize), Error> {
    let (start, end) = if backwards { (argv[3], argv[2]) } else { (argv[2], argv[3]) };
    let (start, end) = (ids::start(start)?, ids::end(end)?);
    let mut count = usize::MAX;
    let mut rest = &argv[4..];
    while let [word, value, after @ ..] = rest {
        if !is(word, "COUNT") {
            return Err(Error::Syntax);
        }
        count = int(value)?.max(0) as usize;
        rest = after;
    }
    if rest.is_empty() { Ok((start, end, count)) } else { Err(Error::Syntax) }
}

fn range(cx: &mut Cx<'_, '_>, argv: &[&[u8]], backwards: bool) -> Result<(), Error> {
    let (start, end, count) = parse(argv, backwards)?;
    let effort = cx.effort;
    let Some(stream) = read(&mut cx.keys, argv[1])? else {
        cx.out.array(0);
        return Ok(());
    };
    if count == 0 {
        cx.out.null_array();
        return Ok(());
    }
    effort.writes_entries(stream, start, end, count)?;
    if backwards {
        reply::entries(&mut cx.out, stream.range_back(start, end).take(count));
    } else {
        reply::entries(&mut cx.out, stream.range(start, end).take(count));
    }
    Ok(())
}
