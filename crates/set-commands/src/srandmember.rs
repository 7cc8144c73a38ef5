//! SRANDMEMBER

use super::read;
use command_spec::*;
use commands::args::negatable_int;
use commands::container::reply_item;
use commands::drawing::{Drawn, FRAME_BYTES, draw};
use commands::{Cx, Error, Rest};
use number::IntBuffer;
use resp::Writer;
use structures::Set;

/// `SRANDMEMBER`
pub(super) const SRANDMEMBER: Spec = Spec {
    name: "srandmember",
    summary: "Returns random members, each once at most, or with repetitions if the count is negative.",
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N), N being the number of members returned",
    arity: -2,
    flags: Flags::READONLY,
    categories: Categories::SET,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key"), Arg::integer("count").optional().since("2.6.0")],
    reply: Shape::OneOf(&[Shape::Bulk, Shape::Null, Shape::Array(&Shape::Bulk)]),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn srandmember(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<Option<Box<dyn Rest>>, Error> {
    let count = match argv[2..] {
        [] => None,
        [count] => Some(negatable_int(count)?),
        _ => return Err(Error::Syntax),
    };
    let effort = cx.effort;
    let set = read(&mut cx.keys, argv[1])?;
    let (Some(set), Some(count)) = (set, count) else {
        match (set.and_then(|set| set.random(cx.random.next_u64())), count) {
            (Some(member), _) => reply_item(&mut cx.out, member),
            (None, None) => cx.out.null(),
            (None, Some(_)) => cx.out.array(0),
        }
        return Ok(None);
    };
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 {
        cx.out.array(wanted);
        return Ok(draw(set, Members, wanted, cx.random, &mut cx.out));
    }
    let wanted = wanted.min(set.len());
    effort.visits(wanted)?;
    cx.out.array(wanted);
    let (out, random) = (&mut cx.out, &mut *cx.random);
    set.choose(
        wanted,
        || random.next_u64(),
        |member| {
            reply_item(out, member);
            !out.is_over()
        },
    );
    Ok(None)
}

/// Writes members as they are.
#[derive(Debug, Clone, Copy)]
struct Members;

impl Drawn for Members {
    type Collection = Set;

    fn len(set: &Set) -> usize {
        set.len()
    }

    fn memory(set: &Set) -> usize {
        set.memory()
    }

    fn reply_bytes(self, set: &Set) -> usize {
        set.iter().map(|member| FRAME_BYTES + member.text(&mut IntBuffer::new()).len()).sum()
    }

    fn reply_random(self, set: &Set, number: u64, out: &mut Writer<'_>) {
        if let Some(member) = set.random(number) {
            reply_item(out, member);
        }
    }
}
