//! DBSIZE

use command_spec::*;
use commands::{Cx, Error};

/// `DBSIZE`
pub(super) const DBSIZE: Spec = Spec {
    name: "dbsize",
    summary: "Returns the number of keys of the database.",
    since: "1.0.0",
    group: Group::Server,
    arity: 1,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::KEYSPACE,
    tips: &["request_policy:all_shards", "response_policy:agg_sum"],
    reply: Shape::COUNT,
    need: Need::SlotBySlot,
    ..Spec::BASE
};

pub(super) fn dbsize(cx: &mut Cx<'_, '_>, _argv: &[&[u8]]) -> Result<(), Error> {
    let keys = cx.keys.space().len(cx.keys.db());
    cx.out.int(keys as i64);
    Ok(())
}
