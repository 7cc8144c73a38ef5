//! ZRANGE and the older commands for each of its forms

use super::query::{By, Fixed, Query};
use super::read;
use super::reply::Members;
use command_spec::*;
use commands::{Cx, Error};
use structures::Direction;

/// Members, or members with their scores.
const MEMBERS: Shape =
    Shape::OneOf(&[Shape::Array(&Shape::Bulk), Shape::Pairs(&Shape::Bulk, &Shape::Double)]);

const WITHSCORES: Arg = Arg::word("withscores", "WITHSCORES").optional();
const LIMIT: Arg =
    Arg::block("limit", &[Arg::integer("offset"), Arg::integer("count")]).token("LIMIT").optional();

/// `ZRANGE`
pub(super) const ZRANGE: Spec = Spec {
    name: "zrange",
    summary: "Returns the members of a range of ranks, of scores, or of members.",
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M), N being the number of members of the set and M the number of members returned",
    arity: -4,
    flags: Flags::READONLY,
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::string("start"),
        Arg::string("stop"),
        Arg::one_of("sortby", &[Arg::word("byscore", "BYSCORE"), Arg::word("bylex", "BYLEX")])
            .optional()
            .since("6.2.0"),
        Arg::word("rev", "REV").optional().since("6.2.0"),
        LIMIT.since("6.2.0"),
        WITHSCORES,
    ],
    reply: MEMBERS,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn zrange(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    range(cx, argv, Fixed::default())
}

/// `ZREVRANGE`
pub(super) const ZREVRANGE: Spec = Spec {
    name: "zrevrange",
    summary: "Returns the members of a range of ranks that count from the highest score down.",
    deprecated: Some(("6.2.0", "ZRANGE with the REV argument")),
    args: &[Arg::key("key"), Arg::integer("start"), Arg::integer("stop"), WITHSCORES],
    ..ZRANGE
};

pub(super) fn zrevrange(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    fixed(cx, argv, By::Rank, Direction::Backward)
}

/// `ZRANGEBYSCORE`
pub(super) const ZRANGEBYSCORE: Spec = Spec {
    name: "zrangebyscore",
    summary: "Returns the members with scores of a range.",
    since: "1.0.5",
    deprecated: Some(("6.2.0", "ZRANGE with the BYSCORE argument")),
    args: &[
        Arg::key("key"),
        Arg::new("min", ArgKind::Double),
        Arg::new("max", ArgKind::Double),
        WITHSCORES.since("2.0.0"),
        LIMIT,
    ],
    ..ZRANGE
};

pub(super) fn zrangebyscore(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    fixed(cx, argv, By::Score, Direction::Forward)
}

/// `ZREVRANGEBYSCORE`
pub(super) const ZREVRANGEBYSCORE: Spec = Spec {
    name: "zrevrangebyscore",
    summary: "Returns the members with scores of a range, from the highest down.",
    since: "2.2.0",
    deprecated: Some(("6.2.0", "ZRANGE with the REV and BYSCORE arguments")),
    args: &[
        Arg::key("key"),
        Arg::new("max", ArgKind::Double),
        Arg::new("min", ArgKind::Double),
        WITHSCORES,
        LIMIT,
    ],
    ..ZRANGE
};

pub(super) fn zrevrangebyscore(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    fixed(cx, argv, By::Score, Direction::Backward)
}

/// `ZRANGEBYLEX`
pub(super) const ZRANGEBYLEX: Spec = Spec {
    name: "zrangebylex",
    summary: "Returns the members of a range in the order of their bytes, where all scores are equal.",
    since: "2.8.9",
    deprecated: Some(("6.2.0", "ZRANGE with the BYLEX argument")),
    args: &[Arg::key("key"), Arg::string("min"), Arg::string("max"), LIMIT],
    reply: Shape::Array(&Shape::Bulk),
    ..ZRANGE
};

pub(super) fn zrangebylex(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    fixed(cx, argv, By::Lex, Direction::Forward)
}

/// `ZREVRANGEBYLEX`
pub(super) const ZREVRANGEBYLEX: Spec = Spec {
    name: "zrevrangebylex",
    summary: "Returns the members of a range in the reverse order of their bytes, where all scores are equal.",
    deprecated: Some(("6.2.0", "ZRANGE with the REV and BYLEX arguments")),
    args: &[Arg::key("key"), Arg::string("max"), Arg::string("min"), LIMIT],
    ..ZRANGEBYLEX
};

pub(super) fn zrevrangebylex(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    fixed(cx, argv, By::Lex, Direction::Backward)
}

fn fixed(cx: &mut Cx<'_, '_>, argv: &[&[u8]], by: By, direction: Direction) -> Result<(), Error> {
    range(cx, argv, Fixed { by: Some(by), direction: Some(direction), stores: false })
}

fn range(cx: &mut Cx<'_, '_>, argv: &[&[u8]], fixed: Fixed) -> Result<(), Error> {
    let query = Query::parse(&argv[2..], fixed, cx.options.profile)?;
    let (effort, options) = (cx.effort, cx.options);
    let Some(set) = read(&mut cx.keys, argv[1])? else {
        cx.out.array(0);
        return Ok(());
    };
    let ranks = query.ranks(set, options.profile);
    effort.writes(ranks.len())?;
    let members = Members { with_scores: query.with_scores, limits: options.limits };
    members.head(&mut cx.out, ranks.len());
    cx.out.each(set.range(ranks, query.direction), |out, member| members.one(out, member));
    Ok(())
}
