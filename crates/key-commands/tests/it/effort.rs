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

/// Elements times patterns of GET.
#[test]
fn patterns_count_for_each_element() {
    let patterns = |count: usize| " GET key_*".repeat(count);
    let numbers: String = (0..100).map(|n| format!(" {n}")).collect();
    let mut session = command_tests::Session::new(profile::Profile::Valkey80);
    session.line(&format!("RPUSH few{numbers}"));
    session.effort = commands::Effort::SHORT;
    for (options, count) in
        [("", 100), (" BY nosort", 100), (" LIMIT 0 10", 1000), (" BY key_* LIMIT 0 10", 1000)]
    {
        let line = format!("SORT few{options}{}", patterns(count));
        assert_eq!(session.line(&line), "(error) TRYAGAIN the command takes long", "{line}");
    }
    for (options, count) in [("", 10), (" BY nosort", 10), (" LIMIT 0 1", 1000)] {
        let line = format!("SORT few{options}{}", patterns(count));
        assert!(!session.line(&line).starts_with("(error)"), "{line}");
    }
}

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
