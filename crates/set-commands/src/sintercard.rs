//! SINTERCARD

use super::combine::sources;
use super::sinter::{ask, common, smallest_first};
use command_spec::*;
use commands::args::{int, is};
use commands::{Cx, Error};

/// `SINTERCARD`
pub(super) const SINTERCARD: Spec = Spec {
    name: "sintercard",
    summary: "Returns how many members all sets have, counting up to a limit.",
    since: "7.0.0",
    group: Group::Set,
    complexity: "O(N*M), N being the size of the smallest set and M the number of sets",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::SET,
    keys: &[KeySpec::counted(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::integer("numkeys"),
        Arg::key("key").multiple(),
        Arg::integer("limit").token("LIMIT").optional(),
    ],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

/// The number of keys, and how far is counted.
fn parse(args: &[&[u8]]) -> Result<(usize, Option<usize>), Error> {
    let number = |arg| int(arg).ok().and_then(|int| usize::try_from(int).ok());
    let keys = number(args[0])
        .filter(|&keys| keys > 0)
        .ok_or(Error::text("ERR numkeys should be greater than 0"))?;
    if keys > args.len() - 1 {
        return Err(Error::text("ERR Number of keys can't be greater than number of args"));
    }
    let mut limit = None;
    let mut rest = &args[1 + keys..];
    while let [word, value, after @ ..] = rest {
        if !is(word, "LIMIT") {
            return Err(Error::Syntax);
        }
        let value = number(value).ok_or(Error::text("ERR LIMIT can't be negative"))?;
        limit = (value > 0).then_some(value);
        rest = after;
    }
    if rest.is_empty() { Ok((keys, limit)) } else { Err(Error::Syntax) }
}

pub(super) fn sintercard(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (keys, limit) = parse(&argv[1..])?;
    let sets = smallest_first(&sources(&mut cx.keys, &argv[2..2 + keys])?);
    ask(cx.effort, &sets)?;
    let mut count = 0;
    common(&sets, &mut |_| {
        count += 1;
        limit.is_none_or(|limit| count < limit)
    });
    cx.out.int(count as i64);
    Ok(())
}
