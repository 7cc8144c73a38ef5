//! What takes long where others wait, and what does not.

use command_tests::effort::{check_long, check_short, check_small};

/// Calls that take long on large values, one at least of each command that may.
const LONG: &[&str] = &[
    "LINSERT list BEFORE nothing more",
    "LPOP list 200000",
    "LPOS list nothing",
    "LPOS list nothing RANK -1 COUNT 0",
    "LRANGE list 0 -1",
    "LRANGE list 100000 200000",
    "LREM list 0 nothing",
    "RPOP list 200000",
];

/// Calls of the same commands, and of others, that take no longer on a large value than on a small one.
const SHORT: &[&str] = &[
    "LINDEX list 3",
    "LINDEX list -3",
    "LLEN list",
    "LPOP list",
    "LPOS list nothing MAXLEN 100",
    "LRANGE list 0 100",
    "LRANGE list -100 -1",
    "LSET list -5 other",
    "LTRIM list 1 -2",
    "RPUSH list more",
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
