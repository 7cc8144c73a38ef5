//! What takes long where others wait, and what does not.

use command_tests::effort::{check_long, check_short, check_small};

/// Calls that take long on large values, one at least of each command that may.
const LONG: &[&str] = &[
    "GEORADIUS ranked -180 -85 1000 km",
    "GEORADIUS_RO ranked -180 -85 1000 km COUNT 1",
    "GEOSEARCH ranked FROMLONLAT -180 -85 BYBOX 1000 1000 km",
    "GEOSEARCH ranked FROMLONLAT -180 -85 BYRADIUS 100 km COUNT 200000 ANY",
    "GEOSEARCHSTORE result ranked FROMLONLAT -180 -85 BYRADIUS 1000 km",
];

/// Calls of the same commands, and of others, that take no longer on a large value than on a small one.
const SHORT: &[&str] = &[
    "GEOADD ranked 1 1 more",
    "GEODIST ranked 7 9",
    "GEOPOS ranked 7 9",
    "GEOSEARCH ranked FROMLONLAT 0 0 BYRADIUS 1000 km",
    "GEOSEARCH ranked FROMLONLAT -180 -85 BYRADIUS 1000 km COUNT 10 ANY",
    "GEOSEARCHSTORE result ranked FROMLONLAT 0 0 BYBOX 1000 1000 km",
];

#[test]
fn what_takes_long_is_refused_before_anything_has_happened() {
    check_long(LONG);
}

#[test]
fn a_small_part_of_a_large_value_is_answered_at_once() {
    check_short(SHORT);
}

#[test]
fn a_small_value_is_never_refused() {
    check_small(LONG);
}
