//! COPY

use super::database;
use command_spec::*;
use commands::args::is;
use commands::{Cx, Effort, Error};
use keyspace::EventClass;
use structures::{Value, ValueRef};
use table::EntryBox;

/// `COPY`
pub(super) const COPY: Spec = Spec {
    name: "copy",
    summary: "Copies the value and the expiry of a key to another key.",
    since: "6.2.0",
    group: Group::Generic,
    complexity: "O(N), N being the number of elements of a collection; O(1) for strings",
    arity: -3,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::KEYSPACE,
    keys: &[
        KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS)),
        KeySpec::one(2, KeyFlags::OW.union(KeyFlags::UPDATE)),
    ],
    reach: Reach::Options { from: 3 },
    args: &[
        Arg::key("source"),
        Arg::new("destination", ArgKind::Key(1)),
        Arg::integer("destination-db").token("DB").optional(),
        Arg::word("replace", "REPLACE").optional(),
    ],
    reply: Shape::YES_OR_NO,
    need: Need::Keys,
    ..Spec::BASE
};

struct Copy<'a> {
    from: &'a [u8],
    to: &'a [u8],
    db: u16,
    replace: bool,
}

fn parse<'a>(cx: &Cx<'_, '_>, argv: &[&'a [u8]]) -> Result<Copy<'a>, Error> {
    let mut copy = Copy { from: argv[1], to: argv[2], db: cx.keys.db(), replace: false };
    let mut rest = argv[3..].iter();
    while let Some(arg) = rest.next() {
        if is(arg, "REPLACE") {
            copy.replace = true;
        } else if is(arg, "DB") {
            copy.db = database(cx, rest.next().ok_or(Error::Syntax)?)?;
        } else {
            return Err(Error::Syntax);
        }
    }
    Ok(copy)
}

pub(super) fn copy(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let copy = parse(cx, argv)?;
    if copy.db == cx.keys.db() && copy.from == copy.to {
        return Err(Error::SameObject);
    }
    let copied = copy_entry(cx, &copy)?;
    cx.out.int(i64::from(copied));
    Ok(())
}

fn copy_entry(cx: &mut Cx<'_, '_>, copy: &Copy<'_>) -> Result<bool, Error> {
    let effort = cx.effort;
    let Some(source) = cx.keys.lookup(copy.from) else { return Ok(false) };
    go_through(effort, source.value())?;
    let clock = cx.keys.new_clock();
    let mut target = cx.keys.in_db(copy.db);
    if target.peek(copy.to).is_some() {
        if !copy.replace {
            return Ok(false);
        }
        if let Some(old) = target.remove(copy.to) {
            target.free(old, cx.settings.lazyfree_lazy_server_del);
        }
    }
    let Some(source) = cx.keys.peek(copy.from) else { return Ok(false) };
    let mut entry = EntryBox::new(copy.to, duplicate(source.value()), source.expire_at());
    if source.is_raw() {
        entry.set_raw();
    }
    entry.as_ref().set_lru(clock);
    let mut target = cx.keys.in_db(copy.db);
    target.insert_box(entry);
    target.ready(copy.to);
    target.changed(copy.to, EventClass::GENERIC, "copy_to", 1);
    Ok(true)
}

/// Whether a value may be gone through as a whole.
pub(super) fn go_through(effort: Effort, value: ValueRef<'_>) -> Result<(), Error> {
    match value {
        ValueRef::Int(_) => Ok(()),
        ValueRef::Bytes(bytes) => effort.copies(bytes.len()),
        ValueRef::List(list) => effort.compares(list.len()),
        ValueRef::Hash(hash) => effort.visits(hash.len()),
        ValueRef::Set(set) => effort.visits(set.len()),
        ValueRef::SortedSet(set) => effort.visits(set.len()),
        // Its bytes are copied node by node.
        ValueRef::Stream(stream) => effort.copies(stream.memory()),
    }
}

fn duplicate(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Int(int) => Value::Int(int),
        ValueRef::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::List(list) => Value::List(Box::new(list.clone())),
        ValueRef::Hash(hash) => Value::Hash(Box::new(hash.clone())),
        ValueRef::Set(set) => Value::Set(Box::new(set.clone())),
        ValueRef::SortedSet(set) => Value::SortedSet(Box::new(set.clone())),
        ValueRef::Stream(stream) => Value::Stream(Box::new(stream.clone())),
    }
}
