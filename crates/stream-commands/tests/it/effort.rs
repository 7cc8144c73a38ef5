//! What takes long where others wait, and what does not.

use command_tests::effort::{check_long, check_short, check_small};

/// Calls that take long on a long stream, one at least of each command that may.
const LONG: &[&str] = &[
    "XRANGE stream - +",
    "XREVRANGE stream + - COUNT 11000",
    "XREAD STREAMS stream 0",
    "XREAD COUNT 11000 STREAMS stream 0",
    "XREADGROUP GROUP g c STREAMS stream 0",
    "XREADGROUP GROUP fresh c STREAMS stream >",
    "XPENDING stream g",
    "XPENDING stream g - + 11000 c",
    "XPENDING stream g IDLE 1 - + 11000",
    "XAUTOCLAIM stream g d 0 0 COUNT 11000",
    "XINFO STREAM stream FULL COUNT 0",
    "XINFO GROUPS stream",
    "XINFO CONSUMERS stream g",
    "XADD stream MAXLEN 5 9-1 a b",
    "XTRIM stream MAXLEN 0",
];

/// Calls of the same commands, and of others, that take no longer on a long stream than on a short one.
const SHORT: &[&str] = &[
    "XRANGE stream - + COUNT 10",
    "XREVRANGE stream 1-20 1-10",
    "XREAD COUNT 10 STREAMS stream 0",
    "XREADGROUP GROUP g c COUNT 10 STREAMS stream 0",
    "XREADGROUP GROUP fresh c COUNT 10 STREAMS stream >",
    "XPENDING stream fresh",
    "XPENDING stream g - + 10",
    "XCLAIM stream g d 0 1-1 1-2",
    "XAUTOCLAIM stream g d 0 0 COUNT 10",
    "XACK stream g 1-5",
    "XINFO STREAM stream",
    "XINFO CONSUMERS stream fresh",
    "XLEN stream",
    "XDEL stream 1-1",
    "XADD stream MAXLEN 11990 9-1 a b",
    "XTRIM stream MAXLEN 11980",
    "XSETID stream 9-9",
    "XGROUP SETID stream fresh 0",
];

#[test]
fn what_takes_long_is_refused_before_anything_has_happened() {
    check_long(LONG);
}

/// As many IDs as a client likes, whatever the stream.
#[test]
fn a_claim_of_many_entries_takes_long() {
    let ids: String = (1..=11_000).map(|n| format!(" 1-{n}")).collect();
    check_long(&[&format!("XCLAIM stream g d 0{ids}")]);
}

#[test]
fn a_small_part_of_a_large_value_is_answered_at_once() {
    check_short(SHORT);
}

#[test]
fn a_small_value_is_never_refused() {
    check_small(LONG);
}
