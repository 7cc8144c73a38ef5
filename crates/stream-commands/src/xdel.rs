//! XDEL

use super::ids;
use command_spec::*;
use commands::{Cx, Error};
use keyspace::EventClass;
use structures::StreamId;
use table::ValueMut;

/// `XDEL`
pub(super) const XDEL: Spec = Spec {
    name: "xdel",
    summary: "Deletes entries of a stream; returns how many there were.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N), N being the number of entries to delete",
    arity: -3,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
    args: &[Arg::key("key"), Arg::string("ID").multiple()],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn xdel(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let key = argv[1];
    let Some(mut edit) = cx.keys.edit(key) else {
        cx.out.int(0);
        return Ok(());
    };
    let ValueMut::Stream(stream) = edit.value_mut() else { return Err(Error::WrongType) };
    let ids: Vec<StreamId> = argv[2..].iter().map(|arg| ids::id(arg)).collect::<Result<_, _>>()?;
    let deleted = stream.remove(&ids);
    if deleted > 0 {
        cx.keys.changed(key, EventClass::STREAM, "xdel", deleted as u64);
    }
    cx.out.int(deleted as i64);
    Ok(())
}
