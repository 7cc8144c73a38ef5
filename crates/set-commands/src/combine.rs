//! Sets computed from several others: how these are read, and where the result goes.
//!
//! A source that is named several times counts once, so what a command takes depends on what its keys hold and not on how often
//! they are named.

use super::read;
use commands::container::reply_item;
use commands::{Cx, Error};
use keyspace::{EventClass, Keys, Ttl};
use resp::Writer;
use structures::set::Encoding;
use structures::{Item, Set, Value};

/// The sets at these keys; `None` for one that is not there.
pub(super) fn sources<'k>(
    keys: &'k mut Keys<'_, '_>,
    names: &[&[u8]],
) -> Result<Vec<Option<&'k Set>>, Error> {
    for name in names {
        read(keys, name)?;
    }
    let keys = &*keys;
    Ok(names.iter().map(|name| keys.beside(name).and_then(|entry| entry.value().set())).collect())
}

/// The sets that are there, each once.
pub(super) fn distinct<'k>(sets: &[Option<&'k Set>]) -> Vec<&'k Set> {
    let mut seen = std::collections::HashSet::new();
    sets.iter().copied().flatten().filter(|set| seen.insert(std::ptr::from_ref(*set))).collect()
}

/// An empty set for the members of others that are about to be answered: sorted if theirs are.
pub(super) fn for_reply(sets: &[&Set]) -> Set {
    let are_sorted = sets.iter().all(|set| set.encoding() == Encoding::IntSet);
    Set::in_encoding(if are_sorted { Encoding::IntSet } else { Encoding::Table })
}

/// Answers with all members of a set.
pub(super) fn reply_all(out: &mut Writer<'_>, set: &Set) {
    out.set(set.len());
    out.each(set, reply_item);
}

/// Answers with the members that `each` visits until it is told to stop.
pub(super) fn reply_each(out: &mut Writer<'_>, each: impl FnOnce(&mut dyn FnMut(Item<'_>) -> bool)) {
    let head = out.deferred();
    let mut len = 0;
    each(&mut |member| {
        reply_item(out, member);
        len += 1;
        !out.is_over()
    });
    out.finish_set(head, len);
}

/// Puts a result in place of whatever the key holds, and answers with its size. An empty one deletes the key.
pub(super) fn store(cx: &mut Cx<'_, '_>, key: &[u8], set: Set, event: &'static str) {
    cx.out.int(set.len() as i64);
    if !set.is_empty() {
        cx.keys.put(key, Value::Set(Box::new(set)), Ttl::Clear);
        cx.changed(key, EventClass::SET, event);
    } else if let Some(old) = cx.keys.remove(key) {
        cx.keys.free(old, cx.settings.lazyfree_lazy_server_del);
        cx.changed(key, EventClass::GENERIC, "del");
    }
}
