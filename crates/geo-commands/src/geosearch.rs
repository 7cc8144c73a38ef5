//! GEOSEARCH and GEOSEARCHSTORE

use super::georadius::{COUNT, HITS, ORDER, WITHCOORD, WITHDIST, WITHHASH};
use super::hits::run;
use super::query::Query;
use super::unit::UNIT;
use command_spec::*;
use commands::{Cx, Error};

const LONGITUDE: Arg = Arg::new("longitude", ArgKind::Double);
const LATITUDE: Arg = Arg::new("latitude", ArgKind::Double);

/// Where the center is: a polygon has its own.
const FROM: Arg = Arg::one_of(
    "from",
    &[
        Arg::string("member").token("FROMMEMBER"),
        Arg::block("fromlonlat", &[LONGITUDE, LATITUDE]).token("FROMLONLAT"),
    ],
);
const CIRCLE: Arg = Arg::block("circle", &[Arg::new("radius", ArgKind::Double).token("BYRADIUS"), UNIT]);
const BOX: Arg = Arg::block(
    "box",
    &[Arg::new("width", ArgKind::Double).token("BYBOX"), Arg::new("height", ArgKind::Double), UNIT],
);
const POLYGON: Arg = Arg::block(
    "polygon",
    &[
        Arg::integer("num-vertices").token("BYPOLYGON"),
        Arg::block("vertices", &[LONGITUDE, LATITUDE]).multiple(),
    ],
)
.since("9.0.0");

/// `GEOSEARCH`
pub(super) const GEOSEARCH: Spec = Spec {
    name: "geosearch",
    summary: "Returns the members inside a circle, a box or a polygon.",
    since: "6.2.0",
    group: Group::Geo,
    complexity: "O(N+log(M)), N being the number of members in the areas that the shape lies in and M that of all members",
    quadratic: Some("each member is compared with each side of a polygon"),
    arity: -7,
    flags: Flags::READONLY,
    categories: Categories::GEO,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::key("key"),
        FROM.optional(),
        Arg::one_of("by", &[CIRCLE, BOX, POLYGON]),
        ORDER,
        COUNT,
        WITHCOORD,
        WITHDIST,
        WITHHASH,
    ],
    reply: HITS,
    need: Need::Keys,
    before: &[("9.0.0", |spec| spec.args = OLD_SEARCH)],
    ..Spec::BASE
};

const OLD_SEARCH: &[Arg] =
    &[Arg::key("key"), FROM, Arg::one_of("by", &[CIRCLE, BOX]), ORDER, COUNT, WITHCOORD, WITHDIST, WITHHASH];

pub(super) fn geosearch(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    run(cx, argv[1], EVENT, |cx| Query::parse(&argv[2..], cx, argv[0], None))
}

/// `GEOSEARCHSTORE`
pub(super) const GEOSEARCHSTORE: Spec = Spec {
    name: "geosearchstore",
    summary: "Stores the members inside a circle, a box or a polygon, and returns how many there are.",
    arity: -8,
    flags: Flags::WRITE.union(Flags::DENYOOM),
    keys: &[
        KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
        KeySpec::one(2, KeyFlags::RO.union(KeyFlags::ACCESS)),
    ],
    args: &[
        Arg::key("destination"),
        Arg::new("source", ArgKind::Key(1)),
        FROM.optional(),
        Arg::one_of("by", &[CIRCLE, BOX, POLYGON]),
        ORDER,
        COUNT,
        STOREDIST,
    ],
    reply: Shape::COUNT,
    before: &[("9.0.0", |spec| spec.args = OLD_STORE)],
    ..GEOSEARCH
};

const STOREDIST: Arg = Arg::word("storedist", "STOREDIST").optional();

const OLD_STORE: &[Arg] = &[
    Arg::key("destination"),
    Arg::new("source", ArgKind::Key(1)),
    FROM,
    Arg::one_of("by", &[CIRCLE, BOX]),
    ORDER,
    COUNT,
    STOREDIST,
];

pub(super) fn geosearchstore(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    run(cx, argv[2], EVENT, |cx| Query::parse(&argv[3..], cx, argv[0], Some(argv[1])))
}

/// The event of the key that a result is stored at.
const EVENT: &str = "geosearchstore";
