//! APPEND

use super::{checked_len, grow, string_len};
use command_spec::*;
use commands::{Cx, Error};
use keyspace::{EventClass, Ttl};

/// `APPEND`
pub(super) const APPEND: Spec = Spec {
    name: "append",
    summary: "Adds bytes to the end of the string at a key. The key is created if it is not there.",
    since: "2.0.0",
    group: Group::String,
    complexity: "O(1) amortised: space is reserved ahead",
    arity: 3,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::INSERT))],
    args: &[Arg::key("key"), Arg::string("value")],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn append(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (key, tail) = (argv[1], argv[2]);
    let most = cx.settings.proto_max_bulk_len_bytes as usize;
    let len = if let Some(mut edit) = cx.keys.edit(key) {
        let len = checked_len(string_len(edit.value())?, tail.len(), most)?;
        let bytes = edit.bytes_mut();
        if len > bytes.capacity() {
            // It moves.
            cx.effort.copies(len)?;
        }
        grow(bytes, len);
        bytes.extend_from_slice(tail);
        len
    } else {
        cx.keys.put_string(key, tail, Ttl::Clear);
        tail.len()
    };
    cx.changed(key, EventClass::STRING, "append");
    cx.out.int(len as i64);
    Ok(())
}
