//! HINCRBYFLOAT

use super::{Kept, update};
use command_spec::*;
use commands::{Cx, Error};
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
    let now_ms = cx.keys.fields_now_ms();
    let (sum, kept) = update(&mut cx.keys, key, |hash| {
        let before = match hash.alive(now_ms).get(field) {
            None => Some(LongDouble::from(0)),
            Some(value) => LongDouble::parse(value.text(&mut IntBuffer::new())),
        };
        let sum = before.ok_or(Error::text("ERR hash value is not a float"))? + increment;
        if !sum.is_finite() {
            return Err(Error::NanOrInfinity);
        }
        let sum = sum.to_string();
        let kept = Kept::set(hash, field, sum.as_bytes(), now_ms, limits);
        Ok((sum, kept))
    })?;
    // The sum, not the addition: replicas may compute differently.
    let kept = kept.unwrap_or(Kept { at_ms: None, had_expired: false });
    kept.tell(cx, key, field, sum.as_bytes());
    cx.changed(key, EventClass::HASH, "hincrbyfloat");
    cx.out.bulk(sum.as_bytes());
    Ok(())
}
