//! GEOPOS

use super::reply::reply_position;
use command_spec::*;
use commands::{Cx, Error};
use geo::Geohash;
use sorted_set_commands::read;

/// A position, or null for a member that is not there.
const POSITION: Shape = Shape::OneOf(&[Shape::Tuple(&[Shape::Double, Shape::Double]), Shape::NullArray]);

/// `GEOPOS`
pub(super) const GEOPOS: Spec = Spec {
    name: "geopos",
    summary: "Returns the positions of members.",
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(1) for each member",
    arity: -2,
    flags: Flags::READONLY,
    categories: Categories::GEO,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key"), Arg::string("member").optional().multiple()],
    reply: Shape::Array(&POSITION),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn geopos(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let set = read(&mut cx.keys, argv[1])?;
    cx.out.array(argv.len() - 2);
    cx.out.each(&argv[2..], |out, member| match set.and_then(|set| set.score(member)) {
        Some(score) => reply_position(out, Geohash::of_score(score.get()).position()),
        None => out.null_array(),
    });
    Ok(())
}
