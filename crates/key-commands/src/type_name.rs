//! TYPE

use command_spec::*;
use commands::{Cx, Error};
use structures::ValueRef;

/// `TYPE`
pub(super) const TYPE: Spec = Spec {
    name: "type",
    summary: "Returns the name of the type of the value at a key.",
    since: "1.0.0",
    group: Group::Generic,
    arity: 2,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    args: &[Arg::key("key")],
    reply: Shape::Status,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn type_of(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let name = cx.keys.lookup_untouched(argv[1]).map_or("none", |entry| type_name(entry.value()));
    cx.out.simple(name);
    Ok(())
}

/// The name of a value's type, as TYPE answers it and SCAN takes it.
pub(super) fn type_name(value: ValueRef<'_>) -> &'static str {
    match value {
        ValueRef::Int(_) | ValueRef::Bytes(_) => "string",
        ValueRef::List(_) => "list",
        ValueRef::Hash(_) => "hash",
        ValueRef::Set(_) => "set",
        ValueRef::SortedSet(_) => "zset",
        ValueRef::Stream(_) => "stream",
    }
}
