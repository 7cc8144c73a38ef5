//! HSET and its old form HMSET

use super::{Setting, update};
use command_spec::*;
use commands::{Cx, Error};
use keyspace::EventClass;
use structures::hash::FieldTtl;

/// `HSET`
pub(super) const HSET: Spec = Spec {
    name: "hset",
    summary: "Sets fields of a hash and returns how many of them are new.",
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(N), N being the number of fields set",
    arity: -4,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    args: &[Arg::key("key"), Arg::block("data", &[Arg::string("field"), Arg::string("value")]).multiple()],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hset(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let created = set_fields(cx, argv, "hset")?;
    cx.out.int(created as i64);
    Ok(())
}

/// `HMSET`
pub(super) const HMSET: Spec = Spec {
    name: "hmset",
    summary: "Sets fields of a hash and answers OK.",
    deprecated: Some(("4.0.0", "HSET")),
    reply: Shape::OK,
    ..HSET
};

pub(super) fn hmset(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    set_fields(cx, argv, "hmset")?;
    cx.out.ok();
    Ok(())
}

/// Sets the fields that follow the key; how many are new.
fn set_fields(cx: &mut Cx<'_, '_>, argv: &[&[u8]], name: &'static str) -> Result<usize, Error> {
    let key = argv[1];
    let (pairs, rest) = argv[2..].as_chunks();
    if !rest.is_empty() {
        return Err(Error::Arity(name.into()));
    }
    let limits = &cx.options.limits;
    let now_ms = cx.keys.fields_now_ms();
    let (created, volatile) = update(&mut cx.keys, key, |hash| {
        // All lengths first: a field that is too long converts the hash before the first one is set.
        hash.convert_for(argv[2..].iter().map(|arg| arg.len()), limits);
        if hash.is_volatile() {
            let done = Setting::set(hash, pairs, FieldTtl::Clear, now_ms, limits);
            return Ok((done.created, Some(done)));
        }
        Ok((pairs.iter().filter(|[field, value]| hash.set(field, value, limits)).count(), None))
    })?;
    if let Some(done) = volatile {
        done.tell(cx, key);
    }
    cx.keys.changed(key, EventClass::HASH, "hset", pairs.len() as u64);
    Ok(created)
}
