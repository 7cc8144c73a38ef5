//! What values made of elements have in common.

use keyspace::{EventClass, Keys};
use resp::Writer;
use structures::Item;

/// Writes an element as a bulk string.
#[inline]
pub fn reply_item(out: &mut Writer<'_>, item: Item<'_>) {
    match item {
        Item::Int(int) => out.bulk_int(int),
        Item::Bytes(bytes) => out.bulk(bytes),
    }
}

/// Removes a key whose last element has gone, and describes that as `del`: there are no empty containers.
pub fn remove_empty(keys: &mut Keys<'_, '_>, key: &[u8]) {
    keys.remove(key);
    keys.event(key, EventClass::GENERIC, "del");
}
