//! SISMEMBER and SMISMEMBER

use super::read;
use command_spec::*;
use commands::{Cx, Error};

/// `SISMEMBER`
pub(super) const SISMEMBER: Spec = Spec {
    name: "sismember",
    summary: "Tells whether a member is there.",
    since: "1.0.0",
    group: Group::Set,
    arity: 3,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::SET,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    args: &[Arg::key("key"), Arg::string("member")],
    reply: Shape::YES_OR_NO,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn sismember(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let is_member = read(&mut cx.keys, argv[1])?.is_some_and(|set| set.contains(argv[2]));
    cx.out.int(i64::from(is_member));
    Ok(())
}

/// `SMISMEMBER`
pub(super) const SMISMEMBER: Spec = Spec {
    name: "smismember",
    summary: "Tells of each of several members whether it is there.",
    since: "6.2.0",
    complexity: "O(N), N being the number of members asked for",
    arity: -3,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key"), Arg::string("member").multiple()],
    reply: Shape::Array(&Shape::YES_OR_NO),
    ..SISMEMBER
};

pub(super) fn smismember(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let set = read(&mut cx.keys, argv[1])?;
    let members = &argv[2..];
    cx.out.array(members.len());
    cx.out.each(members, |out, member| out.int(i64::from(set.is_some_and(|set| set.contains(member)))));
    Ok(())
}
