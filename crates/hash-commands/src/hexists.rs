//! HEXISTS

use super::read;
use command_spec::*;
use commands::{Cx, Error};

/// `HEXISTS`
pub(super) const HEXISTS: Spec = Spec {
    name: "hexists",
    summary: "Tells whether a field is there.",
    since: "2.0.0",
    group: Group::Hash,
    arity: 3,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    args: &[Arg::key("key"), Arg::string("field")],
    reply: Shape::YES_OR_NO,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hexists(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let is_there = read(&mut cx.keys, argv[1])?.is_some_and(|hash| hash.contains(argv[2]));
    cx.out.int(i64::from(is_there));
    Ok(())
}
