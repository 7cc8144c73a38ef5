//! ZUNION and ZUNIONSTORE

use super::combine::*;
use super::reply::Members;
use command_spec::*;
use commands::{Cx, Effort, Error};
use hashing::Hasher;
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// `ZUNION`
pub(super) const ZUNION: Spec = Spec {
    name: "zunion",
    summary: "Returns the members that any of the sets has, with the sums of their scores.",
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(N)+O(M*log(M)), N being the number of members of all sets and M the number of members returned",
    quadratic: Some(QUADRATIC),
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::counted(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::integer("numkeys"), Arg::key("key").multiple(), WEIGHTS, AGGREGATE, WITHSCORES],
    reply: MEMBERS,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn zunion(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (names, rest) = parse_keys(&argv[1..], "zunion")?;
    let sources = sources(&mut cx.keys, names)?;
    let options =
        Options::parse(rest, names.len(), Allowed { weights: Some(cx.options.profile), scores: true })?;
    let union = unite(&smallest_first(&sources, &options), options.aggregate, cx.effort)?;
    let members = Members { with_scores: options.with_scores, limits: cx.options.limits };
    union.reply(&mut cx.out, members);
    Ok(())
}

/// `ZUNIONSTORE`
pub(super) const ZUNIONSTORE: Spec = Spec {
    name: "zunionstore",
    summary: "Stores the members that any of the sets has, and returns how many there are.",
    since: "2.0.0",
    arity: -4,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    keys: &[
        KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
        KeySpec::counted(2, KeyFlags::RO.union(KeyFlags::ACCESS)),
    ],
    args: &[
        Arg::key("destination"),
        Arg::integer("numkeys"),
        Arg::new("key", ArgKind::Key(1)).multiple(),
        WEIGHTS,
        AGGREGATE,
    ],
    reply: Shape::COUNT,
    ..ZUNION
};

pub(super) fn zunionstore(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (names, rest) = parse_keys(&argv[2..], "zunionstore")?;
    let sources = sources(&mut cx.keys, names)?;
    let options =
        Options::parse(rest, names.len(), Allowed { weights: Some(cx.options.profile), scores: false })?;
    let union = unite(&smallest_first(&sources, &options), options.aggregate, cx.effort)?;
    let result = union.to_set(&cx.options.limits);
    store(cx, argv[1], result, "zunionstore");
    Ok(())
}

fn unite<'k>(sources: &[Weighted<'k>], aggregate: Aggregate, effort: Effort) -> Result<Ranking<'k>, Error> {
    let len = sources.iter().map(|weighted| weighted.source.len()).sum::<usize>();
    effort.visits(len.saturating_mul(RANKED))?;
    let mut totals: HashMap<Cow<'k, [u8]>, f64, Hasher> = HashMap::with_hasher(Hasher::of_process());
    for weighted in sources {
        weighted.source.each(|member, score| {
            let mut scores = weighted.scores(score).map(zero_if_nan);
            let total = match totals.entry(text_of(member)) {
                Entry::Occupied(total) => total.into_mut(),
                Entry::Vacant(place) => place.insert(scores.next().unwrap_or_default()),
            };
            *total = scores.fold(*total, |total, score| aggregate.add(total, score));
            true
        });
    }
    Ok(Ranking::of(totals))
}
