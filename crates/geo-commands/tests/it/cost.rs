//! Positions: many at one place, many all over the earth, polygons of many vertices.

use command_tests::cost::{Argv, Cases, check, fill, many, nothing, words};
use command_tests::{Session, case};
use geo_commands::COMMANDS;

/// `g`: positions all over the earth; `p`: all at one place.
fn positions(session: &mut Session, n: usize) {
    fill(session, "GEOADD g", n, |i| vec![longitude(i), latitude(i), format!("m{i}")]);
    fill(session, "GEOADD p", n, |i| vec!["1".into(), "1".into(), format!("m{i}")]);
}

/// `p`: as many positions as a compact sorted set has.
fn compact(session: &mut Session, _: usize) {
    fill(session, "GEOADD p", 128, |i| vec!["1".into(), "1".into(), format!("m{i}")]);
}

fn longitude(i: usize) -> String {
    (i as i64 * 7919 % 360_000 - 180_000).to_string() + "e-3"
}

fn latitude(i: usize) -> String {
    (i * 104_729 % 80_000).to_string() + "e-3"
}

/// A polygon with so many vertices around the place of `p`.
fn polygon(line: &str, n: usize) -> Vec<Argv> {
    let vertices = |i: usize| {
        let angle = i as f64 / n as f64 * std::f64::consts::TAU;
        vec![(1.0 + angle.cos()).to_string(), (1.0 + angle.sin()).to_string()]
    };
    many(&format!("{line} BYPOLYGON {n}"), n, vertices)
}

/// Reads each of many members.
macro_rules! over_positions {
    ($line:literal) => {
        vec![
            case!(positions, |n| many($line, n, |i| vec![format!("m{i}")])),
            case!(compact, |n| many($line, n, |i| vec![format!("m{i}")])),
        ]
    };
}

/// Everything, at one place and all over the earth, in each order, and what is beside it.
macro_rules! over_circles {
    ($name:literal, $center:literal, $circle:literal) => {
        vec![
            case!(positions, |_n| vec![words(concat!($name, " g ", $center, $circle))]),
            case!(positions, |_n| vec![words(concat!($name, " p ", $center, $circle, " ASC"))]),
            case!(positions, |n| vec![words(&format!(
                concat!($name, " g ", $center, $circle, " COUNT {}"),
                n / 2
            ))]),
            case!(positions, |n| vec![words(&format!(
                concat!($name, " p ", $center, $circle, " COUNT {} DESC"),
                n / 2
            ))]),
            case!(positions, |n| vec![words(&format!(
                concat!($name, " g ", $center, $circle, " COUNT {} ANY"),
                n / 2
            ))]),
            case!(positions, |n| many(concat!($name, " p ", $center, $circle), n, |_| vec!["ASC".into()])),
        ]
    };
}

fn cases() -> Cases {
    let mut search = over_circles!("GEOSEARCH", "FROMLONLAT 1 1 ", "BYRADIUS 20000 km");
    search.extend([
        case!(positions, "GEOSEARCH g FROMMEMBER m1 BYRADIUS 20000 km WITHDIST WITHCOORD WITHHASH"),
        case!(positions, "GEOSEARCH g FROMMEMBER m1 BYBOX 20000 20000 km WITHDIST"),
        case!(positions, |n| polygon("GEOSEARCH p", n)),
        case!(nothing, |n| polygon("GEOSEARCH none", n)),
    ]);
    let mut store = over_circles!("GEOSEARCHSTORE d", "FROMLONLAT 1 1 ", "BYRADIUS 20000 km");
    store.extend([
        case!(positions, "GEOSEARCHSTORE d g FROMMEMBER m1 BYRADIUS 20000 km STOREDIST"),
        case!(positions, "GEOSEARCHSTORE d p FROMMEMBER m1 BYBOX 20000 20000 km STOREDIST"),
        case!(positions, |n| polygon("GEOSEARCHSTORE d g", n)),
    ]);
    let mut radius = over_circles!("GEORADIUS", "1 1 ", "20000 km");
    radius.push(case!(positions, "GEORADIUS g 1 1 20000 km STORE d"));
    let mut by_member = over_circles!("GEORADIUSBYMEMBER", "m1 ", "20000 km");
    by_member.push(case!(positions, "GEORADIUSBYMEMBER g m1 20000 km STOREDIST d"));
    vec![
        (
            "geoadd",
            vec![
                case!(nothing, |n| many("GEOADD g", n, |i| vec![longitude(i), latitude(i), format!("m{i}")])),
                case!(positions, |n| many("GEOADD g CH", n, |i| {
                    vec![latitude(i), latitude(i), format!("m{i}")]
                })),
                case!(nothing, |n| many("GEOADD g", n, |_| vec!["CH".into()])),
            ],
        ),
        ("geopos", over_positions!("GEOPOS p")),
        ("geohash", over_positions!("GEOHASH p")),
        ("geodist", vec![case!(positions, "GEODIST g m1 m2 km"), case!(compact, "GEODIST p m1 m100")]),
        ("geosearch", search),
        ("geosearchstore", store),
        ("georadius", radius),
        ("georadius_ro", over_circles!("GEORADIUS_RO", "1 1 ", "20000 km")),
        ("georadiusbymember", by_member),
        ("georadiusbymember_ro", over_circles!("GEORADIUSBYMEMBER_RO", "m1 ", "20000 km")),
    ]
}

#[test]
fn no_command_costs_the_square_of_its_size() {
    check(COMMANDS, cases(), 0, 1);
}
