//! ZREM

use command_spec::*;
use commands::container::remove_empty;
use commands::{Cx, Error};
use keyspace::EventClass;
use table::ValueMut;

/// `ZREM`
pub(super) const ZREM: Spec = Spec {
    name: "zrem",
    summary: "Removes members, and the key with its last member; returns how many were there.",
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(M*log(N)), N being the number of members of the set and M the number of members to remove",
    arity: -3,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
    args: &[Arg::key("key"), Arg::string("member").multiple()],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn zrem(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let key = argv[1];
    let Some(mut edit) = cx.keys.edit(key) else {
        cx.out.int(0);
        return Ok(());
    };
    let ValueMut::SortedSet(set) = edit.value_mut() else { return Err(Error::WrongType) };
    let removed = argv[2..].iter().filter(|member| set.remove(member).is_some()).count();
    let is_empty = set.is_empty();
    if removed > 0 {
        cx.keys.changed(key, EventClass::ZSET, "zrem", removed as u64);
    }
    if is_empty {
        remove_empty(&mut cx.keys, key);
    }
    cx.out.int(removed as i64);
    Ok(())
}
