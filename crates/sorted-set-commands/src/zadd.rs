//! ZADD and ZINCRBY

use super::reply::reply_score;
use command_spec::*;
use commands::args::{double, is};
use commands::{Cx, Error};
use keyspace::EventClass;
use profile::Profile;
use structures::sorted_set::Updated;
use structures::{Limits, Score, SortedSet, Value};
use table::ValueMut;

/// `ZADD`
pub(super) const ZADD: Spec = Spec {
    name: "zadd",
    summary: "Adds members with their scores to a sorted set, or changes the scores of those it has.",
    since: "1.2.0",
    group: Group::SortedSet,
    complexity: "O(log(N)) for each member, N being the number of members of the set",
    arity: -4,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::FAST),
    categories: Categories::SORTEDSET,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::one_of("condition", &[Arg::word("nx", "NX"), Arg::word("xx", "XX")]).optional().since("3.0.2"),
        Arg::one_of("comparison", &[Arg::word("gt", "GT"), Arg::word("lt", "LT")]).optional().since("6.2.0"),
        Arg::word("change", "CH").optional().since("3.0.2"),
        Arg::word("increment", "INCR").optional().since("3.0.2"),
        Arg::block("data", &[Arg::new("score", ArgKind::Double), Arg::string("member")]).multiple(),
    ],
    reply: Shape::OneOf(&[Shape::COUNT, Shape::Double, Shape::Null]),
    need: Need::Keys,
    ..Spec::BASE
};

/// Runs ZADD. A GEOADD is a ZADD in other words, and comes here with these.
///
/// # Errors
/// Those of ZADD.
pub fn zadd(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    add(cx, argv, Options::default())
}

/// `ZINCRBY`
pub(super) const ZINCRBY: Spec = Spec {
    name: "zincrby",
    summary: "Adds to the score of a member and returns the sum. A member that is not there counts as 0.",
    complexity: "O(log(N)), N being the number of members of the set",
    arity: 4,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::UPDATE))],
    args: &[Arg::key("key"), Arg::integer("increment"), Arg::string("member")],
    reply: Shape::Double,
    ..ZADD
};

pub(super) fn zincrby(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    add(cx, argv, Options { increment: true, ..Options::default() })
}

#[derive(Debug, Clone, Copy, Default)]
struct Options {
    /// NX: only members that are not there.
    new_only: bool,
    /// XX: only members that are there.
    old_only: bool,
    /// GT: scores only become greater.
    greater: bool,
    /// LT: scores only become less.
    less: bool,
    /// CH: changed members count as well.
    count_changed: bool,
    /// INCR: the number is added to the score.
    increment: bool,
}

impl Options {
    /// Takes one word; false if it is none of them.
    fn take(&mut self, word: &[u8]) -> bool {
        let options = [
            ("NX", &mut self.new_only),
            ("XX", &mut self.old_only),
            ("GT", &mut self.greater),
            ("LT", &mut self.less),
            ("CH", &mut self.count_changed),
            ("INCR", &mut self.increment),
        ];
        let option = options.into_iter().find(|(name, _)| is(word, name));
        option.map(|(_, option)| *option = true).is_some()
    }

    /// Options that exclude each other.
    fn check(&self, pairs: usize) -> Result<(), Error> {
        if self.new_only && self.old_only {
            return Err(Error::text("ERR XX and NX options at the same time are not compatible"));
        }
        if (self.new_only && (self.greater || self.less)) || (self.greater && self.less) {
            return Err(Error::text("ERR GT, LT, and/or NX options at the same time are not compatible"));
        }
        if self.increment && pairs > 1 {
            return Err(Error::text("ERR INCR option supports a single increment-element pair"));
        }
        Ok(())
    }

    /// The score for a member that has this one, or is not there; `None` leaves it as it is. The error is a sum that is NaN.
    fn decide(&self, before: Option<Score>, given: Score) -> Result<Option<Score>, Error> {
        let Some(before) = before else { return Ok((!self.old_only).then_some(given)) };
        if self.new_only {
            return Ok(None);
        }
        let after = match self.increment {
            true => Score::new(before.get() + given.get())
                .ok_or(Error::text("ERR resulting score is not a number (NaN)"))?,
            false => given,
        };
        let is_refused = (self.less && after >= before) || (self.greater && after <= before);
        Ok((!is_refused).then_some(after))
    }

