//! HRANDFIELD

use super::read;
use crate::args::{is, negatable_int};
use crate::container::reply_item;
use crate::{Cx, Error, Random};
use command_spec::*;
use resp::{Proto, Writer};
use std::collections::HashSet;
use structures::number::IntBuffer;
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
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hrandfield(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let Some(&count) = argv.get(2) else {
        let random = cx.random.next_u64();
        match read(&mut cx.keys, argv[1])?.and_then(|hash| hash.random(random)) {
            Some((field, _)) => reply_item(&mut cx.out, field),
            None => cx.out.null(),
        }
        return Ok(());
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
    let Some(hash) = read(&mut cx.keys, argv[1])? else {
        cx.out.array(0);
        return Ok(());
    };
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 {
        let mut reply = Reply::new(&mut cx.out, wanted, with_values);
        (0..wanted).filter_map(|_| hash.random(cx.random.next_u64())).for_each(|pair| reply.pair(pair));
    } else {
        let wanted = wanted.min(hash.len());
        choose(hash, wanted, cx.random, Reply::new(&mut cx.out, wanted, with_values));
    }
    Ok(())
}

/// Writes the pairs as the protocol wants them: RESP3 nests each with its value, RESP2 has one flat array.
struct Reply<'r, 'w> {
    out: &'r mut Writer<'w>,
    with_values: bool,
}

impl<'r, 'w> Reply<'r, 'w> {
    fn new(out: &'r mut Writer<'w>, pairs: usize, with_values: bool) -> Self {
        let is_flat = with_values && out.proto() == Proto::Resp2;
        out.array(if is_flat { pairs * 2 } else { pairs });
        Reply { out, with_values }
    }

    fn pair(&mut self, (field, value): (Item<'_>, Item<'_>)) {
        if self.with_values && self.out.proto() == Proto::Resp3 {
            self.out.array(2);
        }
        reply_item(self.out, field);
        if self.with_values {
            reply_item(self.out, value);
        }
    }
}

/// Answers with this many different fields, at most all of them.
fn choose(hash: &Hash, wanted: usize, random: &mut Random, mut reply: Reply<'_, '_>) {
    if wanted * 3 < hash.len() && hash.as_listpack().is_none() {
        // Few of many: draw until enough different ones were drawn.
        let mut drawn: HashSet<Vec<u8>> = HashSet::with_capacity(wanted);
        while drawn.len() < wanted {
            let Some((field, value)) = hash.random(random.next_u64()) else { return };
            if drawn.insert(field.text(&mut IntBuffer::new()).to_vec()) {
                reply.pair((field, value));
            }
        }
        return;
    }
    // One pass: each is taken with the probability of what is still wanted among what is still to come.
    let mut wanted = wanted as u64;
    for (still_to_come, pair) in (1..=hash.len() as u64).rev().zip(hash) {
        if random.below(still_to_come) < wanted {
            reply.pair(pair);
            wanted -= 1;
        }
    }
}
