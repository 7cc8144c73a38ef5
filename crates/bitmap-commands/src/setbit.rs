//! SETBIT

use super::{offset, write};
use command_spec::*;
use commands::args::int;
use commands::{Cx, Error};
use keyspace::EventClass;

/// `SETBIT`
pub(super) const SETBIT: Spec = Spec {
    name: "setbit",
    summary: "Sets or clears one bit of the string at a key, and returns what it was before.",
    since: "2.2.0",
    group: Group::Bitmap,
    arity: 4,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::BITMAP,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))],
    args: &[Arg::key("key"), Arg::integer("offset"), Arg::integer("value")],
    reply: Shape::YES_OR_NO,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn setbit(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (key, at) = (argv[1], offset(cx, argv[2])?);
    let bit = match int(argv[3]) {
        Ok(0) => false,
        Ok(1) => true,
        _ => return Err(Error::text("ERR bit is not an integer or out of range")),
    };
    let (before, has_grown) = write(cx, key, at, |bytes, has_grown| {
        let mask = 0x80 >> (at % 8);
        let byte = &mut bytes[at / 8];
        let before = *byte & mask != 0;
        *byte = if bit { *byte | mask } else { *byte & !mask };
        (before, has_grown)
    })?;
    if has_grown || before != bit {
        cx.changed(key, EventClass::STRING, "setbit");
    }
    cx.out.int(i64::from(before));
    Ok(())
}
