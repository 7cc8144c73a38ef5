//! SETNX

use command_spec::*;
use commands::{Cx, Error};
use keyspace::{EventClass, Ttl};

/// `SETNX`
pub(super) const SETNX: Spec = Spec {
    name: "setnx",
    summary: "Sets the string value of a key, only if the key is not there.",
    since: "1.0.0",
    deprecated: Some(("2.6.12", "SET with NX")),
    group: Group::String,
    arity: 3,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::OW.union(KeyFlags::INSERT))],
    args: &[Arg::key("key"), Arg::string("value")],
    reply: Shape::YES_OR_NO,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn setnx(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let absent = cx.keys.lookup_to_write(argv[1]).is_none();
    if absent {
        cx.keys.put_string(argv[1], argv[2], Ttl::Clear);
        cx.changed(argv[1], EventClass::STRING, "set");
    }
    cx.out.int(i64::from(absent));
    Ok(())
}
