//! HDEL

use super::delete_if_empty;
use super::fields::delete_alive;
use command_spec::*;
use commands::{Cx, Error};
use keyspace::EventClass;
use table::ValueMut;

/// `HDEL`
pub(super) const HDEL: Spec = Spec {
    name: "hdel",
    summary: "Removes fields, and the key with its last field; returns how many were there.",
    since: "2.0.0",
    group: Group::Hash,
    complexity: "O(N), N being the number of fields to remove",
    arity: -3,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
    args: &[Arg::key("key"), Arg::string("field").multiple()],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hdel(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let key = argv[1];
    let Some(mut edit) = cx.keys.edit(key) else {
        cx.out.int(0);
        return Ok(());
    };
    let ValueMut::Hash(hash) = edit.value_mut() else { return Err(Error::WrongType) };
    let removed = if hash.is_volatile() {
        delete_alive(cx, key, &argv[2..])?.len()
    } else {
        let removed = argv[2..].iter().filter(|field| hash.remove(field)).count();
        let is_empty = hash.is_empty();
        if removed > 0 {
            cx.keys.changed(key, EventClass::HASH, "hdel", removed as u64);
        }
        delete_if_empty(cx, key, is_empty);
        removed
    };
    cx.out.int(removed as i64);
    Ok(())
}
