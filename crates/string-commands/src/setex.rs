//! SETEX and PSETEX

use command_spec::*;
use commands::args::int;
use commands::when::Unit;
use commands::{Cx, Error};

/// `SETEX`
pub(super) const SETEX: Spec = Spec {
    name: "setex",
    summary: "Sets the string value of a key that expires after some seconds.",
    since: "2.0.0",
    deprecated: Some(("2.6.12", "SET with EX")),
    group: Group::String,
    arity: 4,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE))],
    args: &[Arg::key("key"), Arg::integer("seconds"), Arg::string("value")],
    reply: Shape::OK,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn setex(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    set_for(cx, argv, Unit::SECONDS, "setex")
}

/// `PSETEX`
pub(super) const PSETEX: Spec = Spec {
    name: "psetex",
    summary: "Sets the string value of a key that expires after some milliseconds.",
    since: "2.6.0",
    deprecated: Some(("2.6.12", "SET with PX")),
    args: &[Arg::key("key"), Arg::integer("milliseconds"), Arg::string("value")],
    ..SETEX
};

pub(super) fn psetex(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    set_for(cx, argv, Unit::MILLISECONDS, "psetex")
}

fn set_for(cx: &mut Cx<'_, '_>, argv: &[&[u8]], unit: Unit, command: &'static str) -> Result<(), Error> {
    let at_ms = unit.expiry(int(argv[2])?, cx.keys.now_ms(), command)?;
    super::set::put_until(cx, b"SET", argv[1], argv[3], at_ms);
    cx.out.ok();
    Ok(())
}
