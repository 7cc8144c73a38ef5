//! BZPOPMIN and BZPOPMAX

use super::zmpop::pop_first;
use command_spec::*;
use commands::popping::{NOT_FROM_SCRIPTS, wait};
use commands::timeout::timeout_ms;
use commands::{Block, Cx, Error};
use structures::End;

/// `BZPOPMIN`
pub(super) const BZPOPMIN: Spec = Spec {
    name: "bzpopmin",
    summary: "Pops the lowest member of the first of several sorted sets that is there, or waits for one.",
    since: "5.0.0",
    group: Group::SortedSet,
    complexity: "O(log(N)), N being the number of members of the set",
    arity: -3,
    flags: Flags::WRITE.union(Flags::FAST).union(Flags::BLOCKING),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec {
        flags: KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
        begin: BeginSearch::Index(1),
        find: FindKeys::Range { last: -2, step: 1, limit: 0 },
    }],
    args: &[Arg::key("key").multiple(), Arg::new("timeout", ArgKind::Double)],
    reply: Shape::OneOf(&[Shape::Tuple(&[Shape::Bulk, Shape::Bulk, Shape::Double]), Shape::NullArray]),
    need: Need::Keys,
    before: &[NOT_FROM_SCRIPTS],
    ..Spec::BASE
};

pub(super) fn bzpopmin(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<Option<Block>, Error> {
    pop_or_wait(cx, argv, End::Front)
}

/// `BZPOPMAX`
pub(super) const BZPOPMAX: Spec = Spec {
    name: "bzpopmax",
    summary: "Pops the highest member of the first of several sorted sets that is there, or waits for one.",
    ..BZPOPMIN
};

pub(super) fn bzpopmax(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<Option<Block>, Error> {
    pop_or_wait(cx, argv, End::Back)
}

fn pop_or_wait(cx: &mut Cx<'_, '_>, argv: &[&[u8]], end: End) -> Result<Option<Block>, Error> {
    let last = argv.len() - 1;
    let timeout_ms = timeout_ms(argv[last], cx.keys.now_ms(), cx.options.profile)?;
    if pop_first(cx, cx.awaited(&argv[1..last]), end, None)? {
        return Ok(None);
    }
    Ok(wait(cx, 1..last, timeout_ms))
}
