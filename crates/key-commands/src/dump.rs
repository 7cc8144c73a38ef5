//! DUMP

use command_spec::*;
use commands::{Cx, Error};
use rdb::SaveOptions;

/// `DUMP`
pub(super) const DUMP: Spec = Spec {
    name: "dump",
    summary: "Returns the value at a key in a form that RESTORE takes on any server.",
    since: "2.6.0",
    group: Group::Generic,
    complexity: "O(N*M), N being the number of elements and M their average size",
    arity: 2,
    flags: Flags::READONLY,
    categories: Categories::KEYSPACE,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key")],
    reply: Shape::BULK_OR_NULL,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn dump(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let options =
        SaveOptions { compress: cx.settings.rdbcompression, ..SaveOptions::new(cx.options.profile) };
    let effort = cx.effort;
    match cx.keys.lookup(argv[1]) {
        Some(entry) => {
            super::copy::go_through(effort, entry.value())?;
            cx.out.bulk(&rdb::dump(entry.value(), &options));
        }
        None => cx.out.null(),
    }
    Ok(())
}
