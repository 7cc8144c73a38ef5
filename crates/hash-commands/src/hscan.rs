//! HSCAN

use super::read;
use command_spec::*;
use commands::scanning::{Options, cursor, reply_none};
use commands::{Cx, Error};

/// `HSCAN`
pub(super) const HSCAN: Spec = Spec {
    name: "hscan",
    summary: "Returns some of the fields of a hash and a cursor to go on with; a whole scan returns all.",
    since: "2.8.0",
    group: Group::Hash,
    complexity: "O(1) a call, O(N) for a whole scan, N being the number of fields",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::HASH,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::integer("cursor"),
        Arg::new("pattern", ArgKind::Pattern(None)).token("MATCH").optional(),
        Arg::integer("count").token("COUNT").optional(),
        Arg::word("novalues", "NOVALUES").optional().since("8.0.0"),
    ],
    reply: Shape::PAGE,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hscan(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let cursor = cursor(argv[2], cx.options.profile)?;
    let Some(hash) = read(&mut cx.keys, argv[1])? else {
        reply_none(cx);
        return Ok(());
    };
    let options = Options::parse(&argv[3..], Some("NOVALUES"), cx.options.profile)?;
    options.reply(&mut cx.out, cursor, |cursor, count, visit| {
        hash.scan(cursor, count, |field, value| visit(field, Some(value)))
    });
    Ok(())
}
