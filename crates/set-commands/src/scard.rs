//! SCARD

use super::read;
use command_spec::*;
use commands::{Cx, Error};
use structures::Set;

/// `SCARD`
pub(super) const SCARD: Spec = Spec {
    name: "scard",
    summary: "Returns the number of members of a set.",
    since: "1.0.0",
    group: Group::Set,
    arity: 2,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::SET,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    args: &[Arg::key("key")],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn scard(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let len = read(&mut cx.keys, argv[1])?.map_or(0, Set::len);
    cx.out.int(len as i64);
    Ok(())
}
