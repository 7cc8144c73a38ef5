//! SMEMBERS

use super::read;
use command_spec::*;
use commands::container::reply_item;
use commands::{Cx, Error};

/// `SMEMBERS`
pub(super) const SMEMBERS: Spec = Spec {
    name: "smembers",
    summary: "Returns all members of a set.",
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N), N being the number of members",
    arity: 2,
    flags: Flags::READONLY,
    categories: Categories::SET,
    tips: &["nondeterministic_output_order"],
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key")],
    reply: Shape::Set(&Shape::Bulk),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn smembers(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let effort = cx.effort;
    let Some(set) = read(&mut cx.keys, argv[1])? else {
        cx.out.set(0);
        return Ok(());
    };
    effort.visits(set.len())?;
    cx.out.set(set.len());
    cx.out.each(set, reply_item);
    Ok(())
}
