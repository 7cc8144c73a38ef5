//! HMGET

use super::read;
use command_spec::*;
use commands::container::reply_item;
use commands::{Cx, Error};

/// `HMGET`
pub(super) const HMGET: Spec = Spec {
    name: "hmget",
    summary: "Returns the values of several fields, null for those that are not there.",
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(N), N being the number of fields",
    arity: -3,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key"), Arg::string("field").multiple()],
    reply: Shape::Array(&Shape::BULK_OR_NULL),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hmget(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let hash = read(&mut cx.keys, argv[1])?;
    let fields = &argv[2..];
    cx.out.array(fields.len());
    cx.out.each(fields, |out, field| match hash.and_then(|hash| hash.get(field)) {
        Some(value) => reply_item(out, value),
        None => out.null(),
    });
    Ok(())
}
