//! HSETNX

use super::{Kept, update};
use command_spec::*;
use commands::{Cx, Error};
use keyspace::EventClass;

/// `HSETNX`
pub(super) const HSETNX: Spec = Spec {
    name: "hsetnx",
    summary: "Sets a field of a hash unless it is there.",
    since: "2.0.0",
    group: Group::Hash,
    arity: 4,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
    args: &[Arg::key("key"), Arg::string("field"), Arg::string("value")],
    reply: Shape::YES_OR_NO,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hsetnx(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let &[_, key, field, value] = argv else { return Err(Error::Syntax) };
    let limits = &cx.options.limits;
    let now_ms = cx.keys.fields_now_ms();
    let (is_set, kept) = update(&mut cx.keys, key, |hash| {
        if !hash.is_volatile() {
            return Ok((hash.set_if_absent(field, value, limits), None));
        }
        let is_set = !hash.alive(now_ms).contains(field);
        Ok((is_set, if is_set { Kept::set(hash, field, value, now_ms, limits) } else { None }))
    })?;
    if let Some(kept) = kept {
        kept.tell(cx, key, field, value);
    }
    if is_set {
        cx.changed(key, EventClass::HASH, "hset");
    }
    cx.out.int(i64::from(is_set));
    Ok(())
}
