//! ZREMRANGEBYRANK, ZREMRANGEBYSCORE and ZREMRANGEBYLEX

use super::bounds::{lex_range, score_range};
use command_spec::*;
use commands::args::{index_range, int};
use commands::container::remove_empty;
use commands::{Cx, Error};
use keyspace::EventClass;
use std::ops::Range;
use structures::{Direction, SortedSet};
use table::ValueMut;

/// `ZREMRANGEBYRANK`
pub(super) const ZREMRANGEBYRANK: Spec = Spec {
    name: "zremrangebyrank",
    summary: "Removes the members of a range of ranks, and returns how many there were.",
    since: "2.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M), N being the number of members of the set and M the number of members removed",
    arity: 4,
    flags: Flags::WRITE,
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
    args: &[Arg::key("key"), Arg::integer("start"), Arg::integer("stop")],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn zremrangebyrank(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (start, stop) = (int(argv[2])?, int(argv[3])?);
    remove(cx, argv[1], "zremrangebyrank", |set| index_range(start, stop, set.len()))
}

/// `ZREMRANGEBYSCORE`
pub(super) const ZREMRANGEBYSCORE: Spec = Spec {
    name: "zremrangebyscore",
    summary: "Removes the members with scores of a range, and returns how many there were.",
    since: "1.2.0",
    args: &[Arg::key("key"), Arg::new("min", ArgKind::Double), Arg::new("max", ArgKind::Double)],
    ..ZREMRANGEBYRANK
};

pub(super) fn zremrangebyscore(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let range = score_range(argv[2], argv[3], cx.options.profile)?;
    remove(cx, argv[1], "zremrangebyscore", |set| set.ranks_by_score(&range))
}

/// `ZREMRANGEBYLEX`
pub(super) const ZREMRANGEBYLEX: Spec = Spec {
    name: "zremrangebylex",
    summary: "Removes the members of a range in the order of their bytes, where all scores are equal.",
    since: "2.8.9",
    args: &[Arg::key("key"), Arg::string("min"), Arg::string("max")],
    ..ZREMRANGEBYRANK
};

pub(super) fn zremrangebylex(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let range = lex_range(argv[2], argv[3])?;
    remove(cx, argv[1], "zremrangebylex", |set| set.ranks_by_lex(&range, Direction::Forward))
}

fn remove(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    event: &'static str,
    ranks: impl Fn(&SortedSet) -> Range<usize>,
) -> Result<(), Error> {
    let effort = cx.effort;
    let Some(entry) = cx.keys.lookup_to_write(key) else {
        cx.out.int(0);
        return Ok(());
    };
    let ranks = ranks(entry.value().sorted_set().ok_or(Error::WrongType)?);
    effort.visits(ranks.len())?;
    if ranks.is_empty() {
        cx.out.int(0);
        return Ok(());
    }
    let Some(mut edit) = cx.keys.edit(key) else { return Ok(()) };
    let ValueMut::SortedSet(set) = edit.value_mut() else { return Err(Error::WrongType) };
    let removed = set.remove_range(ranks);
    let is_empty = set.is_empty();
    cx.keys.changed(key, EventClass::ZSET, event, removed as u64);
    if is_empty {
        remove_empty(&mut cx.keys, key);
    }
    cx.out.int(removed as i64);
    Ok(())
}
