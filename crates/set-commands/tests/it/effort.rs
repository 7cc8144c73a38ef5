//! What takes long where others wait, and what does not.

use command_tests::effort::{check_long, check_short, check_small};

/// Calls that take long on large values, one at least of each command that may.
const LONG: &[&str] = &[
    "SDIFF members other",
    "SDIFF members one one one one one",
    "SDIFFSTORE result members other",
    "SINTER members other",
    "SINTERCARD 2 members other",
    "SINTERSTORE result members other",
    "SMEMBERS members",
    "SPOP members 200000",
    "SRANDMEMBER members 20000",
    "SUNION members one",
    "SUNIONSTORE result members one",
];

/// Calls of the same commands, and of others, that take no longer on a large value than on a small one.
const SHORT: &[&str] = &[
    "SADD members more",
    "SCARD members",
    "SDIFF one members",
    "SINTER members one",
    "SINTERCARD 2 one members",
    "SISMEMBER members 7",
    "SMOVE members one 7",
    "SPOP members 3",
    "SRANDMEMBER members 3",
    "SREM members 9",
    "SSCAN members 0",
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
