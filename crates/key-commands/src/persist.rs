//! PERSIST

use command_spec::*;
use commands::{Cx, Error};

/// `PERSIST`
pub(super) const PERSIST: Spec = Spec {
    name: "persist",
    summary: "Removes the expiry of a key.",
    since: "2.2.0",
    group: Group::Generic,
    arity: 2,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::KEYSPACE,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    args: &[Arg::key("key")],
    reply: Shape::YES_OR_NO,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn persist(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let is_volatile = cx.keys.lookup_to_write(argv[1]).is_some_and(|entry| entry.expire_at().is_some());
    if is_volatile {
        cx.persist(argv[1]);
    }
    cx.out.int(i64::from(is_volatile));
    Ok(())
}
