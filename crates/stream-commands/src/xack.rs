//! XACK

use super::{ids, read};
use command_spec::*;
use commands::{Cx, Error};
use structures::StreamId;
use table::ValueMut;

/// `XACK`
pub(super) const XACK: Spec = Spec {
    name: "xack",
    summary: "Acknowledges entries that are pending in a group; returns how many were.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N), N being the number of entries to acknowledge",
    arity: -4,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    args: &[Arg::key("key"), Arg::string("group"), Arg::string("ID").multiple()],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn xack(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (key, group) = (argv[1], argv[2]);
    if read(&mut cx.keys, key)?.and_then(|stream| stream.group(group)).is_none() {
        cx.out.int(0);
        return Ok(());
    }
    let ids: Vec<StreamId> = argv[3..].iter().map(|arg| ids::id(arg)).collect::<Result<_, _>>()?;
    let mut acknowledged = 0;
    if let Some(mut edit) = cx.keys.edit(key)
        && let ValueMut::Stream(stream) = edit.value_mut()
        && let Some(mut group) = stream.group_mut(group)
    {
        acknowledged = ids.into_iter().filter(|id| group.ack(*id)).count();
    }
    cx.keys.effects().dirty += acknowledged as u64;
    cx.out.int(acknowledged as i64);
    Ok(())
}
