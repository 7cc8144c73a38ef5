//! Sorted sets computed from several others, which may be plain sets: their members have the score 1.
//!
//! ```text
//!   numkeys key … [WEIGHTS weight …] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]
//!
//!   keys ─▶ sources, the smallest first ─▶ member: score × weight, aggregated ─▶ sorted ─▶ reply, or a key
//! ```
//! Sums of doubles depend on their order, so sources are added in that of the real servers. A source that is named several times
//! in a row is read once, though its scores count each time.

use super::reply::Members;
use command_spec::{Arg, Shape};
use commands::args::{double, int, is};
use commands::{Cx, Error};
use keyspace::{EventClass, Keys, Ttl};
use number::IntBuffer;
use profile::Profile;
use resp::Writer;
use std::borrow::Cow;
use structures::{Item, Limits, Score, Set, SortedSet, Value};

pub(super) const WEIGHTS: Arg = Arg::integer("weight").token("WEIGHTS").optional().multiple();
pub(super) const AGGREGATE: Arg =
    Arg::one_of("aggregate", &[Arg::word("sum", "SUM"), Arg::word("min", "MIN"), Arg::word("max", "MAX")])
        .token("AGGREGATE")
        .optional();
pub(super) const WITHSCORES: Arg = Arg::word("withscores", "WITHSCORES").optional();
/// Members, or members with their scores.
pub(super) const MEMBERS: Shape =
    Shape::OneOf(&[Shape::Array(&Shape::Bulk), Shape::Pairs(&Shape::Bulk, &Shape::Double)]);

/// Why the cost of these commands may grow with the square of their arguments.
pub(super) const QUADRATIC: &str =
    "a set that is named many times is added as often to the score of each member, in floating point";

/// How many times as long as visiting a member it takes to find it a place among the others as well.
pub(super) const RANKED: usize = 3;

/// What a command reads members from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'k> {
    Sorted(&'k SortedSet),
    Plain(&'k Set),
}

impl<'k> Source<'k> {
    pub(super) fn len(self) -> usize {
        match self {
            Source::Sorted(set) => set.len(),
            Source::Plain(set) => set.len(),
        }
    }

    pub(super) fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            Source::Sorted(set) => set.score(member).map(Score::get),
            Source::Plain(set) => set.contains(member).then_some(1.0),
        }
    }

    /// Visits all members until `visit` refuses one.
    pub(super) fn each(self, mut visit: impl FnMut(Item<'k>, f64) -> bool) {
        let _ = match self {
            Source::Sorted(set) => set.iter().all(|(member, score)| visit(member, score.get())),
            Source::Plain(set) => set.iter().all(|member| visit(member, 1.0)),
        };
    }

    /// Tells sources apart: a key that is named twice is one.
    pub(super) fn address(self) -> *const () {
        match self {
            Source::Sorted(set) => std::ptr::from_ref(set).cast(),
            Source::Plain(set) => std::ptr::from_ref(set).cast(),
        }
    }
}

/// Arguments of a call.
type Args<'b, 'a> = &'b [&'a [u8]];

/// The number of keys in front, which follow it, and what follows them.
pub(super) fn parse_keys<'a, 'b>(
    args: Args<'b, 'a>,
    name: &str,
) -> Result<(Args<'b, 'a>, Args<'b, 'a>), Error> {
    let count = int(args[0])?;
    if count < 1 {
        return Err(Error::Other(format!("ERR at least 1 input key is needed for '{name}' command").into()));
    }
    let rest = &args[1..];
    usize::try_from(count).ok().and_then(|count| rest.split_at_checked(count)).ok_or(Error::Syntax)
}

/// What the keys hold; `None` for one that is not there.
pub(super) fn sources<'k>(
    keys: &'k mut Keys<'_, '_>,
    names: &[&[u8]],
) -> Result<Vec<Option<Source<'k>>>, Error> {
    for name in names {
        let value = keys.lookup(name).map(table::Entry::value);
        if value.is_some_and(|value| value.sorted_set().is_none() && value.set().is_none()) {
            return Err(Error::WrongType);
        }
    }
    let keys = &*keys;
    let source = |name: &&[u8]| {
        let value = keys.beside(name)?.value();
        value.sorted_set().map(Source::Sorted).or_else(|| value.set().map(Source::Plain))
    };
    Ok(names.iter().map(source).collect())
}

/// How scores of one member become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    pub(super) fn add(self, total: f64, score: f64) -> f64 {
        match self {
            // Infinities of both signs come to zero.
            Aggregate::Sum => zero_if_nan(total + score),
            Aggregate::Min if score < total => score,
            Aggregate::Max if score > total => score,
            Aggregate::Min | Aggregate::Max => total,
        }
    }
}

/// A zero weight makes NaN of an infinite score.
pub(super) fn zero_if_nan(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// What a command may say behind its keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    /// WEIGHTS, as this profile reads them, and AGGREGATE.
    pub(super) weights: Option<Profile>,
    /// WITHSCORES.
    pub(super) scores: bool,
}

/// What it said.
#[derive(Debug)]
pub(super) struct Options {
    /// One for each key.
    weights: Vec<f64>,
    pub(super) aggregate: Aggregate,
    pub(super) with_scores: bool,
}

