//! RANDOMKEY

use crate::{Cx, Error};
use command_spec::*;

/// `RANDOMKEY`
pub(super) const RANDOMKEY: Spec = Spec {
    name: "randomkey",
    summary: "Returns the name of a random key, null if the database is empty.",
    since: "1.0.0",
    group: Group::Generic,
    arity: 1,
    flags: Flags::READONLY.union(Flags::TOUCHES_ARBITRARY_KEYS),
    categories: Categories::KEYSPACE,
    tips: &["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
    need: Need::SlotBySlot,
    ..Spec::BASE
};

/// Expired keys that are met before another way is tried: many may have expired at the same time.
const TRIES: usize = 100;

pub(super) fn randomkey(cx: &mut Cx<'_, '_>, _argv: &[&[u8]]) -> Result<(), Error> {
    for _ in 0..TRIES {
        let random = cx.random.next_u64();
        let Some(key) = cx.keys.sample(random, |entry| entry.key().to_vec())? else { continue };
        // An expired one is removed now.
        if cx.keys.peek(&key).is_some() {
            cx.out.bulk(&key);
            return Ok(());
        }
    }
    match first(cx)? {
        Some(key) => cx.out.bulk(&key),
        None => cx.out.null(),
    }
    Ok(())
}

/// The first key that has not expired.
fn first(cx: &mut Cx<'_, '_>) -> Result<Option<Vec<u8>>, Error> {
    let mut from = 0;
    while let Some(slot) = cx.keys.next_occupied(from) {
        let mut within = 0;
        loop {
            let mut key = None;
            within = cx.keys.scan_slot(slot, within, 1, |entry| key = Some(entry.key().to_vec()))?;
            if key.is_some() {
                return Ok(key);
            }
            if within == 0 {
                break;
            }
        }
        from = slot.index() + 1;
    }
    Ok(None)
}
