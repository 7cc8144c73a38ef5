//! TTL, PTTL, EXPIRETIME and PEXPIRETIME

use command_spec::*;
use commands::{Cx, Error};

/// `TTL`
pub(super) const TTL: Spec = Spec {
    name: "ttl",
    summary: "Returns the seconds until a key expires, -1 if it does not, -2 if it is not there.",
    since: "1.0.0",
    group: Group::Generic,
    arity: 2,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::KEYSPACE,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key")],
    reply: Shape::AtLeast(-2),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn ttl(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let now_ms = cx.keys.now_ms();
    answer(cx, argv[1], |at_ms| to_seconds(at_ms.saturating_sub(now_ms)));
    Ok(())
}

/// `PTTL`
pub(super) const PTTL: Spec = Spec {
    name: "pttl",
    summary: "Returns the milliseconds until a key expires, -1 if it does not, -2 if it is not there.",
    since: "2.6.0",
    ..TTL
};

pub(super) fn pttl(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let now_ms = cx.keys.now_ms();
    answer(cx, argv[1], |at_ms| at_ms.saturating_sub(now_ms));
    Ok(())
}

/// `EXPIRETIME`
pub(super) const EXPIRETIME: Spec = Spec {
    name: "expiretime",
    summary: "Returns the Unix time in seconds when a key expires, -1 if it does not, -2 if it is not there.",
    since: "7.0.0",
    tips: &[],
    ..TTL
};

pub(super) fn expiretime(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    answer(cx, argv[1], to_seconds);
    Ok(())
}

/// `PEXPIRETIME`
pub(super) const PEXPIRETIME: Spec = Spec {
    name: "pexpiretime",
    summary: "Returns the Unix time in milliseconds when a key expires, -1 if it does not, -2 if it is not there.",
    since: "7.0.0",
    tips: &[],
    ..TTL
};

pub(super) fn pexpiretime(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    answer(cx, argv[1], |at_ms| at_ms);
    Ok(())
}

fn answer(cx: &mut Cx<'_, '_>, key: &[u8], amount: impl FnOnce(u64) -> u64) {
    let reply = match cx.keys.lookup_untouched(key).map(|entry| entry.expire_at()) {
        None => -2,
        Some(None) => -1,
        Some(Some(at_ms)) => amount(at_ms) as i64,
    };
    cx.out.int(reply);
}

fn to_seconds(ms: u64) -> u64 {
    ms.saturating_add(500) / 1000
}
