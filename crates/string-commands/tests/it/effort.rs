//! What takes long where others wait, and what does not.

use command_tests::effort::{check_long, check_short, check_small};

/// Calls that take long on large values, one at least of each command that may.
const LONG: &[&str] = &[
    "APPEND string more",
    "GET string",
    "GETDEL string",
    "GETEX string PERSIST",
    "GETRANGE string 0 -2",
    "GETSET string other",
    "LCS part part",
    "SET string other GET",
    "SETRANGE string 41943040 more",
    "SETRANGE new 20971520 more",
    "SUBSTR string 0 -2",
];

/// Calls of the same commands, and of others, that take no longer on a large value than on a small one.
const SHORT: &[&str] = &["GETRANGE string 0 100", "SET string other", "STRLEN string"];

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
