//! LREM

use command_spec::*;
use commands::args::{int, negatable_int};
use commands::container::remove_empty;
use commands::{Cx, Error};
use keyspace::EventClass;
use table::ValueMut;

/// `LREM`
pub(super) const LREM: Spec = Spec {
    name: "lrem",
    summary: "Removes elements equal to a value: a number of them from the head, or from the tail if negative, or all if 0.",
    since: "1.0.0",
    group: Group::List,
    complexity: "O(N), N being the length of the list",
    arity: 4,
    flags: Flags::WRITE,
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
    args: &[Arg::key("key"), Arg::integer("count"), Arg::string("element")],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn lrem(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (key, element) = (argv[1], argv[3]);
    let count = if cx.options.profile.has("7.2.0") { negatable_int(argv[2])? } else { int(argv[2])? };
    let Some(mut edit) = cx.keys.edit(key) else {
        cx.out.int(0);
        return Ok(());
    };
    let ValueMut::List(list) = edit.value_mut() else { return Err(Error::WrongType) };
    cx.effort.compares(list.len())?;
    let removed = list.remove(count, element, &cx.options.limits);
    let is_empty = list.is_empty();
    if removed > 0 {
        cx.keys.changed(key, EventClass::LIST, "lrem", removed as u64);
    }
    if is_empty {
        remove_empty(&mut cx.keys, key);
    }
    cx.out.int(removed as i64);
    Ok(())
}
