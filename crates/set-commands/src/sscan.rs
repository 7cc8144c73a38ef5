//! SSCAN

use super::read;
use command_spec::*;
use commands::scanning::{Options, cursor, reply_none};
use commands::{Cx, Error};

/// `SSCAN`
pub(super) const SSCAN: Spec = Spec {
    name: "sscan",
    summary: "Returns some of the members of a set and a cursor to go on with; a whole scan returns all.",
    since: "2.8.0",
    group: Group::Set,
    complexity: "O(1) a call, O(N) for a whole scan, N being the number of members",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::SET,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::integer("cursor"),
        Arg::new("pattern", ArgKind::Pattern(None)).token("MATCH").optional(),
        Arg::integer("count").token("COUNT").optional(),
    ],
    reply: Shape::PAGE,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn sscan(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let cursor = cursor(argv[2], cx.options.profile)?;
    let Some(set) = read(&mut cx.keys, argv[1])? else {
        reply_none(cx);
        return Ok(());
    };
    let options = Options::parse(&argv[3..], None, cx.options.profile)?;
    options.reply(&mut cx.out, cursor, |cursor, count, visit| {
        set.scan(cursor, count, |member| visit(member, None))
    });
    Ok(())
}
