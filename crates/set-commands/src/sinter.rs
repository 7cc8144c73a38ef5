//! SINTER and SINTERSTORE
//!
//! The members of the smallest set are looked up in all others.

use super::combine::{distinct, reply_each, sources, store};
use command_spec::*;
use commands::{Cx, Effort, Error};
use structures::set::Encoding;
use structures::{Item, Set};

/// `SINTER`
pub(super) const SINTER: Spec = Spec {
    name: "sinter",
    summary: "Returns the members that all sets have.",
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N*M), N being the size of the smallest set and M the number of sets",
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

pub(super) fn sinter(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let sets = smallest_first(&sources(&mut cx.keys, &argv[1..])?);
    ask(cx.effort, &sets)?;
    reply_each(&mut cx.out, |visit| common(&sets, visit));
    Ok(())
}

/// The keys that SINTERSTORE reads.
const SOURCES: KeySpec = KeySpec::rest(2, KeyFlags::RO.union(KeyFlags::ACCESS));

/// As versions before 8.0 have them.
const OLD_KEYS: &[KeySpec] = &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE)), SOURCES];

/// `SINTERSTORE`
pub(super) const SINTERSTORE: Spec = Spec {
    name: "sinterstore",
    summary: "Stores the members that all sets have, and returns how many there are.",
    arity: -3,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    tips: &[],
    keys: &[KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)), SOURCES],
    before: &[("8.0.0", |spec| spec.keys = OLD_KEYS)],
    args: &[Arg::key("destination"), Arg::new("key", ArgKind::Key(1)).multiple()],
    reply: Shape::COUNT,
    ..SINTER
};

pub(super) fn sinterstore(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let limits = &cx.options.limits;
    let sets = smallest_first(&sources(&mut cx.keys, &argv[2..])?);
    ask(cx.effort, &sets)?;
    // Versions without listpacks of sets begin with an intset whatever the sources are.
    let is_sorted = sets.first().is_none_or(|set| set.encoding() == Encoding::IntSet);
    let begins_sorted = is_sorted || !cx.options.profile.has("7.2.0");
    let mut result = Set::in_encoding(if begins_sorted { Encoding::IntSet } else { Encoding::Listpack });
    let mut buffer = number::IntBuffer::new();
    common(&sets, &mut |member| result.add(member.text(&mut buffer), limits));
    result.become_intset(limits);
    store(cx, argv[1], result, "sinterstore");
    Ok(())
}

/// The sets to intersect, each once, the smallest first; none if one of them is not there.
pub(super) fn smallest_first<'k>(sets: &[Option<&'k Set>]) -> Vec<&'k Set> {
    if sets.iter().any(Option::is_none) {
        return Vec::new();
    }
    let mut sets = distinct(sets);
    sets.sort_by_key(|set| set.len());
    sets
}

/// Asks for intersecting these sets.
pub(super) fn ask(effort: Effort, sets: &[&Set]) -> Result<(), Error> {
    effort.visits(sets.first().map_or(0, |smallest| smallest.len().saturating_mul(sets.len())))
}

/// Visits the members that all of these sets have, the smallest of which is the first, until `visit` refuses one.
pub(super) fn common(sets: &[&Set], visit: &mut dyn FnMut(Item<'_>) -> bool) {
    let Some((smallest, others)) = sets.split_first() else { return };
    for member in smallest.iter().filter(|member| others.iter().all(|set| set.has(*member))) {
        if !visit(member) {
            return;
        }
    }
}
