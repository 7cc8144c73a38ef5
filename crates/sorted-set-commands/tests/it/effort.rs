//! What takes long where others wait, and what does not.

use command_tests::effort::{check_long, check_short, check_small};

/// Calls that take long on large values, one at least of each command that may.
const LONG: &[&str] = &[
    "ZDIFF 2 ranked one WITHSCORES",
    "ZDIFFSTORE result 2 ranked one",
    "ZINTER 2 ranked members",
    "ZINTERCARD 2 ranked members",
    "ZINTERSTORE result 2 ranked members",
    "ZPOPMAX ranked 100000",
    "ZPOPMIN ranked 100000",
    "ZMPOP 1 ranked MIN COUNT 100000",
    "ZRANDMEMBER ranked 20000",
    "ZRANGE ranked 0 -1",
    "ZRANGEBYSCORE ranked -inf +inf WITHSCORES",
    "ZRANGESTORE result ranked 0 -1",
    "ZREMRANGEBYRANK ranked 0 -2",
    "ZREMRANGEBYSCORE ranked 10 +inf",
    "ZREVRANGE ranked 10 -10",
    "ZUNION 2 ranked one",
    "ZUNIONSTORE result 1 ranked",
];

/// Calls of the same commands, and of others, that take no longer on a large value than on a small one.
const SHORT: &[&str] = &[
    "ZADD ranked 5 more",
    "ZCARD ranked",
    "ZCOUNT ranked -inf +inf",
    "ZDIFF 2 one ranked",
    "ZINCRBY ranked 5 7",
    "ZINTER 2 ranked one",
    "ZINTERCARD 2 one ranked",
    "ZPOPMIN ranked 3",
    "ZRANDMEMBER ranked 3",
    "ZRANGE ranked 100000 100010",
    "ZRANGEBYSCORE ranked -inf +inf LIMIT 1000 10",
    "ZRANK ranked 9",
    "ZREM ranked 9",
    "ZREMRANGEBYSCORE ranked 11 20",
    "ZREVRANGE ranked 0 10",
    "ZSCAN ranked 0",
    "ZSCORE ranked 8",
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
