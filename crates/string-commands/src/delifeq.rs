//! DELIFEQ

use super::holds;
use command_spec::*;
use commands::{Cx, Error};
use keyspace::EventClass;

/// `DELIFEQ`
pub(super) const DELIFEQ: Spec = Spec {
    name: "delifeq",
    summary: "Deletes a key if it holds this string.",
    since: "9.0.0",
    group: Group::String,
    arity: 3,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RM.union(KeyFlags::DELETE))],
    args: &[Arg::key("key"), Arg::string("value")],
    reply: Shape::YES_OR_NO,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn delifeq(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (key, value) = (argv[1], argv[2]);
    let is_equal = holds(&mut cx.keys, key, value)?;
    if is_equal && let Some(entry) = cx.keys.remove(key) {
        cx.keys.free(entry, cx.settings.lazyfree_lazy_server_del);
        cx.changed(key, EventClass::GENERIC, "del");
        cx.replicate(&[b"DEL", key]);
    }
    cx.out.int(i64::from(is_equal));
    Ok(())
}
