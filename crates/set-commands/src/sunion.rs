//! SUNION and SUNIONSTORE

use super::combine::{distinct, for_reply, reply_all, sources, store};
use command_spec::*;
use commands::{Cx, Effort, Error};
use number::IntBuffer;
use structures::{Limits, Set};

/// `SUNION`
pub(super) const SUNION: Spec = Spec {
    name: "sunion",
    summary: "Returns the members that any of the sets has.",
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

pub(super) fn sunion(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let sets = distinct(&sources(&mut cx.keys, &argv[1..])?);
    ask(cx.effort, &sets)?;
    match sets[..] {
        [] => cx.out.set(0),
        [only] => reply_all(&mut cx.out, only),
        _ => {
            let mut result = for_reply(&sets);
            unite(&sets, &mut result, &cx.options.limits);
            reply_all(&mut cx.out, &result);
        }
    }
    Ok(())
}

/// `SUNIONSTORE`
pub(super) const SUNIONSTORE: Spec = Spec {
    name: "sunionstore",
    summary: "Stores the members that any of the sets has, and returns how many there are.",
    arity: -3,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    tips: &[],
    keys: &[
        KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
        KeySpec::rest(2, KeyFlags::RO.union(KeyFlags::ACCESS)),
    ],
    args: &[Arg::key("destination"), Arg::new("key", ArgKind::Key(1)).multiple()],
    reply: Shape::COUNT,
    ..SUNION
};

pub(super) fn sunionstore(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let sets = distinct(&sources(&mut cx.keys, &argv[2..])?);
    ask(cx.effort, &sets)?;
    let mut result = Set::new();
    unite(&sets, &mut result, &cx.options.limits);
    store(cx, argv[1], result, "sunionstore");
    Ok(())
}

/// Asks for uniting these sets.
fn ask(effort: Effort, sets: &[&Set]) -> Result<(), Error> {
    effort.visits(sets.iter().map(|set| set.len()).sum())
}

fn unite(sets: &[&Set], result: &mut Set, limits: &Limits) {
    let mut buffer = IntBuffer::new();
    for member in sets.iter().copied().flatten() {
        result.add(member.text(&mut buffer), limits);
    }
}
