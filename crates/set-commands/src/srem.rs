//! SREM

use command_spec::*;
use commands::container::remove_empty;
use commands::{Cx, Error};
use keyspace::EventClass;
use table::ValueMut;

/// `SREM`
pub(super) const SREM: Spec = Spec {
    name: "srem",
    summary: "Removes members, and the key with its last member; returns how many were there.",
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N), N being the number of members to remove",
    arity: -3,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::SET,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
    args: &[Arg::key("key"), Arg::string("member").multiple()],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn srem(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let key = argv[1];
    let Some(mut edit) = cx.keys.edit(key) else {
        cx.out.int(0);
        return Ok(());
    };
    let ValueMut::Set(set) = edit.value_mut() else { return Err(Error::WrongType) };
    let removed = argv[2..].iter().filter(|member| set.remove(member)).count();
    let is_empty = set.is_empty();
    if removed > 0 {
        cx.keys.changed(key, EventClass::SET, "srem", removed as u64);
    }
    if is_empty {
        remove_empty(&mut cx.keys, key);
    }
    cx.out.int(removed as i64);
    Ok(())
}
