//! ZRANGESTORE

use super::combine::store;
use super::query::{Fixed, Query};
use super::read;
use command_spec::*;
use commands::{Cx, Error};
use number::IntBuffer;
use structures::SortedSet;

/// `ZRANGESTORE`
pub(super) const ZRANGESTORE: Spec = Spec {
    name: "zrangestore",
    summary: "Stores the members of a range of another sorted set, and returns how many there are.",
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)+M), N being the number of members of the source and M the number of members stored",
    arity: -5,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::SORTEDSET,
    keys: &[
        KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
        KeySpec::one(2, KeyFlags::RO.union(KeyFlags::ACCESS)),
    ],
    args: &[
        Arg::key("dst"),
        Arg::new("src", ArgKind::Key(1)),
        Arg::string("min"),
        Arg::string("max"),
        Arg::one_of("sortby", &[Arg::word("byscore", "BYSCORE"), Arg::word("bylex", "BYLEX")]).optional(),
        Arg::word("rev", "REV").optional(),
        Arg::block("limit", &[Arg::integer("offset"), Arg::integer("count")]).token("LIMIT").optional(),
    ],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn zrangestore(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let query = Query::parse(&argv[3..], Fixed { stores: true, ..Fixed::default() }, cx.options.profile)?;
    let (effort, options) = (cx.effort, cx.options);
    let mut result = SortedSet::new();
    if let Some(set) = read(&mut cx.keys, argv[2])? {
        let ranks = query.ranks(set, options.profile);
        effort.visits(ranks.len())?;
        let mut buffer = IntBuffer::new();
        if query.is_by_rank() {
            // How many there will be is known to the real servers here only. It shows in the sign of a zero.
            result.expect(ranks.len(), 0, &options.limits);
        }
        for (member, score) in set.range(ranks, query.direction) {
            result.insert(member.text(&mut buffer), score, &options.limits);
        }
    }
    store(cx, argv[1], result, "zrangestore");
    Ok(())
}
