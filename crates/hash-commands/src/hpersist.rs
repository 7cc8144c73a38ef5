//! HPERSIST

use super::fields::{Change, FIELDS, counted, some_expired};
use command_spec::*;
use commands::args::is;
use commands::{Cx, Error};

/// `HPERSIST`
pub(super) const HPERSIST: Spec = Spec {
    name: "hpersist",
    summary: "Removes the expiry of fields of a hash.",
    since: "9.0.0",
    group: Group::Hash,
    complexity: "O(N), N being the number of fields",
    arity: -5,
    flags: Flags::WRITE.union(Flags::FAST),
    categories: Categories::HASH,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    args: &[Arg::key("key"), FIELDS],
    reply: Shape::Array(&Shape::Among(&[-2, -1, 1])),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn hpersist(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    // Valkey 9.0 reads any word in this place.
    if !is(argv[2], "FIELDS") && cx.options.profile.has("9.1.0") {
        return Err(Error::Syntax);
    }
    let fields = counted(argv, 3, 1)?;
    let mut answers = Vec::with_capacity(fields.len());
    let wanted = |old: Option<u64>| old.is_some();
    let some_expired = some_expired(cx, argv[1], fields);
    let changed = Change::Persist.apply(cx, argv[1], fields, wanted, |found, _| {
        answers.push(match found {
            None => -2,
            Some(None) => -1,
            Some(Some(_)) => 1,
        });
    })?;
    cx.out.array(answers.len());
    cx.out.each(answers, |out, answer| out.int(answer));
    if changed.is_empty() || some_expired {
        Change::Persist.replicate(cx, argv[1], &changed);
    } else {
        cx.replicate(argv);
    }
    Ok(())
}
