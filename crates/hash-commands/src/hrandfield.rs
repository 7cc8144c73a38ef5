//! HRANDFIELD

use super::read;
use command_spec::*;
use commands::args::{is, negatable_int};
use commands::container::reply_item;
use commands::drawing::{Drawn, FRAME_BYTES, draw};
use commands::{Cx, Error, Random, Rest};
use number::IntBuffer;
use resp::{Proto, Writer};
use std::collections::HashSet;
use structures::{Hash, Item};

/// `HRANDFIELD`
pub(super) const HRANDFIELD: Spec = Spec {
    name: "hrandfield",
    summary: "Returns random fields, each once at most, or with repetitions if the count is negative.",
    since: "6.2.0",
    group: Group::Hash,
    complexity: "O(N), N being the number of fields returned",
    arity: -2,
    flags: Flags::READONLY,
    categories: Categories::HASH,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::block("options", &[Arg::integer("count"), Arg::word("withvalues", "WITHVALUES").optional()])
            .optional(),
    ],
    reply: Shape::OneOf(&[
        Shape::Bulk,
        Shape::Null,
        Shape::Array(&Shape::Bulk),
        Shape::Pairs(&Shape::Bulk, &Shape::Bulk),
    ]),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hrandfield(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<Option<Box<dyn Rest>>, Error> {
    let Some(&count) = argv.get(2) else {
        let random = cx.random.next_u64();
        match read(&mut cx.keys, argv[1])?.and_then(|hash| hash.random(random)) {
            Some((field, _)) => reply_item(&mut cx.out, field),
            None => cx.out.null(),
        }
        return Ok(None);
    };
    let count = negatable_int(count)?;
    let with_values = match argv[3..] {
        [] => false,
        [word] if is(word, "WITHVALUES") => true,
        _ => return Err(Error::Syntax),
    };
    if with_values && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(Error::OutOfRange);
    }
    let effort = cx.effort;
    let Some(hash) = read(&mut cx.keys, argv[1])? else {
        cx.out.array(0);
        return Ok(None);
    };
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let reply = Reply { with_values };
    let without_expired;
    let hash = if hash.may_hide() {
        effort.visits(hash.hash().len())?;
        without_expired = hash.to_hash(&cx.options.limits);
        &without_expired
    } else {
        hash.hash()
    };
    if hash.is_empty() {
        cx.out.array(0);
        return Ok(None);
    }
    if count < 0 {
        reply.head(&mut cx.out, wanted);
        return Ok(draw(hash, reply, wanted, cx.random, &mut cx.out));
    }
    let wanted = wanted.min(hash.len());
    effort.visits(wanted)?;
    reply.head(&mut cx.out, wanted);
    choose(hash, wanted, cx.random, reply, &mut cx.out);
    Ok(None)
}

impl Drawn for Reply {
    type Collection = Hash;

    fn len(hash: &Hash) -> usize {
        hash.len()
    }

    fn memory(hash: &Hash) -> usize {
        hash.memory()
    }

    fn reply_bytes(self, hash: &Hash) -> usize {
        hash.iter().map(|pair| self.bytes(pair)).sum()
    }

    fn reply_random(self, hash: &Hash, number: u64, out: &mut Writer<'_>) {
        if let Some(pair) = hash.random(number) {
            self.pair(out, pair);
        }
    }
}

/// Writes the pairs as the protocol wants them: RESP3 nests each with its value, RESP2 has one flat array.
#[derive(Debug, Clone, Copy)]
struct Reply {
    with_values: bool,
}

impl Reply {
    fn head(self, out: &mut Writer<'_>, pairs: usize) {
        let is_flat = self.with_values && out.proto() == Proto::Resp2;
        out.array(if is_flat { pairs * 2 } else { pairs });
    }

    fn pair(self, out: &mut Writer<'_>, (field, value): (Item<'_>, Item<'_>)) {
        if self.with_values && out.proto() == Proto::Resp3 {
            out.array(2);
        }
        reply_item(out, field);
        if self.with_values {
            reply_item(out, value);
        }
    }

    /// How long a pair is in the reply, about: RESP3 adds a few bytes to one with a value.
    fn bytes(self, (field, value): (Item<'_>, Item<'_>)) -> usize {
        let len = |item: Item<'_>| FRAME_BYTES + item.text(&mut IntBuffer::new()).len();
        len(field) + if self.with_values { len(value) } else { 0 }
    }
}

/// Answers with this many different fields, at most all of them.
fn choose(hash: &Hash, wanted: usize, random: &mut Random, reply: Reply, out: &mut Writer<'_>) {
    if wanted * 3 < hash.len() && hash.as_listpack().is_none() {
        // Few of many: draw until enough different ones were drawn.
        let mut drawn: HashSet<Vec<u8>> = HashSet::with_capacity(wanted);
        while drawn.len() < wanted && !out.is_over() {
            let Some((field, value)) = hash.random(random.next_u64()) else { return };
            if drawn.insert(field.text(&mut IntBuffer::new()).to_vec()) {
                reply.pair(out, (field, value));
            }
        }
        return;
    }
    // One pass: each is taken with the probability of what is still wanted among what is still to come.
    let mut wanted = wanted as u64;
    for (still_to_come, pair) in (1..=hash.len() as u64).rev().zip(hash) {
        if out.is_over() {
            return;
        }
        if random.below(still_to_come) < wanted {
            reply.pair(out, pair);
            wanted -= 1;
        }
    }
}
