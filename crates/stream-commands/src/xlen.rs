//! XLEN

use super::read;
use command_spec::*;
use commands::{Cx, Error};
use structures::Stream;

/// `XLEN`
pub(super) const XLEN: Spec = Spec {
    name: "xlen",
    summary: "Returns the number of entries of a stream.",
    since: "5.0.0",
    group: Group::Stream,
    arity: 2,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    args: &[Arg::key("key")],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn xlen(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let len = read(&mut cx.keys, argv[1])?.map_or(0, Stream::len);
    cx.out.int(len as i64);
    Ok(())
}
