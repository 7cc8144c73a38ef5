//! LRANGE

use super::read;
use command_spec::*;
use commands::args::{index_range, int};
use commands::container::reply_item;
use commands::{Cx, Error};

/// `LRANGE`
pub(super) const LRANGE: Spec = Spec {
    name: "lrange",
    summary: "Returns the elements between two indices, both included; negative ones count from the end.",
    since: "1.0.0",
    group: Group::List,
    complexity: "O(S+N), S being the distance of the start from the nearer end and N the number of elements returned",
    arity: 4,
    flags: Flags::READONLY,
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key"), Arg::integer("start"), Arg::integer("stop")],
    reply: Shape::Array(&Shape::Bulk),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn lrange(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (start, stop) = (int(argv[2])?, int(argv[3])?);
    let effort = cx.effort;
    let Some(list) = read(&mut cx.keys, argv[1])? else {
        cx.out.array(0);
        return Ok(());
    };
    let range = index_range(start, stop, list.len());
    effort.passes(range.start.min(list.len() - range.end))?;
    effort.writes(range.len())?;
    cx.out.array(range.len());
    let out = &mut cx.out;
    list.each(range, |element| {
        reply_item(out, element);
        !out.is_over()
    });
    Ok(())
}
