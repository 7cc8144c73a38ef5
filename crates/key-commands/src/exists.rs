//! EXISTS and TOUCH

use command_spec::*;
use commands::{Cx, Error};

/// `EXISTS`
pub(super) const EXISTS: Spec = Spec {
    name: "exists",
    summary: "Returns how many of the keys are there; a key that is named twice counts twice.",
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(N), N being the number of keys",
    arity: -2,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::KEYSPACE,
    tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
    keys: &[KeySpec::rest(1, KeyFlags::RO)],
    args: &[Arg::key("key").multiple()],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn exists(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let there = argv[1..].iter().filter(|key| cx.keys.lookup_untouched(key).is_some()).count();
    cx.out.int(there as i64);
    Ok(())
}

/// `TOUCH`
pub(super) const TOUCH: Spec = Spec {
    name: "touch",
    summary: "Marks keys as just used and returns how many of them are there.",
    since: "3.2.1",
    ..EXISTS
};

pub(super) fn touch(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let there = argv[1..].iter().filter(|key| cx.keys.lookup_and_touch(key).is_some()).count();
    cx.out.int(there as i64);
    Ok(())
}
