//! HGETALL, HKEYS and HVALS

use super::read;
use command_spec::*;
use commands::container::reply_item;
use commands::{Cx, Error};
use structures::Item;

/// `HGETALL`
pub(super) const HGETALL: Spec = Spec {
    name: "hgetall",
    summary: "Returns all fields of a hash with their values.",
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(N), N being the number of fields",
    arity: 2,
    flags: Flags::READONLY,
    categories: Categories::HASH,
    tips: &["nondeterministic_output_order"],
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key")],
    reply: Shape::Map(&Shape::Bulk, &Shape::Bulk),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hgetall(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let effort = cx.effort;
    let Some(hash) = read(&mut cx.keys, argv[1])? else {
        cx.out.map(0);
        return Ok(());
    };
    effort.visits(hash.hash().len())?;
    cx.out.map(hash.len());
    cx.out.each(hash, |out, (field, value)| {
        reply_item(out, field);
        reply_item(out, value);
    });
    Ok(())
}

/// `HKEYS`
pub(super) const HKEYS: Spec = Spec {
    name: "hkeys",
    summary: "Returns all fields of a hash.",
    reply: Shape::Array(&Shape::Bulk),
    ..HGETALL
};

pub(super) fn hkeys(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    reply_each(cx, argv[1], |(field, _)| field)
}

/// `HVALS`
pub(super) const HVALS: Spec = Spec {
    name: "hvals",
    summary: "Returns all values of a hash.",
    reply: Shape::Array(&Shape::Bulk),
    ..HGETALL
};

pub(super) fn hvals(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    reply_each(cx, argv[1], |(_, value)| value)
}

/// Answers with one half of each pair.
fn reply_each<'k>(
    cx: &'k mut Cx<'_, '_>,
    key: &[u8],
    half: impl Fn((Item<'k>, Item<'k>)) -> Item<'k>,
) -> Result<(), Error> {
    let effort = cx.effort;
    let Some(hash) = read(&mut cx.keys, key)? else {
        cx.out.array(0);
        return Ok(());
    };
    effort.visits(hash.hash().len())?;
    cx.out.array(hash.len());
    cx.out.each(hash, |out, pair| reply_item(out, half(pair)));
    Ok(())
}
