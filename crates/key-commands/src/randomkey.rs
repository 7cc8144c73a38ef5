//! RANDOMKEY

use command_spec::*;
use commands::{Cx, Error};

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
    reply: Shape::BULK_OR_NULL,
    need: Need::SlotBySlot,
    before: &[("7.2.0", |spec| spec.tips = &["request_policy:all_shards", "nondeterministic_output"])],
    ..Spec::BASE
};

/// How many expired keys that this node must not delete, as on a replica, are skipped before one of them is the answer.
const TRIES: usize = 100;

pub(super) fn randomkey(cx: &mut Cx<'_, '_>, _argv: &[&[u8]]) -> Result<(), Error> {
    let mut tries = TRIES;
    loop {
        let random = cx.random.next_u64();
        let Some(key) = cx.keys.sample(random, |entry| entry.key().to_vec())? else {
            cx.out.null();
            return Ok(());
        };
        tries = tries.saturating_sub(1);
        // On a primary, the look-up removes an expired one, so that this ends; unless a snapshot needs it.
        if cx.keys.peek(&key).is_some() || tries == 0 && cx.keys.expired_since(&key, 0) {
            cx.out.bulk(&key);
            return Ok(());
        }
    }
}
