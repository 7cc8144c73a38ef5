//! LINSERT

use command_spec::*;
use commands::args::is;
use commands::{Cx, Error};
use keyspace::EventClass;
use structures::Side;
use table::ValueMut;

/// `LINSERT`
pub(super) const LINSERT: Spec = Spec {
    name: "linsert",
    summary: "Adds an element before or after the first one equal to a pivot; returns the new length, or -1 without pivot.",
    since: "2.2.0",
    group: Group::List,
    complexity: "O(N), N being the number of elements in front of the pivot",
    arity: 5,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
    args: &[
        Arg::key("key"),
        Arg::one_of("where", &[Arg::word("before", "BEFORE"), Arg::word("after", "AFTER")]),
        Arg::string("pivot"),
        Arg::string("element"),
    ],
    reply: Shape::AtLeast(-1),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn linsert(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (key, word) = (argv[1], argv[2]);
    let side = if is(word, "AFTER") {
        Side::After
    } else if is(word, "BEFORE") {
        Side::Before
    } else {
        return Err(Error::Syntax);
    };
    let Some(mut edit) = cx.keys.edit(key) else {
        cx.out.int(0);
        return Ok(());
    };
    let ValueMut::List(list) = edit.value_mut() else { return Err(Error::WrongType) };
    cx.effort.compares(list.len())?;
    let is_inserted = list.insert(side, argv[3], argv[4], &cx.options.limits);
    let len = list.len();
    if !is_inserted {
        cx.out.int(-1);
        return Ok(());
    }
    cx.changed(key, EventClass::LIST, "linsert");
    cx.out.int(len as i64);
    Ok(())
}
