//! ZPOPMIN and ZPOPMAX

use super::reply::Members;
use command_spec::*;
use commands::args::int;
use commands::container::remove_empty;
use commands::{Cx, Error};
use keyspace::EventClass;
use resp::Proto;
use structures::{Direction, End};
use table::ValueMut;

/// `ZPOPMIN`
pub(super) const ZPOPMIN: Spec = Spec {
    name: "zpopmin",
    summary: "Removes the members with the lowest scores and returns them.",
    since: "5.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)*M), N being the number of members of the set and M the number of members returned",
    arity: -2,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))],
    args: &[Arg::key("key"), Arg::integer("count").optional()],
    reply: Shape::OneOf(&[
        Shape::Tuple(&[Shape::Bulk, Shape::Double]),
        Shape::Pairs(&Shape::Bulk, &Shape::Double),
    ]),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn zpopmin(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    run(cx, argv, End::Front)
}

/// `ZPOPMAX`
pub(super) const ZPOPMAX: Spec = Spec {
    name: "zpopmax",
    summary: "Removes the members with the highest scores and returns them.",
    ..ZPOPMIN
};

pub(super) fn zpopmax(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    run(cx, argv, End::Back)
}

fn run(cx: &mut Cx<'_, '_>, argv: &[&[u8]], end: End) -> Result<(), Error> {
    let key = argv[1];
    let count = match argv[2..] {
        [] => None,
        [count] => {
            let count = int(count).ok().and_then(|count| usize::try_from(count).ok());
            Some(count.ok_or(Error::NotPositive)?)
        }
        _ => return Err(Error::Syntax),
    };
    let effort = cx.effort;
    let Some(entry) = cx.keys.lookup_to_write(key) else {
        cx.out.array(0);
        return Ok(());
    };
    let len = entry.value().sorted_set().ok_or(Error::WrongType)?.len();
    let wanted = count.unwrap_or(1).min(len);
    effort.visits(wanted)?;
    if wanted == 0 {
        cx.out.array(0);
        return Ok(());
    }
    // Only a pop with a count nests its pairs.
    let is_flat = cx.out.proto() == Proto::Resp2 || count.is_none();
    cx.out.array(if is_flat { 2 * wanted } else { wanted });
    pop(cx, key, end, wanted, !is_flat)
}

/// Answers with this many members from one end, each with its score and as an array if they are nested, and removes them. There
/// are as many.
pub(super) fn pop(
    cx: &mut Cx<'_, '_>,
    key: &[u8],
    end: End,
    count: usize,
    are_nested: bool,
) -> Result<(), Error> {
    let members = Members { with_scores: true, limits: cx.options.limits };
    let Some(mut edit) = cx.keys.edit(key) else { return Ok(()) };
    let ValueMut::SortedSet(set) = edit.value_mut() else { return Err(Error::WrongType) };
    let (ranks, direction) = match end {
        End::Front => (0..count, Direction::Forward),
        End::Back => (set.len() - count..set.len(), Direction::Backward),
    };
    cx.out.each(set.range(ranks.clone(), direction), |out, member| members.pair(out, member, are_nested));
    set.remove_range(ranks);
    let is_empty = set.is_empty();
    cx.keys.changed(key, EventClass::ZSET, event(end), count as u64);
    if is_empty {
        remove_empty(&mut cx.keys, key);
    }
    Ok(())
}

fn event(end: End) -> &'static str {
    match end {
        End::Front => "zpopmin",
        End::Back => "zpopmax",
    }
}

/// The command that a pop of another name is replicated as.
pub(super) fn name(end: End) -> &'static [u8] {
    match end {
        End::Front => b"ZPOPMIN",
        End::Back => b"ZPOPMAX",
    }
}
