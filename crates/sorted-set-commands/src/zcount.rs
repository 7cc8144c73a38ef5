//! ZCOUNT and ZLEXCOUNT

use super::bounds::{lex_range, score_range};
use super::read;
use command_spec::*;
use commands::{Cx, Error};
use structures::Direction;

/// `ZCOUNT`
pub(super) const ZCOUNT: Spec = Spec {
    name: "zcount",
    summary: "Returns how many members have a score of a range.",
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)), N being the number of members of the set",
    arity: 4,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key"), Arg::new("min", ArgKind::Double), Arg::new("max", ArgKind::Double)],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn zcount(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let range = score_range(argv[2], argv[3], cx.options.profile)?;
    let count = read(&mut cx.keys, argv[1])?.map_or(0, |set| set.ranks_by_score(&range).len());
    cx.out.int(count as i64);
    Ok(())
}

/// `ZLEXCOUNT`
pub(super) const ZLEXCOUNT: Spec = Spec {
    name: "zlexcount",
    summary: "Returns how many members there are of a range in the order of their bytes, where all scores are equal.",
    since: "2.8.9",
    args: &[Arg::key("key"), Arg::string("min"), Arg::string("max")],
    ..ZCOUNT
};

pub(super) fn zlexcount(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let range = lex_range(argv[2], argv[3])?;
    let set = read(&mut cx.keys, argv[1])?;
    let count = set.map_or(0, |set| set.ranks_by_lex(&range, Direction::Forward).len());
    cx.out.int(count as i64);
    Ok(())
}
