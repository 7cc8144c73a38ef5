//! GEORADIUS and GEORADIUSBYMEMBER, and their forms that only read

use super::hits::run;
use super::query::Query;
use super::unit::UNIT;
use command_spec::*;
use commands::{Cx, Error};

/// What stands beside members. In RESP2 and RESP3 each member is then an array of its own.
pub(super) const HITS: Shape = Shape::OneOf(&[
    Shape::Array(&Shape::Bulk),
    Shape::Array(&Shape::Array(&Shape::OneOf(&[Shape::Bulk, Shape::Integer, COORDINATES]))),
]);
const COORDINATES: Shape = Shape::Tuple(&[Shape::Double, Shape::Double]);

pub(super) const WITHCOORD: Arg = Arg::word("withcoord", "WITHCOORD").optional();
pub(super) const WITHDIST: Arg = Arg::word("withdist", "WITHDIST").optional();
pub(super) const WITHHASH: Arg = Arg::word("withhash", "WITHHASH").optional();
pub(super) const COUNT: Arg = Arg::block(
    "count-block",
    &[Arg::integer("count").token("COUNT"), Arg::word("any", "ANY").optional().since("6.2.0")],
)
.optional();
pub(super) const ORDER: Arg =
    Arg::one_of("order", &[Arg::word("asc", "ASC"), Arg::word("desc", "DESC")]).optional();
const STORE: Arg = Arg::one_of(
    "store",
    &[
        Arg::new("storekey", ArgKind::Key(1)).token("STORE"),
        Arg::new("storedistkey", ArgKind::Key(2)).token("STOREDIST"),
    ],
)
.optional();

const READ: KeySpec = KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS));
const STORED: KeyFlags = KeyFlags::OW.union(KeyFlags::UPDATE);

/// The key behind a word among the options from an argument on.
const fn stored(word: &'static str, from: u8, flags: KeyFlags) -> KeySpec {
    let others: &[(&str, u8)] = &[("COUNT", 1), ("STORE", 1), ("STOREDIST", 1)];
    KeySpec {
        flags,
        begin: BeginSearch::ShownOption(OptionList { from, word, others }),
        find: FindKeys::Range { last: 0, step: 1, limit: 0 },
    }
}

/// All keys, the options beginning at an argument. Since 9.1 clients are told to look at all arguments.
const fn keys(from: u8) -> [KeySpec; 3] {
    let flags = STORED.union(KeyFlags::VARIABLE_FLAGS);
    [READ, stored("STORE", from, flags), stored("STOREDIST", from, flags)]
}

/// What they were told before.
const fn old_keys(from: u8) -> [KeySpec; 3] {
    [READ, stored("STORE", from, STORED), stored("STOREDIST", from, STORED)]
}

/// Where there is a key to store at, it is overwritten.
const fn variable(from: usize) -> Option<Variable> {
    Some(Variable { unless: &["store", "storedist"], from, flags: STORED })
}

/// `GEORADIUS`
pub(super) const GEORADIUS: Spec = Spec {
    name: "georadius",
    summary: "Returns or stores the members within a distance from a position.",
    since: "3.2.0",
    deprecated: Some(("6.2.0", "GEOSEARCH and GEOSEARCHSTORE with the BYRADIUS argument")),
    group: Group::Geo,
    complexity: "O(N+log(M)), N being the number of members in the areas that the circle lies in and M that of all members",
    arity: -6,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::MOVABLE_KEYS),
    categories: Categories::GEO,
    keys: &keys(6),
    variable: variable(6),
    args: &[
        Arg::key("key"),
        Arg::new("longitude", ArgKind::Double),
        Arg::new("latitude", ArgKind::Double),
        Arg::new("radius", ArgKind::Double),
        UNIT,
        WITHCOORD,
        WITHDIST,
        WITHHASH,
        COUNT,
        ORDER,
        STORE,
    ],
    reply: Shape::OneOf(&[HITS, Shape::COUNT]),
    need: Need::Keys,
    before: &[("9.1.0", |spec| (spec.keys, spec.variable) = (&OLD_KEYS, None))],
    ..Spec::BASE
};

const OLD_KEYS: [KeySpec; 3] = old_keys(6);

pub(super) fn georadius(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    run(cx, argv[1], EVENT, |cx| Query::around_position(&argv[2..], cx, true))
}

/// `GEORADIUS_RO`
pub(super) const GEORADIUS_RO: Spec = Spec {
    name: "georadius_ro",
    summary: "Returns the members within a distance from a position.",
    since: "3.2.10",
    deprecated: Some(("6.2.0", "GEOSEARCH with the BYRADIUS argument")),
    flags: Flags::READONLY,
    keys: &[READ],
    variable: None,
    args: &[
        Arg::key("key"),
        Arg::new("longitude", ArgKind::Double),
        Arg::new("latitude", ArgKind::Double),
        Arg::new("radius", ArgKind::Double),
        UNIT,
        WITHCOORD,
        WITHDIST,
        WITHHASH,
        COUNT,
        ORDER,
    ],
    reply: HITS,
    before: &[],
    ..GEORADIUS
};

pub(super) fn georadius_ro(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    run(cx, argv[1], EVENT, |cx| Query::around_position(&argv[2..], cx, false))
}

/// `GEORADIUSBYMEMBER`
pub(super) const GEORADIUSBYMEMBER: Spec = Spec {
    name: "georadiusbymember",
    summary: "Returns or stores the members within a distance from another member.",
    deprecated: Some(("6.2.0", "GEOSEARCH and GEOSEARCHSTORE with the BYRADIUS and FROMMEMBER arguments")),
    arity: -5,
    keys: &keys(5),
    variable: variable(5),
    args: &[
        Arg::key("key"),
        Arg::string("member"),
        Arg::new("radius", ArgKind::Double),
        UNIT,
        WITHCOORD,
        WITHDIST,
        WITHHASH,
        COUNT,
        ORDER,
        STORE,
    ],
    before: &[("9.1.0", |spec| (spec.keys, spec.variable) = (&OLD_KEYS_OF_MEMBER, None))],
    ..GEORADIUS
};

const OLD_KEYS_OF_MEMBER: [KeySpec; 3] = old_keys(5);

pub(super) fn georadiusbymember(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    run(cx, argv[1], EVENT, |cx| Query::around_member(&argv[2..], cx, true))
}

/// `GEORADIUSBYMEMBER_RO`
pub(super) const GEORADIUSBYMEMBER_RO: Spec = Spec {
    name: "georadiusbymember_ro",
    summary: "Returns the members within a distance from another member.",
    deprecated: Some(("6.2.0", "GEOSEARCH with the BYRADIUS and FROMMEMBER arguments")),
    arity: -5,
    args: &[
        Arg::key("key"),
        Arg::string("member"),
        Arg::new("radius", ArgKind::Double),
        UNIT,
        WITHCOORD,
        WITHDIST,
        WITHHASH,
        COUNT,
        ORDER,
    ],
    ..GEORADIUS_RO
};

pub(super) fn georadiusbymember_ro(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    run(cx, argv[1], EVENT, |cx| Query::around_member(&argv[2..], cx, false))
}

/// The event of a key that a result is stored at.
const EVENT: &str = "georadiusstore";
