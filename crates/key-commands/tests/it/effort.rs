//! What takes long where others wait, and what does not.

use command_tests::effort::{check_long, check_short, check_small};

/// Calls that take long on large values, one at least of each command that may.
const LONG: &[&str] = &[
    "COPY hash copy",
    "COPY list copy REPLACE",
    "COPY string copy",
    "DUMP hash",
    "DUMP list",
    "DUMP string",
    "SORT list ALPHA",
    "SORT list BY nosort",
    "SORT members BY key_* GET key_*",
    "SORT members ALPHA STORE result",
    "SORT_RO members ALPHA LIMIT 0 1",
];

/// Calls of the same commands, and of others, that take no longer on a large value than on a small one.
const SHORT: &[&str] =
    &["SORT list BY nosort LIMIT 0 10", "SORT_RO list BY nosort DESC LIMIT 0 10", "SORT one GET key_*"];

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
