//! SPOP

use command_spec::*;
use commands::args::int;
use commands::container::{remove_empty, reply_item};
use commands::{Cx, Error};
use keyspace::EventClass;
use profile::Profile;
use structures::set::Encoding;
use structures::{Limits, Set};
use table::ValueMut;

use super::set_for;

/// `SPOP`
pub(super) const SPOP: Spec = Spec {
    name: "spop",
    summary: "Removes random members from a set and returns them.",
    since: "1.0.0",
    group: Group::Set,
    complexity: "O(N), N being the number of members returned",
    arity: -2,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::SET,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE))],
    args: &[Arg::key("key"), Arg::integer("count").optional().since("3.2.0")],
    reply: Shape::OneOf(&[Shape::Bulk, Shape::Null, Shape::Set(&Shape::Bulk)]),
    need: Need::Keys,
    ..Spec::BASE
};

/// When at least this many times as many members are popped as remain, the remaining ones are chosen instead, and move to a
/// new set.
const MOVE_RATIO: usize = 5;
/// The most members in one SREM to replicas.
const BATCH: usize = 1024;

pub(super) fn spop(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    match *argv {
        [_, key] => pop_one(cx, key),
        [_, key, count] => pop_some(cx, key, count),
        _ => Err(Error::Syntax),
    }
}

fn pop_one(cx: &mut Cx<'_, '_>, key: &[u8]) -> Result<(), Error> {
    let random = cx.random.next_u64();
    let Some(mut edit) = cx.keys.edit(key) else {
        cx.out.null();
        return Ok(());
    };
    let ValueMut::Set(set) = edit.value_mut() else { return Err(Error::WrongType) };
    let Some(member) = set.pop(random) else { return Ok(()) };
    let is_empty = set.is_empty();
    cx.keys.changed(key, EventClass::SET, "spop", 1);
    cx.replicate(&[b"SREM", key, &member]);
    cx.out.bulk(&member);
    if is_empty {
        remove_empty(&mut cx.keys, key);
    }
    Ok(())
}

fn pop_some(cx: &mut Cx<'_, '_>, key: &[u8], count: &[u8]) -> Result<(), Error> {
    let count = int(count).ok().and_then(|count| usize::try_from(count).ok()).ok_or(Error::NotPositive)?;
    let (limits, profile, effort) = (&cx.options.limits, cx.options.profile, cx.effort);
    let Some(entry) = cx.keys.lookup_to_write(key) else {
        cx.out.set(0);
        return Ok(());
    };
    let len = entry.value().set().ok_or(Error::WrongType)?.len();
    if count == 0 {
        cx.out.set(0);
        return Ok(());
    }
    effort.visits(count.min(len))?;
    if count >= len {
        return pop_all(cx, key, len);
    }
    let Some(mut edit) = cx.keys.edit(key) else { return Ok(()) };
    let ValueMut::Set(set) = edit.value_mut() else { return Err(Error::WrongType) };
    let random = &mut *cx.random;
    let mut next = || random.next_u64();
    let popped = if (len - count) * MOVE_RATIO > count {
        set.pop_some(count, next)
    } else {
        let rest = choose_rest(set, len - count, &mut next, limits, profile);
        let old = std::mem::replace(set, rest);
        old.iter().filter(|member| !is_in(set, *member)).map(|member| member.to_vec()).collect()
    };
    cx.keys.changed(key, EventClass::SET, "spop", popped.len() as u64);
    // Versions before 7.2 replicate each member by itself.
    for batch in popped.chunks(if profile.has("7.2.0") { BATCH } else { 1 }) {
        let head: [&[u8]; 2] = [b"SREM", key];
        let argv: Vec<&[u8]> = head.into_iter().chain(batch.iter().map(Vec::as_slice)).collect();
        cx.replicate(&argv);
    }
    cx.out.set(popped.len());
    cx.out.each(&popped, |out, member| out.bulk(member));
    Ok(())
}

/// Answers with all members and removes the key.
fn pop_all(cx: &mut Cx<'_, '_>, key: &[u8], len: usize) -> Result<(), Error> {
    // The members are read as by a command of its own, which counts.
    let set = super::read(&mut cx.keys, key)?;
    cx.out.set(len);
    cx.out.each(set.into_iter().flatten(), reply_item);
    cx.keys.changed(key, EventClass::SET, "spop", len as u64);
    let lazy = cx.settings.lazyfree_lazy_server_del;
    if let Some(entry) = cx.keys.remove(key) {
        cx.keys.free(entry, lazy);
    }
    cx.keys.event(key, EventClass::GENERIC, "del");
    cx.replicate(&[if lazy { b"UNLINK" } else { b"DEL" }, key]);
    Ok(())
}

/// A new set of so many members, chosen at random, in the encoding of its first.
fn choose_rest(
    set: &Set,
    count: usize,
    next: &mut impl FnMut() -> u64,
    limits: &Limits,
    profile: Profile,
) -> Set {
    let mut rest: Option<Set> = None;
    set.choose(count, next, |member| {
        let member = member.to_vec();
        let rest = rest.get_or_insert_with(|| match set.encoding() {
            Encoding::IntSet => Set::in_encoding(Encoding::IntSet),
            _ if profile.has("7.2.0") => Set::in_encoding(Encoding::Listpack),
            _ => set_for(&member, 1, limits, profile),
        });
        rest.add(&member, limits)
    });
    rest.unwrap_or_default()
}

fn is_in(set: &Set, member: structures::Item<'_>) -> bool {
    set.contains(member.text(&mut number::IntBuffer::new()))
}
