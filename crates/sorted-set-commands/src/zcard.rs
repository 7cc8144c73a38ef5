//! ZCARD

use super::read;
use command_spec::*;
use commands::{Cx, Error};
use structures::SortedSet;

/// `ZCARD`
pub(super) const ZCARD: Spec = Spec {
    name: "zcard",
    summary: "Returns the number of members of a sorted set.",
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(1)",
    arity: 2,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    args: &[Arg::key("key")],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn zcard(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let len = read(&mut cx.keys, argv[1])?.map_or(0, SortedSet::len);
    cx.out.int(len as i64);
    Ok(())
}
