//! ZMPOP

use super::zpop::{name, pop};
use command_spec::*;
use commands::args::is;
use commands::popping::Pops;
use commands::{Cx, Error};
use number::IntBuffer;
use structures::End;

/// `ZMPOP`
pub(super) const ZMPOP: Spec = Spec {
    name: "zmpop",
    summary: "Pops members from the first of several sorted sets that is there; returns its key with them.",
    since: "7.0.0",
    group: Group::SortedSet,
    complexity: "O(K)+O(M*log(N)), K being the number of keys, N the number of members and M the number of members returned",
    arity: -4,
    flags: Flags::WRITE,
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::counted(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))],
    args: &[Arg::integer("numkeys"), Arg::key("key").multiple(), WHERE, COUNT],
    reply: POPPED,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) const WHERE: Arg = Arg::one_of("where", &[Arg::word("min", "MIN"), Arg::word("max", "MAX")]);
pub(super) const COUNT: Arg = Arg::integer("count").token("COUNT").optional();
/// A key, and nested pairs whatever the protocol.
pub(super) const POPPED: Shape = Shape::OneOf(&[
    Shape::Tuple(&[Shape::Bulk, Shape::Array(&Shape::Tuple(&[Shape::Bulk, Shape::Double]))]),
    Shape::NullArray,
]);

/// `MIN` or `MAX`: the end of the order.
pub(super) fn parse_end(word: &[u8]) -> Result<End, Error> {
    match word {
        word if is(word, "MIN") => Ok(End::Front),
        word if is(word, "MAX") => Ok(End::Back),
        _ => Err(Error::Syntax),
    }
}

pub(super) fn zmpop(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let pops = Pops::parse(&argv[1..], parse_end)?;
    if !pop_first(cx, &argv[2..2 + pops.keys], pops.end, Some(pops.count))? {
        cx.out.null_array();
    }
    Ok(())
}

/// Pops from the first sorted set that is there, answers with its key and the member (an array of pairs with a count), and
/// replicates that as a plain ZPOPMIN or ZPOPMAX; false, and nothing has happened, if there is none.
pub(super) fn pop_first(
    cx: &mut Cx<'_, '_>,
    keys: &[&[u8]],
    end: End,
    count: Option<usize>,
) -> Result<bool, Error> {
    let effort = cx.effort;
    for &key in keys {
        let Some(entry) = cx.keys.lookup_to_write(key) else { continue };
        let len = entry.value().sorted_set().ok_or(Error::WrongType)?.len();
        let popped = count.unwrap_or(1).min(len);
        effort.visits(popped)?;
        match count {
            Some(_) => {
                cx.out.array(2);
                cx.out.bulk(key);
                cx.out.array(popped);
            }
            None => {
                cx.out.array(3);
                cx.out.bulk(key);
            }
        }
        pop(cx, key, end, popped, count.is_some())?;
        match count {
            Some(_) => cx.replicate(&[name(end), key, IntBuffer::new().format(popped as i64)]),
            None => cx.replicate(&[name(end), key]),
        }
        return Ok(true);
    }
    Ok(false)
}
