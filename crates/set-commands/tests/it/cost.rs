//! Sets in tables and compact ones, many of them.

use command_tests::Session;
use command_tests::case;
use command_tests::cost::{Cases, check, fill, many, nothing, sets, words};
use set_commands::COMMANDS;

/// `i`: as large an intset as the limit allows, and `c`: as large a set as is compact.
fn compact_sets(session: &mut Session, _: usize) {
    fill(session, "SADD i", 512, |i| vec![i.to_string()]);
    fill(session, "SADD c", 128, |i| vec![format!("m{i}")]);
}

/// `{t}s0`, `{t}s1`, …: sets of one member.
fn small_sets(session: &mut Session, n: usize) {
    sets(session, n);
    (0..n).for_each(|i| fill(session, &format!("SADD {{t}}s{i}"), 1, |_| vec!["m0".into()]));
}

/// Many members, each once and one many times, of a table and of compact sets.
macro_rules! over_members {
    ($name:literal) => {
        vec![
            case!(sets, |n| many(concat!($name, " m"), n, |i| vec![format!("m{i}")])),
            case!(nothing, |n| many(concat!($name, " m"), n, |i| vec![i.to_string()])),
            case!(compact_sets, |n| many(concat!($name, " i"), n, |i| vec![(i % 512).to_string()])),
            case!(compact_sets, |n| many(concat!($name, " c"), n, |i| vec![format!("m{}", i % 128)])),
        ]
    };
}

/// Two large sets, one of them many times, and many small ones beside it.
macro_rules! over_sets {
    ($line:literal) => {
        vec![
            case!(sets, |_n| vec![words(concat!($line, " m o"))]),
            case!(sets, |n| many(concat!($line, " m"), n, |_| vec!["o".into()])),
            case!(sets, |n| many(concat!($line, " m"), n, |_| vec!["{t}s0".into()])),
            case!(small_sets, |n| many(concat!($line, " m"), n / 8, |i| vec![format!("{{t}}s{i}")])),
        ]
    };
}

fn cases() -> Cases {
    vec![
        ("sadd", over_members!("SADD")),
        ("scard", vec![case!(sets, "SCARD m")]),
        ("sdiff", over_sets!("SDIFF")),
        ("sdiffstore", over_sets!("SDIFFSTORE d")),
        ("sinter", over_sets!("SINTER")),
        (
            "sintercard",
            vec![
                case!(sets, "SINTERCARD 2 m o"),
                case!(sets, |n| many(&format!("SINTERCARD {n}"), n, |_| vec!["m".into()])),
                case!(sets, |n| many("SINTERCARD 1 m", n, |_| vec!["LIMIT".into(), "10".into()])),
            ],
        ),
        ("sinterstore", over_sets!("SINTERSTORE d")),
        ("sismember", vec![case!(sets, "SISMEMBER m m1")]),
        ("smembers", vec![case!(sets, "SMEMBERS m")]),
        ("smismember", over_members!("SMISMEMBER")),
        ("smove", vec![case!(sets, "SMOVE m o m1"), case!(sets, "SMOVE m new m1")]),
        (
            "spop",
            vec![
                case!(sets, "SPOP m"),
                case!(sets, "SPOP m 1000000"),
                case!(sets, |n| vec![words(&format!("SPOP m {}", n / 4))]),
                case!(sets, |n| vec![words(&format!("SPOP m {}", n - 1))]),
                case!(compact_sets, "SPOP i 100"),
                case!(compact_sets, "SPOP c 100"),
            ],
        ),
        (
            "srandmember",
            vec![
                case!(sets, "SRANDMEMBER m 1000000"),
                case!(sets, |n| vec![words(&format!("SRANDMEMBER m {}", n / 4))]),
                case!(sets, |n| vec![words(&format!("SRANDMEMBER m {}", n - 1))]),
                case!(sets, |n| vec![words(&format!("SRANDMEMBER m -{n}"))]),
                case!(compact_sets, |n| vec![words(&format!("SRANDMEMBER c -{n}"))]),
            ],
        ),
        ("srem", over_members!("SREM")),
        (
            "sscan",
            vec![
                case!(sets, "SSCAN m 0 COUNT 1000000 MATCH *9*9*"),
                case!(sets, |n| many("SSCAN m 0", n, |_| vec!["COUNT".into(), "10".into()])),
            ],
        ),
        ("sunion", over_sets!("SUNION")),
        ("sunionstore", over_sets!("SUNIONSTORE d")),
    ]
}

#[test]
fn no_command_of_one_half_costs_the_square_of_its_size() {
    check(COMMANDS, cases(), 0, 2);
}

#[test]
fn no_command_of_the_other_half_costs_the_square_of_its_size() {
    check(COMMANDS, cases(), 1, 2);
}
