//! SMOVE

use command_spec::*;
use commands::container::remove_empty;
use commands::{Cx, Error};
use keyspace::EventClass;
use structures::Value;
use table::ValueMut;

use super::set_for;

/// `SMOVE`
pub(super) const SMOVE: Spec = Spec {
    name: "smove",
    summary: "Moves a member from one set to another; tells whether it was there.",
    since: "1.0.0",
    group: Group::Set,
    arity: 4,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::SET,
    keys: &[
        KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE)),
        KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT)),
    ],
    args: &[Arg::key("source"), Arg::new("destination", ArgKind::Key(1)), Arg::string("member")],
    reply: Shape::YES_OR_NO,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn smove(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let was_there = move_member(cx, argv[1], argv[2], argv[3])?;
    cx.out.int(i64::from(was_there));
    Ok(())
}

fn move_member(cx: &mut Cx<'_, '_>, source: &[u8], destination: &[u8], member: &[u8]) -> Result<bool, Error> {
    let Some(from) = cx.keys.lookup_to_write(source) else { return Ok(false) };
    let is_member = from.value().set().ok_or(Error::WrongType)?.contains(member);
    if let Some(to) = cx.keys.lookup_to_write(destination) {
        to.value().set().ok_or(Error::WrongType)?;
    }
    if !is_member || source == destination {
        return Ok(is_member);
    }
    let Some(mut edit) = cx.keys.edit(source) else { return Ok(false) };
    let ValueMut::Set(set) = edit.value_mut() else { return Err(Error::WrongType) };
    set.remove(member);
    let is_empty = set.is_empty();
    cx.keys.changed(source, EventClass::SET, "srem", 1);
    if is_empty {
        remove_empty(&mut cx.keys, source);
    }
    let (limits, profile) = (&cx.options.limits, cx.options.profile);
    let is_new = if let Some(mut edit) = cx.keys.edit(destination) {
        let ValueMut::Set(set) = edit.value_mut() else { return Err(Error::WrongType) };
        set.add(member, limits)
    } else {
        let mut set = Box::new(set_for(member, 1, limits, profile));
        set.add(member, limits);
        cx.keys.insert(destination, Value::Set(set), None);
        true
    };
    if is_new {
        cx.keys.changed(destination, EventClass::SET, "sadd", 1);
    }
    Ok(true)
}
