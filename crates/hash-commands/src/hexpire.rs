//! HEXPIRE, HPEXPIRE, HEXPIREAT and HPEXPIREAT
//!
//! All are replicated as HPEXPIREAT with the time itself, or, where a field has expired that a replica may still have, for the fields
//! that got it; a time that has passed deletes fields, and is replicated as HDEL.

use super::fields::{Change, FIELDS, counted, find_fields, some_expired};
use command_spec::*;
use commands::args::int;
use commands::when::{Conditions, Unit};
use commands::{Cx, Error};

const CONDITION: Arg = Arg::one_of(
    "condition",
    &[Arg::word("nx", "NX"), Arg::word("xx", "XX"), Arg::word("gt", "GT"), Arg::word("lt", "LT")],
)
.optional();

/// `HEXPIRE`
pub(super) const HEXPIRE: Spec = Spec {
    name: "hexpire",
    summary: "Makes fields of a hash expire after some seconds.",
    since: "9.0.0",
    group: Group::Hash,
    complexity: "O(N), N being the number of fields",
    arity: -6,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    args: &[Arg::key("key"), Arg::integer("seconds"), CONDITION, FIELDS],
    reply: Shape::Array(&Shape::Among(&[-2, 0, 1, 2])),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hexpire(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    expire_in(cx, argv, Unit::SECONDS, "hexpire")
}

/// `HPEXPIRE`
pub(super) const HPEXPIRE: Spec = Spec {
    name: "hpexpire",
    summary: "Makes fields of a hash expire after some milliseconds.",
    args: &[Arg::key("key"), Arg::integer("milliseconds"), CONDITION, FIELDS],
    ..HEXPIRE
};

pub(super) fn hpexpire(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    expire_in(cx, argv, Unit::MILLISECONDS, "hpexpire")
}

/// `HEXPIREAT`
pub(super) const HEXPIREAT: Spec = Spec {
    name: "hexpireat",
    summary: "Makes fields of a hash expire at a Unix time in seconds.",
    args: &[Arg::key("key"), Arg::integer("unix-time-seconds"), CONDITION, FIELDS],
    ..HEXPIRE
};

pub(super) fn hexpireat(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    expire_in(cx, argv, Unit::UNIX_SECONDS, "hexpireat")
}

/// `HPEXPIREAT`
pub(super) const HPEXPIREAT: Spec = Spec {
    name: "hpexpireat",
    summary: "Makes fields of a hash expire at a Unix time in milliseconds.",
    args: &[Arg::key("key"), Arg::integer("unix-time-milliseconds"), CONDITION, FIELDS],
    ..HEXPIRE
};

pub(super) fn hpexpireat(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    expire_in(cx, argv, Unit::UNIX_MILLISECONDS, "hpexpireat")
}

const NO_FIELD: i64 = -2;
const NOT_MET: i64 = 0;
const SET: i64 = 1;
const DELETED: i64 = 2;

fn expire_in(cx: &mut Cx<'_, '_>, argv: &[&[u8]], unit: Unit, command: &'static str) -> Result<(), Error> {
    let key = argv[1];
    let words = find_fields(argv, 3)?;
    let conditions = Conditions::parse(&argv[3..words])?;
    let fields = counted(argv, words + 1, 1)?;
    let now_ms = cx.keys.now_ms();
    let at_ms = unit.field_expiry(int(argv[2])?, now_ms, command)?;
    let change = Change::at(at_ms, now_ms, cx.is_primary());
    // Valkey 9.0 deletes whatever the condition.
    let is_bound = change != Change::Passed || cx.options.profile.has("9.1.0");
    let some_expired = some_expired(cx, key, fields);
    let wanted = |old| !is_bound || conditions.hold(old, at_ms as i64);
    let mut answers = Vec::with_capacity(fields.len());
    let changed = change.apply(cx, key, fields, wanted, |found, is_changed| {
        answers.push(match (found, is_changed) {
            (None, _) => NO_FIELD,
            (Some(_), false) => NOT_MET,
            (Some(_), true) if change == Change::Passed => DELETED,
            (Some(_), true) => SET,
        });
    })?;
    cx.out.array(answers.len());
    cx.out.each(answers, |out, answer| out.int(answer));
    match change {
        Change::At(at_ms) if !changed.is_empty() && !some_expired => {
            let mut at = itoa::Buffer::new();
            let name = if command == "hpexpireat" { argv[0] } else { b"HPEXPIREAT" };
            let head: [&[u8]; 3] = [name, key, at.format(at_ms).as_bytes()];
            cx.replicate(&[&head, &argv[3..]].concat());
        }
        _ => change.replicate(cx, key, &changed),
    }
    Ok(())
}