    fn event(&self) -> &'static str {
        if self.increment { "zincr" } else { "zadd" }
    }
}

/// What became of the members.
#[derive(Debug, Default)]
struct Outcome {
    added: usize,
    changed: usize,
    /// The last member's score, unless that member was left as it was.
    score: Option<Score>,
}

impl Outcome {
    fn count(&mut self, updated: Updated) {
        self.score = updated.after;
        match (updated.before, updated.after) {
            (None, Some(_)) => self.added += 1,
            (Some(before), Some(after)) if before != after => self.changed += 1,
            (Some(_), Some(_)) | (_, None) => {}
        }
    }
}

/// `[options] score member …` from the third argument on.
fn parse(args: &[&[u8]], mut options: Options) -> Result<(Options, usize), Error> {
    let words = args.iter().take_while(|word| options.take(word)).count();
    let rest = args.len() - words;
    if rest == 0 || !rest.is_multiple_of(2) {
        return Err(Error::Syntax);
    }
    options.check(rest / 2)?;
    Ok((options, words))
}

fn add(cx: &mut Cx<'_, '_>, argv: &[&[u8]], options: Options) -> Result<(), Error> {
    let key = argv[1];
    let (options, words) = parse(&argv[2..], options)?;
    let (pairs, _) = argv[2 + words..].as_chunks::<2>();
    // All scores are read before the first one is used.
    let mut scores = Vec::with_capacity(pairs.len());
    let profile = cx.options.profile;
    for [score, _] in pairs {
        scores.push(double(score, profile).and_then(Score::new).ok_or(Error::NotFloat)?);
    }
    let limits = &cx.options.limits;
    let (count, longest) = expected(pairs, cx.options.profile);
    let outcome = if let Some(mut edit) = cx.keys.edit(key) {
        let ValueMut::SortedSet(set) = edit.value_mut() else { return Err(Error::WrongType) };
        set.expect(count, longest, limits);
        put(set, pairs, &scores, options, limits)?
    } else if options.old_only {
        Outcome::default()
    } else {
        let longest = longest.max(pairs[0][1].len());
        let mut set = Box::new(SortedSet::for_members(count, longest, limits));
        let outcome = put(&mut set, pairs, &scores, options, limits)?;
        cx.keys.insert(key, Value::SortedSet(set), None);
        cx.keys.ready(key);
        outcome
    };
    let changes = outcome.added + outcome.changed;
    if changes > 0 {
        cx.keys.changed(key, EventClass::ZSET, options.event(), changes as u64);
    }
    match (options.increment, outcome.score) {
        (true, Some(score)) => reply_score(&mut cx.out, score, limits),
        (true, None) => cx.out.null(),
        (false, _) if options.count_changed => cx.out.int(changes as i64),
        (false, _) => cx.out.int(outcome.added as i64),
    }
    Ok(())
}

/// How many members a set is prepared for before the first is added, and for how long ones. What a version does not look at
/// is 0; the first member of a new set counts in all of them.
fn expected(pairs: &[[&[u8]; 2]], profile: Profile) -> (usize, usize) {
    let count = if profile.has("7.2.0") { pairs.len() } else { 0 };
    let lengths = pairs.iter().map(|[_, member]| member.len());
    let longest = if profile.has("8.1.0") { lengths.max() } else { None };
    (count, longest.unwrap_or(0))
}

/// Adds the members. Only an increment can fail, and it is of one member: nothing has changed then.
fn put(
    set: &mut SortedSet,
    pairs: &[[&[u8]; 2]],
    scores: &[Score],
    options: Options,
    limits: &Limits,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome::default();
    for ([_, member], given) in pairs.iter().zip(scores) {
        let mut failed = None;
        let updated = set.update(member, limits, |before| {
            options.decide(before, *given).unwrap_or_else(|error| {
                failed = Some(error);
                None
            })
        });
        match failed {
            Some(error) => return Err(error),
            None => outcome.count(updated),
        }
    }
    Ok(outcome)
}
