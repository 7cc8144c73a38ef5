//! GETDEL

use command_spec::*;
use commands::{Cx, Error};
use keyspace::EventClass;

/// `GETDEL`
pub(super) const GETDEL: Spec = Spec {
    name: "getdel",
    summary: "Returns the string value of a key and deletes the key.",
    since: "6.2.0",
    group: Group::String,
    arity: 2,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))],
    args: &[Arg::key("key")],
    reply: Shape::BULK_OR_NULL,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn getdel(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    super::reply_key(cx, argv[1])?;
    if let Some(entry) = cx.keys.remove(argv[1]) {
        cx.keys.free(entry, false);
        cx.changed(argv[1], EventClass::GENERIC, "del");
        cx.replicate(&[b"DEL", argv[1]]);
    }
    Ok(())
}
