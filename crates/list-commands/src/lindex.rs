//! LINDEX

use super::{distance, read};
use command_spec::*;
use commands::args::int;
use commands::container::reply_item;
use commands::{Cx, Error};

/// `LINDEX`
pub(super) const LINDEX: Spec = Spec {
    name: "lindex",
    summary: "Returns the element at an index; a negative one counts from the end.",
    since: "1.0.0",
    group: Group::List,
    complexity: "O(N), N being the distance from the nearer end",
    arity: 3,
    flags: Flags::READONLY,
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key"), Arg::integer("index")],
    reply: Shape::BULK_OR_NULL,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn lindex(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let effort = cx.effort;
    let Some(list) = read(&mut cx.keys, argv[1])? else {
        cx.out.null();
        return Ok(());
    };
    let index = int(argv[2])?;
    effort.passes(distance(index, list.len()))?;
    match list.get(index) {
        Some(element) => reply_item(&mut cx.out, element),
        None => cx.out.null(),
    }
    Ok(())
}
