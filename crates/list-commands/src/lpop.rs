//! LPOP and RPOP

use super::{popped, reply_pop, reply_pops};
use command_spec::*;
use commands::args::int;
use commands::{Cx, Error};
use structures::End;
use table::ValueMut;

/// `LPOP`
pub(super) const LPOP: Spec = Spec {
    name: "lpop",
    summary: "Removes elements from the head of a list and returns them.",
    since: "1.0.0",
    group: Group::List,
    complexity: "O(N), N being the number of elements returned",
    arity: -2,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::LIST,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))],
    args: &[Arg::key("key"), Arg::integer("count").optional().since("6.2.0")],
    reply: Shape::OneOf(&[Shape::Bulk, Shape::Array(&Shape::Bulk), Shape::Null, Shape::NullArray]),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn lpop(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    pop(cx, argv, End::Front, "lpop")
}

/// `RPOP`
pub(super) const RPOP: Spec =
    Spec { name: "rpop", summary: "Removes elements from the tail of a list and returns them.", ..LPOP };

pub(super) fn rpop(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    pop(cx, argv, End::Back, "rpop")
}

fn pop(cx: &mut Cx<'_, '_>, argv: &[&[u8]], end: End, name: &'static str) -> Result<(), Error> {
    let key = argv[1];
    let count = match argv[2..] {
        [] => None,
        [count] => {
            let count = int(count).ok().and_then(|count| usize::try_from(count).ok());
            Some(count.ok_or(Error::NotPositive)?)
        }
        _ => return Err(Error::Arity(name.into())),
    };
    let Some(mut edit) = cx.keys.edit(key) else {
        match count {
            Some(_) => cx.out.null_array(),
            None => cx.out.null(),
        }
        return Ok(());
    };
    let ValueMut::List(list) = edit.value_mut() else { return Err(Error::WrongType) };
    let limits = &cx.options.limits;
    let removed = match count {
        Some(count) => {
            cx.effort.writes(count.min(list.len()))?;
            reply_pops(&mut cx.out, list, end, count, limits)
        }
        None => {
            reply_pop(&mut cx.out, list, end, limits);
            1
        }
    };
    let is_empty = list.is_empty();
    if removed > 0 {
        popped(cx, key, end, removed, is_empty);
    }
    Ok(())
}
