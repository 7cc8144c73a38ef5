//! GET

use command_spec::*;
use commands::{Cx, Error};

/// `GET`
pub(super) const GET: Spec = Spec {
    name: "get",
    summary: "Returns the string value of a key.",
    since: "1.0.0",
    group: Group::String,
    arity: 2,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key")],
    reply: Shape::BULK_OR_NULL,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn get(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    super::reply_key(cx, argv[1])
}
