//! SET

use super::reply_key;
use crate::args::{int, is};
use crate::{Cx, Error};
use command_spec::*;
use keyspace::{EventClass, Ttl};

/// `SET`
pub const SET: Spec = Spec {
    name: "set",
    summary: "Sets the string value of a key, whatever it held before. The key is created if it is not there.",
    since: "1.0.0",
    group: Group::String,
    arity: -3,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::STRING,
    keys: &[KeySpec::one(
        1,
        KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE).union(KeyFlags::VARIABLE_FLAGS),
    )],
    args: &[
        Arg::key("key"),
        Arg::string("value"),
        Arg::one_of(
            "condition",
            &[Arg::word("nx", "NX").since("2.6.12"), Arg::word("xx", "XX").since("2.6.12")],
        )
        .optional(),
        Arg::word("get", "GET").optional().since("6.2.0"),
        Arg::one_of(
            "expiration",
            &[
                Arg::integer("seconds").token("EX").since("2.6.12"),
                Arg::integer("milliseconds").token("PX").since("2.6.12"),
                Arg::new("unix-time-seconds", ArgKind::UnixTime).token("EXAT").since("6.2.0"),
                Arg::new("unix-time-milliseconds", ArgKind::UnixTime).token("PXAT").since("6.2.0"),
                Arg::word("keepttl", "KEEPTTL").since("6.0.0"),
            ],
        )
        .optional(),
    ],
    need: Need::Keys,
    ..Spec::BASE
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Always,
    IfAbsent,
    IfPresent,
}

struct Set<'a> {
    key: &'a [u8],
    value: &'a [u8],
    condition: Condition,
    get: bool,
    ttl: Ttl,
}

fn parse<'a>(argv: &[&'a [u8]], now_ms: u64) -> Result<Set<'a>, Error> {
    let mut set =
        Set { key: argv[1], value: argv[2], condition: Condition::Always, get: false, ttl: Ttl::Clear };
    let mut rest = argv[3..].iter();
    while let Some(&arg) = rest.next() {
        let unit = super::Unit::from_word(arg);
        if is(arg, "NX") && set.condition != Condition::IfPresent {
            set.condition = Condition::IfAbsent;
        } else if is(arg, "XX") && set.condition != Condition::IfAbsent {
            set.condition = Condition::IfPresent;
        } else if is(arg, "GET") {
            set.get = true;
        } else if is(arg, "KEEPTTL") && !matches!(set.ttl, Ttl::At(_)) {
            set.ttl = Ttl::Keep;
        } else if let (Some(unit), Ttl::Clear, Some(time)) = (unit, set.ttl, rest.next()) {
            set.ttl = Ttl::At(unit.expiry(int(time)?, now_ms, "set")?);
        } else {
            return Err(Error::Syntax);
        }
    }
    Ok(set)
}

pub(super) fn set(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let now_ms = cx.keys.now_ms();
    let set = parse(argv, now_ms)?;
    if set.get {
        reply_key(cx, set.key)?;
    }
    if set.condition != Condition::Always {
        let present = cx.keys.peek(set.key).is_some();
        if present != (set.condition == Condition::IfPresent) {
            if !set.get {
                cx.out.null();
            }
            return Ok(());
        }
    }
    cx.keys.put_string(set.key, set.value, set.ttl);
    cx.changed(set.key, EventClass::STRING, "set");
    if let Ttl::At(at_ms) = set.ttl {
        cx.keys.event(set.key, EventClass::GENERIC, "expire");
        let at = at_ms.to_string();
        cx.replicate(&[b"SET", set.key, set.value, b"PXAT", at.as_bytes()]);
    }
    if !set.get {
        cx.out.ok();
    }
    Ok(())
}
