//! HGET

use super::read;
use command_spec::*;
use commands::container::reply_item;
use commands::{Cx, Error};

/// `HGET`
pub(super) const HGET: Spec = Spec {
    name: "hget",
    summary: "Returns the value of a field.",
    since: "2.0.0",
    group: Group::Hash,
    arity: 3,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key"), Arg::string("field")],
    reply: Shape::BULK_OR_NULL,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hget(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    match read(&mut cx.keys, argv[1])?.and_then(|hash| hash.get(argv[2])) {
        Some(value) => reply_item(&mut cx.out, value),
        None => cx.out.null(),
    }
    Ok(())
}