impl Options {
    pub(super) fn parse(args: &[&[u8]], keys: usize, allowed: Allowed) -> Result<Options, Error> {
        let mut options = Options { weights: vec![1.0; keys], aggregate: Aggregate::Sum, with_scores: false };
        let mut rest = args;
        loop {
            rest = match (rest, allowed.weights) {
                ([], _) => return Ok(options),
                ([word, rest @ ..], Some(profile)) if rest.len() >= keys && is(word, "WEIGHTS") => {
                    for (weight, text) in options.weights.iter_mut().zip(rest) {
                        *weight =
                            double(text, profile).ok_or(Error::text("ERR weight value is not a float"))?;
                    }
                    &rest[keys..]
                }
                ([word, name, rest @ ..], Some(_)) if is(word, "AGGREGATE") => {
                    options.aggregate = match name {
                        name if is(name, "SUM") => Aggregate::Sum,
                        name if is(name, "MIN") => Aggregate::Min,
                        name if is(name, "MAX") => Aggregate::Max,
                        _ => return Err(Error::Syntax),
                    };
                    rest
                }
                ([word, rest @ ..], _) if allowed.scores && is(word, "WITHSCORES") => {
                    options.with_scores = true;
                    rest
                }
                _ => return Err(Error::Syntax),
            };
        }
    }
}

/// A source, with a weight for each time that it is named in a row.
#[derive(Debug)]
pub(super) struct Weighted<'k> {
    pub(super) source: Source<'k>,
    weights: Vec<f64>,
}

impl Weighted<'_> {
    /// What a score of this source counts, each time.
    pub(super) fn scores(&self, score: f64) -> impl Iterator<Item = f64> {
        self.weights.iter().map(move |weight| weight * score)
    }
}

/// The sources that are there, the smallest first, and those of one size in the order in which they are named: infinities show it.
/// What is named again right behind itself is one.
pub(super) fn smallest_first<'k>(sources: &[Option<Source<'k>>], options: &Options) -> Vec<Weighted<'k>> {
    let named = sources.iter().zip(&options.weights);
    let mut named: Vec<_> = named.filter_map(|(source, weight)| Some(((*source)?, *weight))).collect();
    named.sort_by_key(|(source, _)| source.len());
    let mut weighted: Vec<Weighted<'k>> = Vec::new();
    for (source, weight) in named {
        match weighted.last_mut() {
            Some(last) if last.source.address() == source.address() => last.weights.push(weight),
            _ => weighted.push(Weighted { source, weights: vec![weight] }),
        }
    }
    weighted
}

/// Members with their scores, in order.
#[derive(Debug)]
pub(super) struct Ranking<'k>(Vec<(Score, Cow<'k, [u8]>)>);

impl<'k> Ranking<'k> {
    /// Of different members in any order.
    pub(super) fn of(members: impl IntoIterator<Item = (Cow<'k, [u8]>, f64)>) -> Ranking<'k> {
        let scored = members.into_iter().filter_map(|(member, score)| Some((Score::new(score)?, member)));
        let mut ranking: Vec<_> = scored.collect();
        ranking.sort_unstable_by(|(score, member), (other, text)| {
            score.cmp(other).then_with(|| member.cmp(text))
        });
        Ranking(ranking)
    }

    /// Answers with all of them.
    pub(super) fn reply(&self, out: &mut Writer<'_>, members: Members) {
        members.head(out, self.0.len());
        out.each(&self.0, |out, (score, member)| members.one(out, (Item::Bytes(member), *score)));
    }

    /// The sorted set that they are, in the encoding that fits.
    pub(super) fn to_set(&self, limits: &Limits) -> SortedSet {
        let longest = self.0.iter().map(|(_, member)| member.len()).max().unwrap_or(0);
        let mut set = SortedSet::for_members(self.0.len(), longest, limits);
        for (score, member) in &self.0 {
            set.insert(member, *score, limits);
        }
        set
    }
}

/// A member as text.
pub(super) fn text_of(member: Item<'_>) -> Cow<'_, [u8]> {
    match member {
        Item::Bytes(text) => text.into(),
        Item::Int(int) => IntBuffer::new().format(int).to_vec().into(),
    }
}

/// As [`store_counted`], counted as one change.
pub(super) fn store(cx: &mut Cx<'_, '_>, key: &[u8], set: SortedSet, event: &'static str) {
    store_counted(cx, key, set, event, 1);
}

/// Puts a result in place of whatever the key holds, and answers with its size. An empty one deletes the key. It counts as so many
/// changes.
pub fn store_counted(cx: &mut Cx<'_, '_>, key: &[u8], set: SortedSet, event: &'static str, changes: u64) {
    cx.out.int(set.len() as i64);
    if !set.is_empty() {
        cx.keys.put(key, Value::SortedSet(Box::new(set)), Ttl::Clear);
        cx.keys.ready(key);
        cx.keys.changed(key, EventClass::ZSET, event, changes);
    } else if let Some(old) = cx.keys.remove(key) {
        cx.keys.free(old, cx.settings.lazyfree_lazy_server_del);
        cx.changed(key, EventClass::GENERIC, "del");
    }
}
