//! ZSCAN

use super::read;
use command_spec::*;
use commands::scanning::{Options, cursor, reply_none};
use commands::{Cx, Error};
use number::DoubleText;
use structures::{Item, SortedSet};

/// `ZSCAN`
pub(super) const ZSCAN: Spec = Spec {
    name: "zscan",
    summary: "Returns some of the members of a sorted set and a cursor to go on with; a whole scan returns all.",
    since: "2.8.0",
    group: Group::SortedSet,
    complexity: "O(1) a call, O(N) for a whole scan, N being the number of members",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::SORTEDSET,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::integer("cursor"),
        Arg::new("pattern", ArgKind::Pattern(None)).token("MATCH").optional(),
        Arg::integer("count").token("COUNT").optional(),
        Arg::word("noscores", "NOSCORES").optional().since("8.0.0"),
    ],
    reply: Shape::PAGE,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn zscan(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let cursor = cursor(argv[2], cx.options.profile)?;
    let Some(set) = read(&mut cx.keys, argv[1])? else {
        reply_none(cx);
        return Ok(());
    };
    let options = Options::parse(&argv[3..], Some("NOSCORES"), cx.options.profile)?;
    options.reply(&mut cx.out, cursor, |cursor, count, visit| {
        scan(set, cursor, count, |member, score| visit(member, Some(score)))
    });
    Ok(())
}

/// Visits members with the texts of their scores: of a listpack as they stand in it, of a tree with 17 digits in all versions.
fn scan(set: &SortedSet, cursor: u64, count: usize, mut visit: impl FnMut(Item<'_>, Item<'_>)) -> u64 {
    let Some(listpack) = set.as_listpack() else {
        return set.scan(cursor, count, |member, score| {
            visit(member, Item::Bytes(DoubleText::Digits17.format(score.get()).as_bytes()));
        });
    };
    let mut items = listpack.iter();
    while let (Some(member), Some(score)) = (items.next(), items.next()) {
        visit(member, score);
    }
    0
}
