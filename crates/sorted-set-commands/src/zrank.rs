//! ZRANK and ZREVRANK

use super::read;
use super::reply::reply_score;
use command_spec::*;
use commands::args::is;
use commands::{Cx, Error};
use structures::Direction;

/// `ZRANK`
pub(super) const ZRANK: Spec = Spec {
    name: "zrank",
    summary: "Returns how many members have lower scores than this one, and its score if asked for.",
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)), N being the number of members of the set",
    arity: -3,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::string("member"),
        Arg::word("withscore", "WITHSCORE").optional().since("7.2.0"),
    ],
    before: &[("7.2.0", |spec| spec.arity = 3)],
    reply: Shape::OneOf(&[
        Shape::COUNT,
        Shape::Null,
        Shape::Tuple(&[Shape::COUNT, Shape::Double]),
        Shape::NullArray,
    ]),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn zrank(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    rank(cx, argv, Direction::Forward, "zrank")
}

/// `ZREVRANK`
pub(super) const ZREVRANK: Spec = Spec {
    name: "zrevrank",
    summary: "Returns how many members have higher scores than this one, and its score if asked for.",
    ..ZRANK
};

pub(super) fn zrevrank(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    rank(cx, argv, Direction::Backward, "zrevrank")
}

fn rank(cx: &mut Cx<'_, '_>, argv: &[&[u8]], direction: Direction, name: &'static str) -> Result<(), Error> {
    let with_score = match argv[3..] {
        [] => false,
        [word] if is(word, "WITHSCORE") => true,
        [_] => return Err(Error::Syntax),
        _ => return Err(Error::Arity(name.into())),
    };
    let limits = &cx.options.limits;
    let found = read(&mut cx.keys, argv[1])?.and_then(|set| {
        let (rank, score) = set.rank(argv[2])?;
        let rank = match direction {
            Direction::Forward => rank,
            Direction::Backward => set.len() - 1 - rank,
        };
        Some((rank, score))
    });
    match found {
        Some((rank, score)) if with_score => {
            cx.out.array(2);
            cx.out.int(rank as i64);
            reply_score(&mut cx.out, score, limits);
        }
        Some((rank, _)) => cx.out.int(rank as i64),
        None if with_score => cx.out.null_array(),
        None => cx.out.null(),
    }
    Ok(())
}
