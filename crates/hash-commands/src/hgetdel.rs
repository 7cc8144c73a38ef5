//! HGETDEL

use super::fields::{FIELDS, counted, delete_alive};
use super::read;
use command_spec::*;
use commands::args::is;
use commands::container::reply_item;
use commands::{Cx, Error};
use std::collections::HashSet;

/// `HGETDEL`
pub(super) const HGETDEL: Spec = Spec {
    name: "hgetdel",
    summary: "Returns the values of several fields and deletes these.",
    since: "9.1.0",
    group: Group::Hash,
    complexity: "O(N), N being the number of fields",
    arity: -5,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))],
    args: &[Arg::key("key"), FIELDS],
    reply: Shape::Array(&Shape::BULK_OR_NULL),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hgetdel(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    if !is(argv[2], "FIELDS") {
        return Err(Error::Syntax);
    }
    let fields = counted(argv, 3, 1)?;
    let hash = read(&mut cx.keys, argv[1])?;
    cx.out.array(fields.len());
    let mut named = HashSet::with_capacity(fields.len());
    cx.out.each(fields, |out, &field| {
        let is_first = named.insert(field);
        match hash.and_then(|hash| hash.get(field)).filter(|_| is_first) {
            Some(value) => reply_item(out, value),
            None => out.null(),
        }
    });
    delete_alive(cx, argv[1], fields)?;
    Ok(())
}
