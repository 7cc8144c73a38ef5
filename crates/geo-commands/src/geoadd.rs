//! GEOADD

use super::unit::position;
use command_spec::*;
use commands::args::is;
use commands::{Cx, Error};
use geo::Geohash;
use sorted_set_commands::zadd;

/// `GEOADD`
pub(super) const GEOADD: Spec = Spec {
    name: "geoadd",
    summary: "Adds members with their positions to a sorted set, or changes the positions of those it has.",
    since: "3.2.0",
    group: Group::Geo,
    complexity: "O(log(N)) for each member, N being the number of members of the set",
    arity: -5,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    categories: Categories::GEO,
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    args: &[
        Arg::key("key"),
        Arg::one_of("condition", &[Arg::word("nx", "NX"), Arg::word("xx", "XX")]).optional().since("6.2.0"),
        Arg::word("change", "CH").optional().since("6.2.0"),
        Arg::block(
            "data",
            &[
                Arg::new("longitude", ArgKind::Double),
                Arg::new("latitude", ArgKind::Double),
                Arg::string("member"),
            ],
        )
        .multiple(),
    ],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

/// The ZADD that a GEOADD is: its options, and a score for each position.
pub(super) fn geoadd(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let is_option = |word: &&&[u8]| ["NX", "XX", "CH"].iter().any(|option| is(word, option));
    let words = argv[2..].iter().take_while(is_option).count();
    let (head, rest) = argv.split_at(2 + words);
    let has = |option| head[2..].iter().any(|word| is(word, option));
    if !rest.len().is_multiple_of(3) || (has("NX") && has("XX")) {
        return Err(Error::Syntax);
    }
    let (members, _) = rest.as_chunks::<3>();
    let profile = cx.options.profile;
    let mut scores = Vec::with_capacity(members.len());
    for [longitude, latitude, _] in members {
        scores.push(Geohash::of(position(longitude, latitude, profile)?).bits().to_string());
    }
    let mut as_zadd: Vec<&[u8]> = Vec::with_capacity(head.len() + 2 * members.len());
    as_zadd.push(if profile.has("9.1.0") { b"ZADD" } else { b"zadd" });
    as_zadd.extend(&head[1..]);
    for (score, [_, _, member]) in scores.iter().zip(members) {
        as_zadd.extend([score.as_bytes(), member]);
    }
    let dirty = cx.keys.effects().dirty;
    zadd(cx, &as_zadd)?;
    if cx.keys.effects().dirty != dirty {
        cx.replicate(&as_zadd);
    }
    Ok(())
}
