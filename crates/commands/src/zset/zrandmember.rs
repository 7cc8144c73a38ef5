//! ZRANDMEMBER

use super::read;
use super::reply::Members;
use crate::args::{is, negatable_int};
use crate::container::reply_item;
use crate::{Cx, Error, Random, Rest};
use command_spec::*;
use number::IntBuffer;
use resp::Writer;
use structures::SortedSet;

/// `ZRANDMEMBER`
pub(super) const ZRANDMEMBER: Spec = Spec {
    name: "zrandmember",
    summary: "Returns random members, each once at most, or with repetitions if the count is negative.",
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(N), N being the number of members returned",
    arity: -2,
    flags: Flags::READONLY,
    categories: Categories::SORTEDSET,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::block("options", &[Arg::integer("count"), Arg::word("withscores", "WITHSCORES").optional()])
            .optional(),
    ],
    reply: Shape::OneOf(&[
        Shape::Bulk,
        Shape::Null,
        Shape::Array(&Shape::Bulk),
        Shape::Pairs(&Shape::Bulk, &Shape::Double),
    ]),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn zrandmember(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<Option<Box<dyn Rest>>, Error> {
    let Some(&count) = argv.get(2) else {
        let random = cx.random.next_u64();
        match read(&mut cx.keys, argv[1])?.and_then(|set| set.random(random)) {
            Some((member, _)) => reply_item(&mut cx.out, member),
            None => cx.out.null(),
        }
        return Ok(None);
    };
    let count = negatable_int(count)?;
    let with_scores = match argv[3..] {
        [] => false,
        [word] if is(word, "WITHSCORES") => true,
        _ => return Err(Error::Syntax),
    };
    if with_scores && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(Error::OutOfRange);
    }
    let members = Members { with_scores, limits: cx.options.limits };
    let effort = cx.effort;
    let Some(set) = read(&mut cx.keys, argv[1])? else {
        cx.out.array(0);
        return Ok(None);
    };
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 {
        return Ok(draw(set, wanted, members, cx.random, &mut cx.out));
    }
    let wanted = wanted.min(set.len());
    effort.visits(wanted)?;
    members.head(&mut cx.out, wanted);
    let (out, random) = (&mut cx.out, &mut *cx.random);
    set.choose(
        wanted,
        || random.next_u64(),
        |member, score| {
            members.one(out, (member, score));
            !out.is_over()
        },
    );
    Ok(None)
}

/// Draws at once up to so many members, or as many as the set has; more come in pieces.
const SHORT: usize = 1000;

/// Answers with this many members of a set that is not empty, each drawn from all of them.
fn draw(
    set: &SortedSet,
    wanted: usize,
    members: Members,
    random: &mut Random,
    out: &mut Writer<'_>,
) -> Option<Box<dyn Rest>> {
    members.head(out, wanted);
    if wanted <= set.len().max(SHORT) {
        out.each(0..wanted, |out, _| reply_random(out, set, members, random));
        return None;
    }
    /// The lines around a short text: `$1`, two line ends; and about as much for a score.
    const FRAME_BYTES: usize = 6;
    let bytes = |text: &[u8]| FRAME_BYTES + text.len();
    let all: usize = set.iter().map(|(member, _)| bytes(member.text(&mut IntBuffer::new()))).sum();
    let member_bytes = all / set.len() + if members.with_scores { 2 * FRAME_BYTES } else { 0 };
    if !out.fits(set.memory().saturating_add(member_bytes.saturating_mul(wanted))) {
        return None;
    }
    let random = Random::new(random.next_u64());
    Some(Box::new(Draws { set: set.clone(), left: wanted, members, member_bytes, random }))
}

/// What is left of a reply of members drawn with repetitions, from a copy of the set: it is the shorter of the two.
#[derive(Debug)]
struct Draws {
    set: SortedSet,
    left: usize,
    members: Members,
    /// The length of a member in the reply, on average.
    member_bytes: usize,
    random: Random,
}

impl Rest for Draws {
    fn write(&mut self, out: &mut Writer<'_>, bytes: usize) -> bool {
        let end = out.position().saturating_add(bytes);
        while self.left > 0 && out.position() < end && !out.is_over() {
            reply_random(out, &self.set, self.members, &mut self.random);
            self.left -= 1;
        }
        self.left > 0 && !out.is_over()
    }

    fn bytes(&self) -> usize {
        self.set.memory().saturating_add(self.member_bytes.saturating_mul(self.left))
    }
}

fn reply_random(out: &mut Writer<'_>, set: &SortedSet, members: Members, random: &mut Random) {
    if let Some(member) = set.random(random.next_u64()) {
        members.one(out, member);
    }
}
