//! LPUSH, RPUSH, LPUSHX and RPUSHX

use super::push_event;
use command_spec::*;
use commands::{Cx, Error};
use keyspace::EventClass;
use structures::{End, List, Value};
use table::ValueMut;

/// `LPUSH`
pub(super) const LPUSH: Spec = Spec {
    name: "lpush",
    summary: "Adds elements at the head of a list, one after the other. The list is created if it is not there.",
    since: "1.0.0",
    group: Group::List,
    complexity: "O(N), N being the number of elements added",
    arity: -3,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST),
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
    args: &[Arg::key("key"), Arg::string("element").multiple()],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn lpush(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    push(cx, argv, End::Front, true)
}

/// `RPUSH`
pub(super) const RPUSH: Spec = Spec {
    name: "rpush",
    summary: "Adds elements at the tail of a list, one after the other. The list is created if it is not there.",
    ..LPUSH
};

pub(super) fn rpush(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    push(cx, argv, End::Back, true)
}

/// `LPUSHX`
pub(super) const LPUSHX: Spec = Spec {
    name: "lpushx",
    summary: "Adds elements at the head of a list that is there.",
    since: "2.2.0",
    ..LPUSH
};

pub(super) fn lpushx(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    push(cx, argv, End::Front, false)
}

/// `RPUSHX`
pub(super) const RPUSHX: Spec = Spec {
    name: "rpushx",
    summary: "Adds elements at the tail of a list that is there.",
    since: "2.2.0",
    ..LPUSH
};

pub(super) fn rpushx(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    push(cx, argv, End::Back, false)
}

fn push(cx: &mut Cx<'_, '_>, argv: &[&[u8]], end: End, create: bool) -> Result<(), Error> {
    let (key, elements) = (argv[1], &argv[2..]);
    let limits = &cx.options.limits;
    let len = if let Some(mut edit) = cx.keys.edit(key) {
        let ValueMut::List(list) = edit.value_mut() else { return Err(Error::WrongType) };
        list.push_all(end, elements, limits);
        list.len()
    } else if create {
        let mut list = Box::new(List::new());
        list.push_all(end, elements, limits);
        cx.keys.insert(key, Value::List(list), None);
        elements.len()
    } else {
        cx.out.int(0);
        return Ok(());
    };
    cx.keys.changed(key, EventClass::LIST, push_event(end), elements.len() as u64);
    cx.keys.ready(key);
    cx.out.int(len as i64);
    Ok(())
}
