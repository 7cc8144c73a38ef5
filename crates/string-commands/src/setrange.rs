//! SETRANGE

use super::{checked_len, grow, string_len};
use command_spec::*;
use commands::args::int;
use commands::{Cx, Error};
use keyspace::EventClass;

/// `SETRANGE`
pub(super) const SETRANGE: Spec = Spec {
    name: "setrange",
    summary: "Overwrites a part of the string at a key from an offset on, filling a gap before it with zero bytes.",
    since: "2.2.0",
    group: Group::String,
    complexity: "O(M), M being the number of bytes written",
    arity: 4,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    args: &[Arg::key("key"), Arg::integer("offset"), Arg::string("value")],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn setrange(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (key, part) = (argv[1], argv[3]);
    let offset = usize::try_from(int(argv[2])?).map_err(|_| Error::OffsetOutOfRange)?;
    let most = cx.settings.proto_max_bulk_len_bytes as usize;
    let len = if let Some(mut edit) = cx.keys.edit(key) {
        let before = string_len(edit.value())?;
        if part.is_empty() {
            cx.out.int(before as i64);
            return Ok(());
        }
        let end = checked_len(offset, part.len(), most)?;
        let len = before.max(end);
        cx.effort.copies(len - before)?;
        let bytes = edit.bytes_mut();
        grow(bytes, len);
        bytes.resize(len, 0);
        bytes[offset..end].copy_from_slice(part);
        len
    } else {
        if part.is_empty() {
            cx.out.int(0);
            return Ok(());
        }
        let len = checked_len(offset, part.len(), most)?;
        cx.effort.copies(len)?;
        let mut bytes = vec![0; len];
        bytes[offset..].copy_from_slice(part);
        cx.keys.insert_raw_string(key, bytes);
        len
    };
    cx.changed(key, EventClass::STRING, "setrange");
    cx.out.int(len as i64);
    Ok(())
}
