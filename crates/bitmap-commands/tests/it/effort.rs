//! What takes long where others wait, and what does not.

use command_tests::effort::{check_long, check_short, check_small};

/// Calls that take long on large values, one at least of each command that may.
const LONG: &[&str] = &[
    "BITCOUNT string",
    "BITCOUNT string 3 -3 BIT",
    "BITFIELD new SET u8 167772160 1",
    "BITFIELD string SET u8 167772200 1",
    "BITOP AND result string part",
    "BITOP NOT result string",
    "BITPOS string 1 1",
    "SETBIT new 167772160 1",
    "SETBIT string 167772200 1",
];

/// Calls of the same commands, and of others, that take no longer on a large value than on a small one.
const SHORT: &[&str] = &[
    "BITCOUNT string 0 100",
    "BITFIELD string INCRBY u8 100 1",
    "BITPOS string 0 0 100",
    "GETBIT string 100000000",
    "SETBIT string 100 1",
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
