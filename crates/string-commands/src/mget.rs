//! MGET

use super::reply_string;
use command_spec::*;
use commands::{Cx, Error};

/// `MGET`
pub(super) const MGET: Spec = Spec {
    name: "mget",
    summary: "Returns the string values of several keys, null for those that hold none.",
    since: "1.0.0",
    group: Group::String,
    complexity: "O(N), N being the number of keys",
    arity: -2,
    flags: Flags::READONLY.union(Flags::FAST),
    categories: Categories::STRING,
    tips: &["request_policy:multi_shard"],
    keys: &[KeySpec::rest(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key").multiple()],
    reply: Shape::Array(&Shape::BULK_OR_NULL),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn mget(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    cx.out.array(argv.len() - 1);
    let keys = &mut cx.keys;
    cx.out.each(&argv[1..], |out, key| {
        let answered = keys.lookup(key).is_some_and(|entry| reply_string(out, entry.value()).is_ok());
        if !answered {
            out.null();
        }
    });
    Ok(())
}
