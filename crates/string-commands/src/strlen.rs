//! STRLEN

use super::string_len;
use command_spec::*;
use commands::{Cx, Error};

/// `STRLEN`
pub(super) const STRLEN: Spec = Spec {
    name: "strlen",
    summary: "Returns the length of the string at a key, 0 if the key is not there.",
    since: "2.2.0",
    group: Group::String,
    arity: 2,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    args: &[Arg::key("key")],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn strlen(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let len = cx.keys.lookup(argv[1]).map_or(Ok(0), |entry| string_len(entry.value()))?;
    cx.out.int(len as i64);
    Ok(())
}
