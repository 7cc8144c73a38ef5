//! RENAME and RENAMENX

use super::renamed;
use command_spec::*;
use commands::{Cx, Error};
use keyspace::EventClass;

/// `RENAME`
pub(super) const RENAME: Spec = Spec {
    name: "rename",
    summary: "Renames a key, with its value and expiry, and replaces what the new name held.",
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(1), plus freeing what is replaced",
    arity: 3,
    flags: Flags::WRITE,
    categories: Categories::KEYSPACE,
    keys: &[
        KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE)),
        KeySpec::one(2, KeyFlags::OW.union(KeyFlags::UPDATE)),
    ],
    args: &[Arg::key("key"), Arg::new("newkey", ArgKind::Key(1))],
    reply: Shape::OK,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn rename(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (from, to) = (argv[1], argv[2]);
    if cx.keys.lookup_to_write(from).is_none() {
        return Err(Error::NoSuchKey);
    }
    if from != to {
        replace(cx, from, to);
    }
    cx.out.ok();
    Ok(())
}

/// `RENAMENX`
pub(super) const RENAMENX: Spec = Spec {
    name: "renamenx",
    summary: "Renames a key, with its value and expiry, only if there is no key of the new name.",
    flags: Flags::WRITE.union(Flags::FAST),
    keys: &[
        KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE)),
        KeySpec::one(2, KeyFlags::OW.union(KeyFlags::INSERT)),
    ],
    complexity: "O(1)",
    reply: Shape::YES_OR_NO,
    ..RENAME
};

pub(super) fn renamenx(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (from, to) = (argv[1], argv[2]);
    if cx.keys.lookup_to_write(from).is_none() {
        return Err(Error::NoSuchKey);
    }
    let free = from != to && cx.keys.peek(to).is_none();
    if free {
        replace(cx, from, to);
    }
    cx.out.int(i64::from(free));
    Ok(())
}

fn replace(cx: &mut Cx<'_, '_>, from: &[u8], to: &[u8]) {
    if let Some(old) = cx.keys.remove(to) {
        cx.keys.free(old, cx.settings.lazyfree_lazy_server_del);
    }
    let Some(entry) = cx.keys.remove(from) else { return };
    cx.keys.insert_box(renamed(entry, to));
    cx.keys.ready(to);
    cx.changed(from, EventClass::GENERIC, "rename_from");
    cx.keys.changed(to, EventClass::GENERIC, "rename_to", 0);
}
