//! INCR, DECR, INCRBY and DECRBY

use super::integer;
use command_spec::*;
use commands::args::int;
use commands::{Cx, Error};
use keyspace::EventClass;
use structures::Value;

/// `INCR`
pub(super) const INCR: Spec = Spec {
    name: "incr",
    summary: "Adds one to the integer at a key. A key that is not there counts as 0.",
    since: "1.0.0",
    group: Group::String,
    arity: 2,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))],
    args: &[Arg::key("key")],
    reply: Shape::Integer,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn incr(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    add(cx, argv[1], 1)
}

/// `DECR`
pub(super) const DECR: Spec = Spec {
    name: "decr",
    summary: "Takes one from the integer at a key. A key that is not there counts as 0.",
    ..INCR
};

pub(super) fn decr(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    add(cx, argv[1], -1)
}

/// `INCRBY`
pub(super) const INCRBY: Spec = Spec {
    name: "incrby",
    summary: "Adds a number to the integer at a key. A key that is not there counts as 0.",
    arity: 3,
    args: &[Arg::key("key"), Arg::integer("increment")],
    ..INCR
};

pub(super) fn incrby(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    add(cx, argv[1], int(argv[2])?)
}

/// `DECRBY`
pub(super) const DECRBY: Spec = Spec {
    name: "decrby",
    summary: "Takes a number from the integer at a key. A key that is not there counts as 0.",
    arity: 3,
    args: &[Arg::key("key"), Arg::integer("decrement")],
    ..INCR
};

pub(super) fn decrby(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let amount = int(argv[2])?.checked_neg().ok_or(Error::DecrementOverflow)?;
    add(cx, argv[1], amount)
}

fn add(cx: &mut Cx<'_, '_>, key: &[u8], amount: i64) -> Result<(), Error> {
    let sum = if let Some(mut edit) = cx.keys.edit(key) {
        let sum = integer(edit.value())?.checked_add(amount).ok_or(Error::Overflow)?;
        edit.set_int(sum);
        sum
    } else {
        cx.keys.insert(key, Value::Int(amount), None);
        amount
    };
    cx.changed(key, EventClass::STRING, "incrby");
    cx.out.int(sum);
    Ok(())
}
