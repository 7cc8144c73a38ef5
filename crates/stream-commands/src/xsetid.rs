//! XSETID

use super::{edit, ids};
use command_spec::*;
use commands::args::{int, is};
use commands::{Cx, Error};
use structures::StreamId;
use table::ValueMut;

/// `XSETID`
pub(super) const XSETID: Spec = Spec {
    name: "xsetid",
    summary: "Sets the last ID of a stream, and what else it knows besides its entries.",
    since: "5.0.0",
    group: Group::Stream,
    arity: -3,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST),
    categories: Categories::STREAM,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::string("last-id"),
        Arg::integer("entries-added").token("ENTRIESADDED").optional().since("7.0.0"),
        Arg::string("max-deleted-id").token("MAXDELETEDID").optional().since("7.0.0"),
    ],
    reply: Shape::OK,
    need: Need::Keys,
    ..Spec::BASE
};

/// The last ID, the count of additions, the greatest deleted ID.
fn parse(argv: &[&[u8]]) -> Result<(StreamId, Option<u64>, Option<StreamId>), Error> {
    let last = ids::id(argv[2])?;
    let (mut added, mut deleted) = (None, None);
    let mut rest = &argv[3..];
    loop {
        rest = match *rest {
            [] => return Ok((last, added, deleted)),
            [word, count, ref rest @ ..] if is(word, "ENTRIESADDED") => {
                let count = u64::try_from(int(count)?);
                added = Some(count.map_err(|_| Error::text("ERR entries_added must be positive"))?);
                rest
            }
            [word, id, ref rest @ ..] if is(word, "MAXDELETEDID") => {
                let id = ids::id(id)?;
                if last < id {
                    return Err(Error::text(
                        "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id",
                    ));
                }
                deleted = Some(id).filter(|id| *id != StreamId::MIN);
                rest
            }
            _ => return Err(Error::Syntax),
        };
    }
}

pub(super) fn xsetid(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let key = argv[1];
    let (last, added, deleted) = parse(argv)?;
    let since_7_2 = cx.options.profile.has("7.2.0");
    let Some(mut edit) = cx.keys.edit(key) else { return Err(Error::NoSuchKey) };
    let ValueMut::Stream(stream) = edit.value_mut() else { return Err(Error::WrongType) };
    if since_7_2 && last < stream.ids().max_deleted {
        return Err(Error::text(
            "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id",
        ));
    }
    if let Some(top) = stream.last_entry_id() {
        if last < top {
            return Err(Error::text(
                "ERR The ID specified in XSETID is smaller than the target stream top item",
            ));
        }
        if added.is_some_and(|added| added < stream.len() as u64) {
            return Err(Error::text(
                "ERR The entries_added specified in XSETID is smaller than the target stream length",
            ));
        }
    }
    stream.set_last_id(last, added, deleted);
    edit::changed(cx, key, "xsetid");
    cx.out.ok();
    Ok(())
}
