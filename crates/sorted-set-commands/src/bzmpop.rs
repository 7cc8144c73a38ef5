//! BZMPOP

use super::zmpop::{COUNT, POPPED, WHERE, parse_end, pop_first};
use command_spec::*;
use commands::popping::{Pops, wait};
use commands::timeout::timeout_ms;
use commands::{Block, Cx, Error};

/// Where the keys begin.
const FIRST_KEY: usize = 3;

/// `BZMPOP`
pub(super) const BZMPOP: Spec = Spec {
    name: "bzmpop",
    summary: "Pops members from the first of several sorted sets that is there, or waits for one.",
    since: "7.0.0",
    group: Group::SortedSet,
    complexity: "O(K)+O(M*log(N)), K being the number of keys, N the number of members and M the number of members returned",
    arity: -5,
    flags: Flags::WRITE.union(Flags::BLOCKING),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::counted(2, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))],
    args: &[
        Arg::new("timeout", ArgKind::Double),
        Arg::integer("numkeys"),
        Arg::key("key").multiple(),
        WHERE,
        COUNT,
    ],
    reply: POPPED,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn bzmpop(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<Option<Block>, Error> {
    let pops = Pops::parse(&argv[2..], parse_end)?;
    let timeout_ms = timeout_ms(argv[1], cx.keys.now_ms(), cx.options.profile)?;
    let keys = FIRST_KEY..FIRST_KEY + pops.keys;
    if pop_first(cx, cx.awaited(&argv[keys.clone()]), pops.end, Some(pops.count))? {
        return Ok(None);
    }
    Ok(wait(cx, keys, timeout_ms))
}
