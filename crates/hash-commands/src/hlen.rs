//! HLEN and HSTRLEN

use super::read;
use command_spec::*;
use commands::{Cx, Error};

/// `HLEN`
pub(super) const HLEN: Spec = Spec {
    name: "hlen",
    summary: "Returns the number of fields of a hash.",
    since: "2.0.0",
    group: Group::Hash,
    arity: 2,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    args: &[Arg::key("key")],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hlen(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let len = read(&mut cx.keys, argv[1])?.map_or(0, |hash| hash.hash().len());
    cx.out.int(len as i64);
    Ok(())
}

/// `HSTRLEN`
pub(super) const HSTRLEN: Spec = Spec {
    name: "hstrlen",
    summary: "Returns the length of a field's value in bytes, 0 if there is none.",
    since: "3.2.0",
    group: Group::Hash,
    arity: 3,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RO)],
    args: &[Arg::key("key"), Arg::string("field")],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hstrlen(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let len = read(&mut cx.keys, argv[1])?.map_or(0, |hash| hash.value_len(argv[2]));
    cx.out.int(len as i64);
    Ok(())
}
