//! GEODIST

use super::meridians;
use super::reply::reply_distance;
use super::unit::{UNIT, unit_m};
use command_spec::*;
use commands::{Cx, Error};
use geo::Geohash;
use sorted_set_commands::read;

/// `GEODIST`
pub(super) const GEODIST: Spec = Spec {
    name: "geodist",
    summary: "Returns the distance between two members, in meters or another unit.",
    since: "3.2.0",
    group: Group::Geo,
    arity: -4,
    flags: Flags::READONLY,
    categories: Categories::GEO,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key"), Arg::string("member1"), Arg::string("member2"), UNIT.optional()],
    reply: Shape::BULK_OR_NULL,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn geodist(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let profile = cx.options.profile;
    let unit_m = match argv[4..] {
        [] => 1.0,
        [unit] => unit_m(unit)?,
        _ => return Err(Error::Syntax),
    };
    let set = read(&mut cx.keys, argv[1])?;
    let position = |member| Some(Geohash::of_score(set?.score(member)?.get()).position());
    match (position(argv[2]), position(argv[3])) {
        (Some(from), Some(to)) => {
            reply_distance(&mut cx.out, from.distance_m(to, meridians(profile)) / unit_m);
        }
        _ => cx.out.null(),
    }
    Ok(())
}
