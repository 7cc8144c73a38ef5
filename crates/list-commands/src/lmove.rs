//! LMOVE and its old form RPOPLPUSH

use super::{parse_end, popped, push_event};
use command_spec::*;
use commands::{Cx, Error};
use keyspace::{EventClass, Keys};
use structures::{End, List, Value};
use table::ValueMut;

/// `LMOVE`
pub(super) const LMOVE: Spec = Spec {
    name: "lmove",
    summary: "Pops an element from one end of a list, pushes it to one end of another, and returns it.",
    since: "6.2.0",
    group: Group::List,
    arity: 5,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::LIST,
    keys: &[
        KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE)),
        KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT)),
    ],
    args: &[
        Arg::key("source"),
        Arg::new("destination", ArgKind::Key(1)),
        Arg::one_of("wherefrom", &[Arg::word("left", "LEFT"), Arg::word("right", "RIGHT")]),
        Arg::one_of("whereto", &[Arg::word("left", "LEFT"), Arg::word("right", "RIGHT")]),
    ],
    reply: Shape::BULK_OR_NULL,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn lmove(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (from, to) = (parse_end(argv[3])?, parse_end(argv[4])?);
    move_or_null(cx, argv, from, to)
}

/// `RPOPLPUSH`
pub(super) const RPOPLPUSH: Spec = Spec {
    name: "rpoplpush",
    summary: "Pops the tail of a list, pushes it to the head of another, and returns it.",
    since: "1.2.0",
    deprecated: Some(("6.2.0", "LMOVE with the RIGHT and LEFT arguments")),
    group: Group::List,
    arity: 3,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::LIST,
    keys: &[
        KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE)),
        KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT)),
    ],
    args: &[Arg::key("source"), Arg::new("destination", ArgKind::Key(1))],
    reply: Shape::BULK_OR_NULL,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn rpoplpush(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    move_or_null(cx, argv, End::Back, End::Front)
}

fn move_or_null(cx: &mut Cx<'_, '_>, argv: &[&[u8]], from: End, to: End) -> Result<(), Error> {
    if !move_element(cx, argv[1], argv[2], from, to)? {
        cx.out.null();
    }
    Ok(())
}

/// Moves an element and answers with it; false, and nothing has happened, if the source is not there.
pub(super) fn move_element(
    cx: &mut Cx<'_, '_>,
    source: &[u8],
    destination: &[u8],
    from: End,
    to: End,
) -> Result<bool, Error> {
    if !is_list(&mut cx.keys, source)? {
        return Ok(false);
    }
    is_list(&mut cx.keys, destination)?;
    let limits = &cx.options.limits;
    let Some(mut edit) = cx.keys.edit(source) else { return Ok(false) };
    let ValueMut::List(list) = edit.value_mut() else { return Err(Error::WrongType) };
    let Some(element) = list.pop(from, limits) else { return Ok(false) };
    // A list may move its own elements around; it has them all again then.
    let is_empty = list.is_empty() && source != destination;
    if let Some(mut edit) = cx.keys.edit(destination) {
        let ValueMut::List(list) = edit.value_mut() else { return Err(Error::WrongType) };
        list.push(to, &element, limits);
    } else {
        let mut list = Box::new(List::new());
        list.push(to, &element, limits);
        cx.keys.insert(destination, Value::List(list), None);
    }
    cx.out.bulk(&element);
    // One change in all, of two keys.
    cx.keys.changed(destination, EventClass::LIST, push_event(to), 1);
    popped(cx, source, from, 0, is_empty);
    cx.keys.ready(destination);
    Ok(true)
}

/// Whether a key is there; it must hold a list then.
fn is_list(keys: &mut Keys<'_, '_>, key: &[u8]) -> Result<bool, Error> {
    let list = keys.peek(key).map(|entry| entry.value().list().ok_or(Error::WrongType)).transpose()?;
    Ok(list.is_some())
}
