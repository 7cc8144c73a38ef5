//! BLMPOP

use super::lmpop::pop_first;
use super::parse_end;
use command_spec::*;
use commands::popping::{Pops, wait};
use commands::timeout::timeout_ms;
use commands::{Block, Cx, Error};

/// Where the keys begin.
const FIRST_KEY: usize = 3;

/// `BLMPOP`
pub(super) const BLMPOP: Spec = Spec {
    name: "blmpop",
    summary: "Pops elements from the first of several lists that is there, or waits for one.",
    since: "7.0.0",
    group: Group::List,
    complexity: "O(N+M), N being the number of keys and M the number of elements returned",
    arity: -5,
    flags: Flags::WRITE.union(Flags::BLOCKING),
    categories: Categories::LIST,
    keys: &[KeySpec::counted(2, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))],
    args: &[
        Arg::new("timeout", ArgKind::Double),
        Arg::integer("numkeys"),
        Arg::key("key").multiple(),
        Arg::one_of("where", &[Arg::word("left", "LEFT"), Arg::word("right", "RIGHT")]),
        Arg::integer("count").token("COUNT").optional(),
    ],
    reply: Shape::OneOf(&[Shape::Tuple(&[Shape::Bulk, Shape::Array(&Shape::Bulk)]), Shape::NullArray]),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn blmpop(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<Option<Block>, Error> {
    let pops = Pops::parse(&argv[2..], parse_end)?;
    let timeout_ms = timeout_ms(argv[1], cx.keys.now_ms(), cx.options.profile)?;
    let keys = FIRST_KEY..FIRST_KEY + pops.keys;
    if pop_first(cx, cx.awaited(&argv[keys.clone()]), pops.end, Some(pops.count))? {
        return Ok(None);
    }
    Ok(wait(cx, keys, timeout_ms))
}
