//! HGETEX

use super::fields::{Change, FIELDS, counted, find_fields};
use super::read;
use command_spec::*;
use commands::container::reply_item;
use commands::when::{WHEN_OR_PERSIST, Wish};
use commands::{Cx, Error};
use std::collections::HashSet;

/// `HGETEX`
pub(super) const HGETEX: Spec = Spec {
    name: "hgetex",
    summary: "Returns the values of several fields, and sets or removes their expiry.",
    since: "9.0.0",
    group: Group::Hash,
    complexity: "O(N), N being the number of fields",
    arity: -5,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))],
    args: &[Arg::key("key"), WHEN_OR_PERSIST, FIELDS],
    reply: Shape::Array(&Shape::BULK_OR_NULL),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hgetex(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let key = argv[1];
    let words = find_fields(argv, 2)?;
    let wish = Wish::parse(&argv[2..words])?;
    let fields = counted(argv, words + 1, 1)?;
    let now_ms = cx.keys.now_ms();
    let is_primary = cx.is_primary();
    let hash = read(&mut cx.keys, key)?;
    // The type is judged before the time.
    let change = match wish {
        Wish::Keep => None,
        Wish::Persist => Some(Change::Persist),
        Wish::Expire(when) => Some(Change::at(when.resolve_for_field(now_ms, "hgetex")?, now_ms, is_primary)),
    };
    cx.out.array(fields.len());
    // A field that is deleted is not there when it is named again.
    let mut deleted: Option<HashSet<&[u8]>> = (change == Some(Change::Passed)).then(HashSet::new);
    cx.out.each(fields, |out, &field| {
        let is_named_again = deleted.as_mut().is_some_and(|deleted| !deleted.insert(field));
        match hash.and_then(|hash| hash.get(field)).filter(|_| !is_named_again) {
            Some(value) => reply_item(out, value),
            None => out.null(),
        }
    });
    if let Some(change) = change {
        let wanted = |old: Option<u64>| change != Change::Persist || old.is_some();
        let changed = change.apply(cx, key, fields, wanted, |_, _| {})?;
        change.replicate(cx, key, &changed);
    }
    Ok(())
}
