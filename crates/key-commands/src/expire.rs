//! EXPIRE, PEXPIRE, EXPIREAT and PEXPIREAT
//!
//! All are replicated as PEXPIREAT with the time itself and their conditions; a time that has passed deletes the key,
//! and is replicated as the deletion.

use command_spec::*;
use commands::args::int;
use commands::when::{Conditions, Unit};
use commands::{Cx, Error};
use keyspace::EventClass;

/// `EXPIRE`
pub(super) const EXPIRE: Spec = Spec {
    name: "expire",
    summary: "Makes a key expire after some seconds.",
    since: "1.0.0",
    group: Group::Generic,
    arity: -3,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::integer("seconds"),
        Arg::one_of(
            "condition",
            &[Arg::word("nx", "NX"), Arg::word("xx", "XX"), Arg::word("gt", "GT"), Arg::word("lt", "LT")],
        )
        .optional()
        .since("7.0.0"),
    ],
    reply: Shape::YES_OR_NO,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn expire(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    expire_in(cx, argv, Unit::SECONDS, "expire")
}

/// `PEXPIRE`
pub(super) const PEXPIRE: Spec = Spec {
    name: "pexpire",
    summary: "Makes a key expire after some milliseconds.",
    since: "2.6.0",
    args: &[
        Arg::key("key"),
        Arg::integer("milliseconds"),
        Arg::one_of(
            "condition",
            &[Arg::word("nx", "NX"), Arg::word("xx", "XX"), Arg::word("gt", "GT"), Arg::word("lt", "LT")],
        )
        .optional()
        .since("7.0.0"),
    ],
    ..EXPIRE
};

pub(super) fn pexpire(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    expire_in(cx, argv, Unit::MILLISECONDS, "pexpire")
}

/// `EXPIREAT`
pub(super) const EXPIREAT: Spec = Spec {
    name: "expireat",
    summary: "Makes a key expire at a Unix time in seconds.",
    since: "1.2.0",
    args: &[
        Arg::key("key"),
        Arg::new("unix-time-seconds", ArgKind::UnixTime),
        Arg::one_of(
            "condition",
            &[Arg::word("nx", "NX"), Arg::word("xx", "XX"), Arg::word("gt", "GT"), Arg::word("lt", "LT")],
        )
        .optional()
        .since("7.0.0"),
    ],
    ..EXPIRE
};

pub(super) fn expireat(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    expire_in(cx, argv, Unit::UNIX_SECONDS, "expireat")
}

/// `PEXPIREAT`
pub(super) const PEXPIREAT: Spec = Spec {
    name: "pexpireat",
    summary: "Makes a key expire at a Unix time in milliseconds.",
    since: "2.6.0",
    args: &[
        Arg::key("key"),
        Arg::new("unix-time-milliseconds", ArgKind::UnixTime),
        Arg::one_of(
            "condition",
            &[Arg::word("nx", "NX"), Arg::word("xx", "XX"), Arg::word("gt", "GT"), Arg::word("lt", "LT")],
        )
        .optional()
        .since("7.0.0"),
    ],
    ..EXPIRE
};

pub(super) fn pexpireat(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    expire_in(cx, argv, Unit::UNIX_MILLISECONDS, "pexpireat")
}

fn expire_in(cx: &mut Cx<'_, '_>, argv: &[&[u8]], unit: Unit, command: &'static str) -> Result<(), Error> {
    let key = argv[1];
    let conditions = Conditions::parse(&argv[3..])?;
    let now_ms = cx.keys.now_ms();
    let at_ms = unit.unix_ms(int(argv[2])?, now_ms).ok_or(Error::InvalidExpire(command))?;
    let old = cx.keys.lookup_to_write(key).map(|entry| entry.expire_at());
    let holds = old.is_some_and(|old| conditions.hold(old, at_ms));
    cx.out.int(i64::from(holds));
    if !holds {
        return Ok(());
    }
    if at_ms <= now_ms as i64 && cx.is_primary() {
        cx.delete_expired(key);
        return Ok(());
    }
    cx.keys.set_expire(key, Some(at_ms.max(0) as u64));
    cx.changed(key, EventClass::GENERIC, "expire");
    let mut at = itoa::Buffer::new();
    // A PEXPIREAT needs no other name, and keeps its own.
    let name = if command == "pexpireat" { argv[0] } else { b"PEXPIREAT" };
    let head = [name, key, at.format(at_ms).as_bytes()];
    cx.replicate(&[&head, &argv[3..]].concat());
    Ok(())
}
