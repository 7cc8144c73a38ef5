//! LSET

use super::distance;
use command_spec::*;
use commands::args::int;
use commands::{Cx, Error};
use keyspace::EventClass;
use table::ValueMut;

/// `LSET`
pub(super) const LSET: Spec = Spec {
    name: "lset",
    summary: "Replaces the element at an index.",
    since: "1.0.0",
    group: Group::List,
    complexity: "O(N), N being the distance from the nearer end",
    arity: 4,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    args: &[Arg::key("key"), Arg::integer("index"), Arg::string("element")],
    reply: Shape::OK,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn lset(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let key = argv[1];
    let mut edit = cx.keys.edit(key).ok_or(Error::NoSuchKey)?;
    let ValueMut::List(list) = edit.value_mut() else { return Err(Error::WrongType) };
    let index = int(argv[2])?;
    cx.effort.passes(distance(index, list.len()))?;
    let is_set = list.set(index, argv[3], &cx.options.limits);
    if !is_set {
        return Err(Error::IndexOutOfRange);
    }
    cx.changed(key, EventClass::LIST, "lset");
    cx.out.ok();
    Ok(())
}
