//! GETSET

use command_spec::*;
use commands::{Cx, Error};
use keyspace::{EventClass, Ttl};

/// `GETSET`
pub(super) const GETSET: Spec = Spec {
    name: "getset",
    summary: "Sets the string value of a key and returns the one before.",
    since: "1.0.0",
    deprecated: Some(("6.2.0", "SET with GET")),
    group: Group::String,
    arity: 3,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))],
    args: &[Arg::key("key"), Arg::string("value")],
    reply: Shape::BULK_OR_NULL,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn getset(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    super::reply_key(cx, argv[1])?;
    cx.keys.put_string(argv[1], argv[2], Ttl::Clear);
    cx.changed(argv[1], EventClass::STRING, "set");
    cx.replicate(&[b"SET", argv[1], argv[2]]);
    Ok(())
}
