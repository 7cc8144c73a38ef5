//! KEYS
//!
//! It walks slot by slot and in pieces. A key that exists all the time is returned once; one that is added or removed meanwhile
//! may be.

use command_spec::*;
use commands::scanning::SCANNED_AT_ONCE;
use commands::{Cx, Error, Flow, Piece};
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
    reply: Shape::Array(&Shape::Bulk),
    need: Need::SlotBySlot,
    ..Spec::BASE
};

pub(super) fn keys(cx: &mut Cx<'_, '_>, argv: &[&[u8]], piece: &mut Piece<'_>) -> Result<Flow, Error> {
    let pattern = argv[1];
    let all = pattern == b"*";
    piece.progress.head.get_or_insert_with(|| cx.out.deferred());
    while let Some(slot) = piece.progress.next_slot(cx)
        && !cx.out.is_over()
    {
        let out = &mut cx.out;
        let (mut visited, mut found) = (0, 0);
        let within = cx.keys.scan_slot(slot, piece.progress.within, SCANNED_AT_ONCE, |entry| {
            visited += 1;
            if !out.is_over() && (all || glob::matches(pattern, entry.key(), false)) {
                out.bulk(entry.key());
                found += 1;
            }
        })?;
        piece.progress.found += found;
        piece.progress.reached(slot, within);
        if piece.is_over(visited) {
            return Ok(Flow::Unfinished);
        }
    }
    let head = piece.progress.head.take().expect("deferred above");
    cx.out.finish_array(head, piece.progress.found);
    Ok(Flow::Done)
}
