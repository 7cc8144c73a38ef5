//! ZINTER, ZINTERSTORE and ZINTERCARD
//!
//! The members of the smallest set are looked up in all others.

use super::combine::*;
use super::reply::Members;
use command_spec::*;
use commands::args::{int, is};
use commands::{Cx, Effort, Error};

/// `ZINTER`
pub(super) const ZINTER: Spec = Spec {
    name: "zinter",
    summary: "Returns the members that all sets have, with the sums of their scores.",
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(N*K)+O(M*log(M)), N being the size of the smallest set, K the number of sets and M the number of members returned",
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

pub(super) fn zinter(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (names, rest) = parse_keys(&argv[1..], "zinter")?;
    let sources = sources(&mut cx.keys, names)?;
    let options =
        Options::parse(rest, names.len(), Allowed { weights: Some(cx.options.profile), scores: true })?;
    let common = intersect(&sources, &options, cx.effort)?;
    let members = Members { with_scores: options.with_scores, limits: cx.options.limits };
    common.reply(&mut cx.out, members);
    Ok(())
}

/// `ZINTERSTORE`
pub(super) const ZINTERSTORE: Spec = Spec {
    name: "zinterstore",
    summary: "Stores the members that all sets have, and returns how many there are.",
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
    ..ZINTER
};

pub(super) fn zinterstore(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (names, rest) = parse_keys(&argv[2..], "zinterstore")?;
    let sources = sources(&mut cx.keys, names)?;
    let options =
        Options::parse(rest, names.len(), Allowed { weights: Some(cx.options.profile), scores: false })?;
    let result = intersect(&sources, &options, cx.effort)?.to_set(&cx.options.limits);
    store(cx, argv[1], result, "zinterstore");
    Ok(())
}

/// `ZINTERCARD`
pub(super) const ZINTERCARD: Spec = Spec {
    name: "zintercard",
    summary: "Returns how many members all sets have, counting up to a limit.",
    since: "7.0.0",
    complexity: "O(N*K), N being the size of the smallest set and K the number of sets",
    quadratic: None,
    args: &[
        Arg::integer("numkeys"),
        Arg::key("key").multiple(),
        Arg::integer("limit").token("LIMIT").optional(),
    ],
    reply: Shape::COUNT,
    ..ZINTER
};

pub(super) fn zintercard(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (names, rest) = parse_keys(&argv[1..], "zintercard")?;
    let sources = sources(&mut cx.keys, names)?;
    let limit = parse_limit(rest)?;
    let mut count = 0;
    let options = Options::parse(&[], names.len(), Allowed { weights: None, scores: false })?;
    if let Some((smallest, others)) = to_intersect(&sources, &options, cx.effort)?.split_first() {
        smallest.source.each(|member, _| {
            let text = text_of(member);
            count += usize::from(others.iter().all(|other| other.source.score(&text).is_some()));
            limit.is_none_or(|limit| count < limit)
        });
    }
    cx.out.int(count as i64);
    Ok(())
}

/// `[LIMIT limit]`, of which 0 is none.
fn parse_limit(args: &[&[u8]]) -> Result<Option<usize>, Error> {
    let mut limit = None;
    let mut rest = args;
    while let [word, value, after @ ..] = rest {
        if !is(word, "LIMIT") {
            return Err(Error::Syntax);
        }
        let value = int(value).ok().and_then(|int| usize::try_from(int).ok());
        limit = Some(value.ok_or(Error::text("ERR LIMIT can't be negative"))?).filter(|&limit| limit > 0);
        rest = after;
    }
    if rest.is_empty() { Ok(limit) } else { Err(Error::Syntax) }
}

/// The sources to intersect, the smallest first; none if one of them is not there.
fn to_intersect<'k>(
    sources: &[Option<Source<'k>>],
    options: &Options,
    effort: Effort,
) -> Result<Vec<Weighted<'k>>, Error> {
    if sources.iter().any(Option::is_none) {
        return Ok(Vec::new());
    }
    let weighted = smallest_first(sources, options);
    let smallest = weighted.first().map_or(0, |weighted| weighted.source.len());
    effort.visits(smallest.saturating_mul(weighted.len() + RANKED - 1))?;
    Ok(weighted)
}

fn intersect<'k>(
    sources: &[Option<Source<'k>>],
    options: &Options,
    effort: Effort,
) -> Result<Ranking<'k>, Error> {
    let mut common = Vec::new();
    if let Some((smallest, others)) = to_intersect(sources, options, effort)?.split_first() {
        smallest.source.each(|member, score| {
            let text = text_of(member);
            let mut scores = smallest.scores(score);
            let first = zero_if_nan(scores.next().unwrap_or_default());
            let total = scores.fold(first, |total, score| options.aggregate.add(total, score));
            let total = others.iter().try_fold(total, |total, other| {
                let score = other.source.score(&text)?;
                Some(other.scores(score).fold(total, |total, score| options.aggregate.add(total, score)))
            });
            common.extend(total.map(|total| (text, total)));
            true
        });
    }
    Ok(Ranking::of(common))
}
