//! KEYS

use crate::{Cx, Error};
use command_spec::*;
use topology::glob;

/// `KEYS`
pub(super) const KEYS: Spec = Spec {
    name: "keys",
    summary: "Returns the names of all keys that match a pattern.",
    since: "1.0.0",
    group: Group::Generic,
    complexity: "O(N), N being the number of keys of the database",
    arity: 2,
    flags: Flags::READONLY,
    categories: Categories::KEYSPACE.union(Categories::DANGEROUS),
    tips: &["request_policy:all_shards", "nondeterministic_output_order"],
    args: &[Arg::new("pattern", ArgKind::Pattern(None))],
    need: Need::SlotBySlot,
    ..Spec::BASE
};

pub(super) fn keys(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let pattern = argv[1];
    let all = pattern == b"*";
    let array = cx.out.deferred();
    let mut found = 0;
    let mut from = 0;
    while let Some(slot) = cx.keys.next_occupied(from)
        && !cx.out.is_over()
    {
        let out = &mut cx.out;
        cx.keys.scan_slot(slot, 0, usize::MAX, |entry| {
            if all || glob::matches(pattern, entry.key(), false) {
                out.bulk(entry.key());
                found += 1;
            }
        })?;
        from = slot.index() + 1;
    }
    cx.out.finish_array(array, found);
    Ok(())
}
