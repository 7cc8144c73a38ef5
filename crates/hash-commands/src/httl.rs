//! HTTL, HPTTL, HEXPIRETIME and HPEXPIRETIME

use super::fields::{FIELDS, WRONG_COUNT, counted};
use super::read;
use command_spec::*;
use commands::args::is;
use commands::{Cx, Error};

/// `HTTL`
pub(super) const HTTL: Spec = Spec {
    name: "httl",
    summary: "Returns in how many seconds fields of a hash expire: -1 if never, -2 if there is no such field.",
    since: "9.0.0",
    group: Group::Hash,
    complexity: "O(N), N being the number of fields",
    arity: -5,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key"), FIELDS],
    reply: Shape::Array(&Shape::AtLeast(-2)),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn httl(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    tell(cx, argv, |at_ms, now_ms| seconds(at_ms.saturating_sub(now_ms)))
}

/// `HPTTL`
pub(super) const HPTTL: Spec = Spec {
    name: "hpttl",
    summary: "Returns in how many milliseconds fields of a hash expire: -1 if never, -2 if there is no such field.",
    ..HTTL
};

pub(super) fn hpttl(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    tell(cx, argv, u64::saturating_sub)
}

/// `HEXPIRETIME`
pub(super) const HEXPIRETIME: Spec = Spec {
    name: "hexpiretime",
    summary: "Returns at which Unix time in seconds fields of a hash expire: -1 if never, -2 if there is no such field.",
    ..HTTL
};

pub(super) fn hexpiretime(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    tell(cx, argv, |at_ms, _| seconds(at_ms))
}

/// `HPEXPIRETIME`
pub(super) const HPEXPIRETIME: Spec = Spec {
    name: "hpexpiretime",
    summary: "Returns at which Unix time in milliseconds fields of a hash expire: -1 if never, -2 if there is no such field.",
    ..HTTL
};

pub(super) fn hpexpiretime(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    tell(cx, argv, |at_ms, _| at_ms)
}

/// Rounded to the nearest.
fn seconds(ms: u64) -> u64 {
    ms.saturating_add(500) / 1000
}

const NO_FIELD: i64 = -2;
const NO_EXPIRY: i64 = -1;

/// Answers for each field what the expiry shows as at this time.
fn tell(cx: &mut Cx<'_, '_>, argv: &[&[u8]], show: impl Fn(u64, u64) -> u64) -> Result<(), Error> {
    // Valkey 9.0 reads any word in this place.
    if !is(argv[2], "FIELDS") && cx.options.profile.has("9.1.0") {
        return Err(Error::Syntax);
    }
    let fields =
        counted(argv, 3, 1).map_err(|error| if error == WRONG_COUNT { Error::Syntax } else { error })?;
    let now_ms = cx.keys.now_ms();
    let hash = read(&mut cx.keys, argv[1])?;
    cx.out.array(fields.len());
    cx.out.each(fields, |out, field| {
        out.int(match hash.and_then(|hash| hash.expire_at(field)) {
            None => NO_FIELD,
            Some(None) => NO_EXPIRY,
            Some(Some(at_ms)) => show(at_ms, now_ms) as i64,
        });
    });
    Ok(())
}
