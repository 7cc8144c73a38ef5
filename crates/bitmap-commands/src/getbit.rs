//! GETBIT

use super::offset;
use command_spec::*;
use commands::{Cx, Error};
use number::IntBuffer;
use string_commands::string_bytes;

/// `GETBIT`
pub(super) const GETBIT: Spec = Spec {
    name: "getbit",
    summary: "Returns one bit of the string at a key, 0 beyond its end.",
    since: "2.2.0",
    group: Group::Bitmap,
    arity: 3,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::BITMAP,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key"), Arg::integer("offset")],
    reply: Shape::YES_OR_NO,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn getbit(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let at = offset(cx, argv[2])?;
    let mut buffer = IntBuffer::new();
    let bytes = match cx.keys.lookup(argv[1]) {
        Some(entry) => string_bytes(entry.value(), &mut buffer)?,
        None => b"",
    };
    let bit = bytes.get(at / 8).is_some_and(|byte| byte & (0x80 >> (at % 8)) != 0);
    cx.out.int(i64::from(bit));
    Ok(())
}
