//! INCRBYFLOAT

use super::string_bytes;
use command_spec::*;
use commands::{Cx, Error};
use keyspace::EventClass;
use number::IntBuffer;
use number::LongDouble;
use structures::Value;

/// `INCRBYFLOAT`
pub(super) const INCRBYFLOAT: Spec = Spec {
    name: "incrbyfloat",
    summary: "Adds a floating-point number to the number at a key. A key that is not there counts as 0.",
    since: "2.6.0",
    group: Group::String,
    arity: 3,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))],
    args: &[Arg::key("key"), Arg::new("increment", ArgKind::Double)],
    reply: Shape::Bulk,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn incrbyfloat(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let key = argv[1];
    let parse = |text| LongDouble::parse(text).ok_or(Error::NotFloat);
    let text = if let Some(mut edit) = cx.keys.edit(key) {
        let mut buffer = IntBuffer::new();
        let before = parse(string_bytes(edit.value(), &mut buffer)?)?;
        let text = sum(before, parse(argv[2])?)?;
        // Never kept as an integer, even if it is one.
        edit.set_bytes(text.as_bytes());
        text
    } else {
        let text = sum(LongDouble::from(0), parse(argv[2])?)?;
        cx.keys.insert(key, Value::Bytes(text.clone().into_bytes()), None);
        text
    };
    cx.changed(key, EventClass::STRING, "incrbyfloat");
    cx.out.bulk(text.as_bytes());
    // The sum, not the addition: replicas may compute differently.
    cx.replicate(&[b"SET", key, text.as_bytes(), b"KEEPTTL"]);
    Ok(())
}

fn sum(a: LongDouble, b: LongDouble) -> Result<String, Error> {
    let sum = a + b;
    if sum.is_finite() { Ok(sum.to_string()) } else { Err(Error::NanOrInfinity) }
}
