//! HINCRBY

use super::{Kept, update};
use command_spec::*;
use commands::args::int;
use commands::{Cx, Error};
use keyspace::EventClass;
use number::IntBuffer;
use structures::Item;

/// `HINCRBY`
pub(super) const HINCRBY: Spec = Spec {
    name: "hincrby",
    summary: "Adds an integer to the integer in a field. A field that is not there counts as 0.",
    since: "2.0.0",
    group: Group::Hash,
    arity: 4,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))],
    args: &[Arg::key("key"), Arg::string("field"), Arg::integer("increment")],
    reply: Shape::Integer,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hincrby(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (key, field) = (argv[1], argv[2]);
    let increment = int(argv[3])?;
    let limits = &cx.options.limits;
    let now_ms = cx.keys.fields_now_ms();
    let (sum, kept) = update(&mut cx.keys, key, |hash| {
        let before = match hash.alive(now_ms).get(field) {
            None => Some(0),
            Some(Item::Int(int)) => Some(int),
            Some(Item::Bytes(text)) => number::parse_i64(text),
        };
        let before = before.ok_or(Error::text("ERR hash value is not an integer"))?;
        let sum = before.checked_add(increment).ok_or(Error::Overflow)?;
        Ok((sum, Kept::set(hash, field, IntBuffer::new().format(sum), now_ms, limits)))
    })?;
    if let Some(kept) = kept {
        kept.tell(cx, key, field, IntBuffer::new().format(sum));
    }
    cx.changed(key, EventClass::HASH, "hincrby");
    cx.out.int(sum);
    Ok(())
}
