//! MSET and MSETNX

use command_spec::*;
use commands::{Cx, Error};
use keyspace::{EventClass, Ttl};

/// `MSET`
pub(super) const MSET: Spec = Spec {
    name: "mset",
    summary: "Sets the string values of several keys at once.",
    since: "1.0.1",
    group: Group::String,
    complexity: "O(N), N being the number of keys",
    arity: -3,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::STRING,
    tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
    keys: &[KeySpec {
        flags: KeyFlags::OW.union(KeyFlags::UPDATE),
        begin: BeginSearch::Index(1),
        find: FindKeys::Range { last: -1, step: 2, limit: 0 },
    }],
    args: &[Arg::block("data", &[Arg::key("key"), Arg::string("value")]).multiple()],
    reply: Shape::OK,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn mset(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    put_all(cx, pairs(argv, "mset")?);
    cx.out.ok();
    Ok(())
}

/// `MSETNX`
pub(super) const MSETNX: Spec = Spec {
    name: "msetnx",
    summary: "Sets the string values of several keys at once, only if none of the keys is there.",
    keys: &[KeySpec {
        flags: KeyFlags::OW.union(KeyFlags::INSERT),
        begin: BeginSearch::Index(1),
        find: FindKeys::Range { last: -1, step: 2, limit: 0 },
    }],
    reply: Shape::YES_OR_NO,
    before: &[("8.0.0", |spec| {
        spec.tips = &["request_policy:multi_shard", "response_policy:agg_min"];
    })],
    tips: &[],
    ..MSET
};

pub(super) fn msetnx(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let pairs = pairs(argv, "msetnx")?;
    let free = pairs.iter().all(|[key, _]| cx.keys.lookup_to_write(key).is_none());
    if free {
        put_all(cx, pairs);
    }
    cx.out.int(i64::from(free));
    Ok(())
}

fn pairs<'a, 'b>(argv: &'b [&'a [u8]], command: &'static str) -> Result<&'b [[&'a [u8]; 2]], Error> {
    match argv[1..].as_chunks() {
        (pairs, []) => Ok(pairs),
        _ => Err(Error::Arity(command.into())),
    }
}

fn put_all(cx: &mut Cx<'_, '_>, pairs: &[[&[u8]; 2]]) {
    for [key, value] in pairs {
        cx.keys.put_string(key, value, Ttl::Clear);
        cx.changed(key, EventClass::STRING, "set");
    }
}
