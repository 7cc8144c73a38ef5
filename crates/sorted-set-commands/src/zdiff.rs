//! ZDIFF and ZDIFFSTORE
//!
//! As with sets, there are two ways to subtract from the first, and the one that seems to take less is chosen: its members are
//! looked up in the others, or those of the others are removed from a copy of it.

use super::combine::*;
use super::reply::Members;
use command_spec::*;
use commands::{Cx, Effort, Error};
use hashing::Hasher;
use std::borrow::Cow;
use std::collections::HashMap;

/// `ZDIFF`
pub(super) const ZDIFF: Spec = Spec {
    name: "zdiff",
    summary: "Returns the members of the first set that no other has.",
    since: "6.2.0",
    group: Group::SortedSet,
    complexity: "O(L+N*log(N)), L being the number of members of all sets and N the number of members of the first",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::counted(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::integer("numkeys"), Arg::key("key").multiple(), WITHSCORES],
    reply: MEMBERS,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn zdiff(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (names, rest) = parse_keys(&argv[1..], "zdiff")?;
    let sources = sources(&mut cx.keys, names)?;
    let options = Options::parse(rest, names.len(), Allowed { weights: None, scores: true })?;
    let difference = subtract(&sources, cx.effort)?;
    let members = Members { with_scores: options.with_scores, limits: cx.options.limits };
    difference.reply(&mut cx.out, members);
    Ok(())
}

/// `ZDIFFSTORE`
pub(super) const ZDIFFSTORE: Spec = Spec {
    name: "zdiffstore",
    summary: "Stores the members of the first set that no other has, and returns how many there are.",
    arity: -4,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    keys: &[
        KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
        KeySpec::counted(2, KeyFlags::RO.union(KeyFlags::ACCESS)),
    ],
    args: &[Arg::key("destination"), Arg::integer("numkeys"), Arg::new("key", ArgKind::Key(1)).multiple()],
    reply: Shape::COUNT,
    ..ZDIFF
};

pub(super) fn zdiffstore(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (names, rest) = parse_keys(&argv[2..], "zdiffstore")?;
    let sources = sources(&mut cx.keys, names)?;
    Options::parse(rest, names.len(), Allowed { weights: None, scores: false })?;
    let result = subtract(&sources, cx.effort)?.to_set(&cx.options.limits);
    store(cx, argv[1], result, "zdiffstore");
    Ok(())
}

fn subtract<'k>(sources: &[Option<Source<'k>>], effort: Effort) -> Result<Ranking<'k>, Error> {
    let Some(first) = sources[0] else { return Ok(Ranking::of([])) };
    let mut others = distinct(&sources[1..]);
    if others.iter().any(|other| other.address() == first.address()) {
        return Ok(Ranking::of([]));
    }
    // What has the member is found early in the largest.
    others.sort_by_key(|other| std::cmp::Reverse(other.len()));
    let lookups = first.len().saturating_mul(1 + others.len());
    let removals = first.len() + others.iter().map(|other| other.len()).sum::<usize>();
    let ranked = first.len().saturating_mul(RANKED - 1);
    // A lookup takes about half as long as a removal.
    if lookups / 2 <= removals {
        effort.visits(lookups.saturating_add(ranked))?;
        let mut left = Vec::new();
        first.each(|member, score| {
            let text = text_of(member);
            if !others.iter().any(|other| other.score(&text).is_some()) {
                left.push((text, score));
            }
            true
        });
        return Ok(Ranking::of(left));
    }
    effort.visits(removals.saturating_add(ranked))?;
    let mut left: HashMap<Cow<'k, [u8]>, f64, Hasher> =
        HashMap::with_capacity_and_hasher(first.len(), Hasher::of_process());
    first.each(|member, score| {
        left.insert(text_of(member), score);
        true
    });
    for other in others {
        other.each(|member, _| {
            left.remove(&text_of(member));
            !left.is_empty()
        });
    }
    Ok(Ranking::of(left))
}

/// The sources that are there, each once.
fn distinct<'k>(sources: &[Option<Source<'k>>]) -> Vec<Source<'k>> {
    let mut seen = std::collections::HashSet::new();
    sources.iter().copied().flatten().filter(|source| seen.insert(source.address())).collect()
}
