//! Long strings, and many keys.

use command_tests::Session;
use command_tests::cost::measure;
use command_tests::cost::{Cases, check, key, keys, many, nothing, strings, value, words};
use command_tests::growth::{LINEAR, beyond};
use command_tests::{case, over_keys, over_words};
use string_commands::COMMANDS;

fn cases() -> Cases {
    vec![
        ("append", vec![case!(strings, "APPEND s x"), case!(nothing, |n| vec![value("APPEND s", n)])]),
        ("decr", vec![case!(keys, "DECR new")]),
        ("decrby", vec![case!(keys, "DECRBY new 2")]),
        ("delifeq", vec![case!(strings, "DELIFEQ s x"), case!(nothing, |n| vec![value("DELIFEQ s", n)])]),
        ("get", vec![case!(strings, "GET s")]),
        ("getdel", vec![case!(strings, "GETDEL s")]),
        ("getex", over_words!("GETEX s", "PERSIST")),
        ("getrange", vec![case!(strings, "GETRANGE s 0 -1")]),
        ("getset", vec![case!(strings, "GETSET s new"), case!(strings, |n| vec![value("GETSET s", n)])]),
        ("incr", vec![case!(keys, "INCR new")]),
        ("incrby", vec![case!(keys, "INCRBY new 2")]),
        (
            "incrbyfloat",
            vec![case!(keys, "INCRBYFLOAT new 2"), case!(nothing, |n| vec![value("INCRBYFLOAT new", n)])],
        ),
        ("lcs", vec![case!(short_strings, "LCS a b LEN"), case!(short_strings, "LCS a b IDX")]),
        ("mget", over_keys!("MGET")),
        (
            "mset",
            vec![
                case!(keys, |n| many("MSET", n, |i| vec![key(i), "w".into()])),
                case!(strings, |n| many("MSET", n, |_| vec!["s".into(), "w".into()])),
            ],
        ),
        (
            "msetnx",
            vec![
                case!(nothing, |n| many("MSETNX", n, |i| vec![key(i), "w".into()])),
                case!(nothing, |n| many("MSETNX", n, |_| vec!["s".into(), "w".into()])),
            ],
        ),
        (
            "msetex",
            vec![
                case!(keys, |n| {
                    let mut call = many(&format!("MSETEX {n}"), n, |i| vec![key(i), "w".into()]);
                    call[0].extend(words("XX EX 100"));
                    call
                }),
                case!(strings, |n| many(&format!("MSETEX {n}"), n, |_| vec!["s".into(), "w".into()])),
                case!(strings, |n| many("MSETEX 1 s v", n, |_| vec!["XX".into()])),
                case!(strings, |n| many("MSETEX 1 s v EX 10", n, |i| vec![["EX", "10"][i % 2].into()])),
            ],
        ),
        ("psetex", vec![case!(strings, |n| vec![value("PSETEX s 1000", n)])]),
        (
            "set",
            vec![
                case!(strings, |n| vec![value("SET s", n)]),
                case!(strings, |n| many("SET s v", n, |_| vec!["GET".into()])),
            ],
        ),
        ("setex", vec![case!(strings, |n| vec![value("SETEX s 1000", n)])]),
        ("setnx", vec![case!(nothing, |n| vec![value("SETNX s", n)])]),
        (
            "setrange",
            vec![
                case!(strings, "SETRANGE s 0 x"),
                case!(strings, |n| vec![words(&format!("SETRANGE s {} x", 100 * n))]),
            ],
        ),
        ("strlen", vec![case!(strings, "STRLEN s")]),
        ("substr", vec![case!(strings, "SUBSTR s 0 -1")]),
    ]
}

/// `a` and `b`: as long as can be compared byte by byte.
fn short_strings(session: &mut Session, n: usize) {
    let text = "ab".repeat(n / 30);
    session.call(&["MSET", "a", &text, "b", &text[1..]]);
}

#[test]
fn no_command_costs_the_square_of_its_size() {
    check(COMMANDS, cases(), 0, 1);
}

/// The measurement tells a quadratic command from others: LCS is one. At these sizes it takes far longer than what is too short to
/// be measured; at those of the other commands a fast moment of the machine brought it down to that.
#[test]
fn a_quadratic_command_is_noticed() {
    const SIZES: [usize; 3] = [4_000, 16_000, 16_000];
    let (_, lcs) = cases().into_iter().find(|(name, _)| *name == "lcs").expect("it has cases");
    let growth = beyond(LINEAR, SIZES, |n| measure(&lcs[0], n));
    assert!(growth.is_some(), "its cost does not tell");
}
