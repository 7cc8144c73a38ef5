//! HINCRBYFLOAT

use super::update;
use crate::{Cx, Error};
use command_spec::*;
use keyspace::EventClass;
use number::IntBuffer;
use number::LongDouble;

/// `HINCRBYFLOAT`
pub(super) const HINCRBYFLOAT: Spec = Spec {
    name: "hincrbyfloat",
    summary: "Adds a floating-point number to the number in a field. A field that is not there counts as 0.",
    since: "2.6.0",
    group: Group::Hash,
    arity: 4,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))],
    args: &[Arg::key("key"), Arg::string("field"), Arg::new("increment", ArgKind::Double)],
    reply: Shape::Bulk,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hincrbyfloat(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (key, field) = (argv[1], argv[2]);
    let increment = LongDouble::parse(argv[3]).ok_or(Error::NotFloat)?;
    if !increment.is_finite() {
        return Err(Error::text("ERR value is NaN or Infinity"));
    }
    let limits = &cx.options.limits;
    let sum = update(&mut cx.keys, key, |hash| {
        let before = match hash.get(field) {
            None => Some(LongDouble::from(0)),
            Some(value) => LongDouble::parse(value.text(&mut IntBuffer::new())),
        };
        let sum = before.ok_or(Error::text("ERR hash value is not a float"))? + increment;
        if !sum.is_finite() {
            return Err(Error::NanOrInfinity);
        }
        let sum = sum.to_string();
        hash.set(field, sum.as_bytes(), limits);
        Ok(sum)
    })?;
    cx.changed(key, EventClass::HASH, "hincrbyfloat");
    cx.out.bulk(sum.as_bytes());
    // The sum, not the addition: replicas may compute differently.
    cx.replicate(&[b"HSET", key, field, sum.as_bytes()]);
    Ok(())
}
