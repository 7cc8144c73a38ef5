//! SRANDMEMBER

use super::read;
use crate::args::negatable_int;
use crate::container::reply_item;
use crate::{Cx, Error, Random, Rest};
use command_spec::*;
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
        return Ok(draw(set, wanted, cx.random, &mut cx.out));
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

/// Draws at once up to so many members, or as many as the set has; more come in pieces.
const SHORT: usize = 1000;

/// Answers with this many members of a set that is not empty, each drawn from all of them.
fn draw(set: &Set, wanted: usize, random: &mut Random, out: &mut Writer<'_>) -> Option<Box<dyn Rest>> {
    out.array(wanted);
    if wanted <= set.len().max(SHORT) {
        out.each(0..wanted, |out, _| reply_random(out, set, random));
        return None;
    }
    /// The lines around a short text: `$1`, two line ends.
    const FRAME_BYTES: usize = 6;
    let all: usize = set.iter().map(|member| FRAME_BYTES + member.text(&mut IntBuffer::new()).len()).sum();
    let member_bytes = all / set.len();
    if !out.fits(set.memory().saturating_add(member_bytes.saturating_mul(wanted))) {
        return None;
    }
    let random = Random::new(random.next_u64());
    Some(Box::new(Draws { set: set.clone(), left: wanted, member_bytes, random }))
}

/// What is left of a reply of members drawn with repetitions, from a copy of the set: it is the shorter of the two.
#[derive(Debug)]
struct Draws {
    set: Set,
    left: usize,
    /// The length of a member in the reply, on average.
    member_bytes: usize,
    random: Random,
}

impl Rest for Draws {
    fn write(&mut self, out: &mut Writer<'_>, bytes: usize) -> bool {
        let end = out.position().saturating_add(bytes);
        while self.left > 0 && out.position() < end && !out.is_over() {
            reply_random(out, &self.set, &mut self.random);
            self.left -= 1;
        }
        self.left > 0 && !out.is_over()
    }

    fn bytes(&self) -> usize {
        self.set.memory().saturating_add(self.member_bytes.saturating_mul(self.left))
    }
}

fn reply_random(out: &mut Writer<'_>, set: &Set, random: &mut Random) {
    if let Some(member) = set.random(random.next_u64()) {
        reply_item(out, member);
    }
}
