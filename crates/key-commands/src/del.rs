//! DEL and UNLINK

use command_spec::*;
use commands::{Cx, Error};
use keyspace::EventClass;

/// `DEL`
pub(super) const DEL: Spec = Spec {
    name: "del",
    summary: "Deletes keys and returns how many were there.",
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(N), N being the number of keys, plus the elements of collections",
    arity: -2,
    flags: Flags::WRITE,
    categories: Categories::KEYSPACE,
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    keys: &[KeySpec::rest(1, KeyFlags::RM.union(KeyFlags::DELETE))],
    args: &[Arg::key("key").multiple()],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn del(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    remove_all(cx, &argv[1..], cx.settings.lazyfree_lazy_user_del);
    Ok(())
}

/// `UNLINK`
pub(super) const UNLINK: Spec = Spec {
    name: "unlink",
    summary: "Deletes keys and returns how many were there; large values are freed by another thread.",
    since: "4.0.0",
    complexity: "O(N), N being the number of keys",
    flags: Flags::WRITE.union(Flags::FAST),
    ..DEL
};

pub(super) fn unlink(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    remove_all(cx, &argv[1..], true);
    Ok(())
}

fn remove_all(cx: &mut Cx<'_, '_>, keys: &[&[u8]], lazy: bool) {
    let mut removed = 0;
    for key in keys {
        if let Some(entry) = cx.keys.remove(key) {
            cx.keys.free(entry, lazy);
            cx.changed(key, EventClass::GENERIC, "del");
            removed += 1;
        }
    }
    cx.out.int(removed);
}
