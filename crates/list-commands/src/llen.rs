//! LLEN

use super::read;
use command_spec::*;
use commands::{Cx, Error};
use structures::List;

/// `LLEN`
pub(super) const LLEN: Spec = Spec {
    name: "llen",
    summary: "Returns the number of elements of a list.",
    since: "1.0.0",
    group: Group::List,
    arity: 2,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    args: &[Arg::key("key")],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn llen(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let len = read(&mut cx.keys, argv[1])?.map_or(0, List::len);
    cx.out.int(len as i64);
    Ok(())
}
