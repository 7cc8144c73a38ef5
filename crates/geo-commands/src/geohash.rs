//! GEOHASH

use command_spec::*;
use commands::{Cx, Error};
use geo::Geohash;
use sorted_set_commands::read;

/// `GEOHASH`
pub(super) const GEOHASH: Spec = Spec {
    name: "geohash",
    summary: "Returns the positions of members as geohashes, in the form that other software reads.",
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(1) for each member",
    arity: -2,
    flags: Flags::READONLY,
    categories: Categories::GEO,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key"), Arg::string("member").optional().multiple()],
    reply: Shape::Array(&Shape::BULK_OR_NULL),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn geohash(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let set = read(&mut cx.keys, argv[1])?;
    cx.out.array(argv.len() - 2);
    cx.out.each(&argv[2..], |out, member| match set.and_then(|set| set.score(member)) {
        Some(score) => out.bulk(&Geohash::of_score(score.get()).text()),
        None => out.null(),
    });
    Ok(())
}
