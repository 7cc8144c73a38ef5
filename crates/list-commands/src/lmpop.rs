//! LMPOP

use super::{parse_end, popped, reply_pop, reply_pops};
use command_spec::*;
use commands::popping::Pops;
use commands::{Cx, Error};
use number::IntBuffer;
use structures::End;
use table::ValueMut;

/// `LMPOP`
pub(super) const LMPOP: Spec = Spec {
    name: "lmpop",
    summary: "Pops elements from the first of several lists that is there; returns its key with them.",
    since: "7.0.0",
    group: Group::List,
    complexity: "O(N+M), N being the number of keys and M the number of elements returned",
    arity: -4,
    flags: Flags::WRITE,
    categories: Categories::LIST,
    keys: &[KeySpec::counted(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))],
    args: &[
        Arg::integer("numkeys"),
        Arg::key("key").multiple(),
        Arg::one_of("where", &[Arg::word("left", "LEFT"), Arg::word("right", "RIGHT")]),
        Arg::integer("count").token("COUNT").optional(),
    ],
    reply: Shape::OneOf(&[Shape::Tuple(&[Shape::Bulk, Shape::Array(&Shape::Bulk)]), Shape::NullArray]),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn lmpop(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let pops = Pops::parse(&argv[1..], parse_end)?;
    if !pop_first(cx, &argv[2..2 + pops.keys], pops.end, Some(pops.count))? {
        cx.out.null_array();
    }
    Ok(())
}

/// Pops from the first list that is there, answers with its key and the element (an array of them with a count), and
/// replicates that as a plain LPOP or RPOP; false, and nothing has happened, if there is none.
pub(super) fn pop_first(
    cx: &mut Cx<'_, '_>,
    keys: &[&[u8]],
    end: End,
    count: Option<usize>,
) -> Result<bool, Error> {
    for &key in keys {
        let Some(mut edit) = cx.keys.edit(key) else { continue };
        let ValueMut::List(list) = edit.value_mut() else { return Err(Error::WrongType) };
        let limits = &cx.options.limits;
        cx.out.array(2);
        cx.out.bulk(key);
        let removed = match count {
            Some(count) => reply_pops(&mut cx.out, list, end, count, limits),
            None => {
                reply_pop(&mut cx.out, list, end, limits);
                1
            }
        };
        let is_empty = list.is_empty();
        popped(cx, key, end, removed, is_empty);
        let name: &[u8] = if end == End::Front { b"LPOP" } else { b"RPOP" };
        match count {
            Some(_) => cx.replicate(&[name, key, IntBuffer::new().format(removed as i64)]),
            None => cx.replicate(&[name, key]),
        }
        return Ok(true);
    }
    Ok(false)
}
