//! SDIFF and SDIFFSTORE
//!
//! There are two ways to subtract sets from the first, and the one that seems to take less is chosen:
//!
//! ```text
//!   by lookups    each member of the first is looked up in the others       size of the first × number of sets
//!   by removal    the first is copied, and the members of the others        size of all sets
//!                 are removed from the copy
//! ```
//! Lookups take about half as long, and end at the first set that has the member; so the largest sets are asked first.

use super::combine::{distinct, for_reply, reply_all, reply_each, sources, store};
use command_spec::*;
use commands::{Cx, Effort, Error};
use number::IntBuffer;
use structures::{Item, Limits, Set};

/// `SDIFF`
pub(super) const SDIFF: Spec = Spec {
    name: "sdiff",
    summary: "Returns the members of the first set that no other has.",
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N), N being the number of members of all sets",
    arity: -2,
    flags: Flags::READONLY,
    categories: Categories::SET,
    tips: &["nondeterministic_output_order"],
    keys: &[KeySpec::rest(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key").multiple()],
    reply: Shape::Set(&Shape::Bulk),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn sdiff(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let Some(difference) = Difference::of(&sources(&mut cx.keys, &argv[1..])?) else {
        cx.out.set(0);
        return Ok(());
    };
    difference.ask(cx.effort)?;
    if difference.by_lookups {
        reply_each(&mut cx.out, |visit| difference.look_up(visit));
    } else {
        let mut result = for_reply(&[&[difference.first], &difference.others[..]].concat());
        difference.remove(&mut result, &cx.options.limits);
        reply_all(&mut cx.out, &result);
    }
    Ok(())
}

/// `SDIFFSTORE`
pub(super) const SDIFFSTORE: Spec = Spec {
    name: "sdiffstore",
    summary: "Stores the members of the first set that no other has, and returns how many there are.",
    arity: -3,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    tips: &[],
    keys: &[
        KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
        KeySpec::rest(2, KeyFlags::RO.union(KeyFlags::ACCESS)),
    ],
    args: &[Arg::key("destination"), Arg::new("key", ArgKind::Key(1)).multiple()],
    reply: Shape::COUNT,
    ..SDIFF
};

pub(super) fn sdiffstore(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let limits = &cx.options.limits;
    let mut result = Set::new();
    if let Some(difference) = Difference::of(&sources(&mut cx.keys, &argv[2..])?) {
        difference.ask(cx.effort)?;
        if difference.by_lookups {
            let mut buffer = IntBuffer::new();
            difference.look_up(&mut |member| result.add(member.text(&mut buffer), limits));
        } else {
            difference.remove(&mut result, limits);
        }
    }
    store(cx, argv[1], result, "sdiffstore");
    Ok(())
}

/// What is subtracted from what, and how.
struct Difference<'k> {
    first: &'k Set,
    /// Each once, the largest first.
    others: Vec<&'k Set>,
    by_lookups: bool,
}

impl<'k> Difference<'k> {
    /// `None` if it is known to be empty.
    fn of(sets: &[Option<&'k Set>]) -> Option<Difference<'k>> {
        let first = sets[0]?;
        let there = sets.iter().copied().flatten();
        let (lookups, removals) =
            there.fold((0, 0usize), |(sets, members), set| (sets + 1, members.saturating_add(set.len())));
        let by_lookups = first.len().saturating_mul(lookups) / 2 <= removals;
        let mut others = distinct(&sets[1..]);
        if others.iter().any(|set| std::ptr::eq(*set, first)) {
            return None;
        }
        others.sort_by_key(|set| std::cmp::Reverse(set.len()));
        Some(Difference { first, others, by_lookups })
    }

    fn ask(&self, effort: Effort) -> Result<(), Error> {
        let others = self.others.iter().map(|set| set.len()).sum::<usize>();
        let (first, sets) = (self.first.len(), 1 + self.others.len());
        effort.visits(if self.by_lookups { first.saturating_mul(sets) } else { first + others })
    }

    /// Visits the members of the first set that no other has, until `visit` refuses one.
    fn look_up(&self, visit: &mut dyn FnMut(Item<'_>) -> bool) {
        for member in self.first.iter().filter(|member| !self.others.iter().any(|set| set.has(*member))) {
            if !visit(member) {
                return;
            }
        }
    }

    /// Copies the first set and removes the members of all others.
    fn remove(&self, result: &mut Set, limits: &Limits) {
        let mut buffer = IntBuffer::new();
        for member in self.first {
            result.add(member.text(&mut buffer), limits);
        }
        for member in self.others.iter().copied().flatten() {
            if result.is_empty() {
                return;
            }
            result.remove(member.text(&mut buffer));
        }
    }
}
