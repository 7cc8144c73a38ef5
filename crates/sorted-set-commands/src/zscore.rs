//! ZSCORE and ZMSCORE

use super::read;
use super::reply::reply_score;
use command_spec::*;
use commands::{Cx, Error};

/// `ZSCORE`
pub(super) const ZSCORE: Spec = Spec {
    name: "zscore",
    summary: "Returns the score of a member.",
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(1)",
    arity: 3,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key"), Arg::string("member")],
    reply: Shape::OneOf(&[Shape::Double, Shape::Null]),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn zscore(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let limits = &cx.options.limits;
    match read(&mut cx.keys, argv[1])?.and_then(|set| set.score(argv[2])) {
        Some(score) => reply_score(&mut cx.out, score, limits),
        None => cx.out.null(),
    }
    Ok(())
}

/// `ZMSCORE`
pub(super) const ZMSCORE: Spec = Spec {
    name: "zmscore",
    summary: "Returns the scores of several members.",
    since: "6.2.0",
    complexity: "O(N), N being the number of members asked for",
    arity: -3,
    args: &[Arg::key("key"), Arg::string("member").multiple()],
    reply: Shape::Array(&Shape::OneOf(&[Shape::Double, Shape::Null])),
    ..ZSCORE
};

pub(super) fn zmscore(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let limits = &cx.options.limits;
    let set = read(&mut cx.keys, argv[1])?;
    cx.out.array(argv.len() - 2);
    cx.out.each(&argv[2..], |out, member| match set.and_then(|set| set.score(member)) {
        Some(score) => reply_score(out, score, limits),
        None => out.null(),
    });
    Ok(())
}
