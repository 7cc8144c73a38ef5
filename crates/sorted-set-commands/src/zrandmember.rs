//! ZRANDMEMBER

use super::read;
use super::reply::Members;
use command_spec::*;
use commands::args::{is, negatable_int};
use commands::container::reply_item;
use commands::drawing::{Drawn, FRAME_BYTES, draw};
use commands::{Cx, Error, Rest};
use number::IntBuffer;
use resp::Writer;
use structures::{Item, SortedSet};

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
        members.head(&mut cx.out, wanted);
        return Ok(draw(set, members, wanted, cx.random, &mut cx.out));
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

impl Drawn for Members {
    type Collection = SortedSet;

    fn len(set: &SortedSet) -> usize {
        set.len()
    }

    fn memory(set: &SortedSet) -> usize {
        set.memory()
    }

    /// A score counts as a short text and the lines around it.
    fn reply_bytes(self, set: &SortedSet) -> usize {
        let text = |member: Item<'_>| FRAME_BYTES + member.text(&mut IntBuffer::new()).len();
        let texts: usize = set.iter().map(|(member, _)| text(member)).sum();
        texts + if self.with_scores { 2 * FRAME_BYTES * set.len() } else { 0 }
    }

    fn reply_random(self, set: &SortedSet, number: u64, out: &mut Writer<'_>) {
        if let Some(member) = set.random(number) {
            self.one(out, member);
        }
    }
}
