//! LTRIM

use command_spec::*;
use commands::args::{index_range, int};
use commands::container::remove_empty;
use commands::{Cx, Error};
use keyspace::EventClass;
use table::ValueMut;

/// `LTRIM`
pub(super) const LTRIM: Spec = Spec {
    name: "ltrim",
    summary: "Removes all elements but those between two indices, both included.",
    since: "1.0.0",
    group: Group::List,
    complexity: "O(N), N being the number of elements removed",
    arity: 4,
    flags: Flags::WRITE,
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
    args: &[Arg::key("key"), Arg::integer("start"), Arg::integer("stop")],
    reply: Shape::OK,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn ltrim(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let key = argv[1];
    let (start, stop) = (int(argv[2])?, int(argv[3])?);
    let Some(mut edit) = cx.keys.edit(key) else {
        cx.out.ok();
        return Ok(());
    };
    let ValueMut::List(list) = edit.value_mut() else { return Err(Error::WrongType) };
    let range = index_range(start, stop, list.len());
    cx.effort.passes(list.len() - range.len())?;
    let removed = list.trim(range, &cx.options.limits);
    let is_empty = list.is_empty();
    // An event even if nothing went.
    cx.keys.changed(key, EventClass::LIST, "ltrim", removed as u64);
    if is_empty {
        remove_empty(&mut cx.keys, key);
    }
    cx.out.ok();
    Ok(())
}
