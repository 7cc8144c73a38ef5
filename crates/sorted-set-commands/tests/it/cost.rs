//! Sorted sets in trees and compact ones, many of them.

use command_tests::Session;
use command_tests::case;
use command_tests::cost::{Cases, blocking, check, fill, many, nothing, numbered, sorted_sets, words};
use sorted_set_commands::COMMANDS;

/// `{t}z0`, `{t}z1`, …: sorted sets of one member.
fn small_sorted_sets(session: &mut Session, n: usize) {
    sorted_sets(session, n);
    (0..n).for_each(|i| fill(session, &format!("ZADD {{t}}z{i}"), 1, |_| vec!["0".into(), "m0".into()]));
}

/// `c`: as large a sorted set as is compact.
fn compact_sorted_set(session: &mut Session, _: usize) {
    fill(session, "ZADD c", 128, |i| vec![i.to_string(), format!("m{i}")]);
}

/// Many members, each once and one many times, of a tree and of a compact sorted set.
macro_rules! over_ranked {
    ($name:literal) => {
        vec![
            case!(sorted_sets, |n| many(concat!($name, " z"), n, |i| vec![format!("m{i}")])),
            case!(sorted_sets, |n| many(concat!($name, " e"), n, |i| vec![format!("m{}", n - i)])),
            case!(sorted_sets, |n| many(concat!($name, " z"), n, |_| vec!["m1".into()])),
            case!(compact_sorted_set, |n| many(concat!($name, " c"), n, |i| vec![format!("m{}", i % 128)])),
        ]
    };
}

/// Two large sorted sets, one of them many times, and many small ones beside it.
macro_rules! over_ranked_sets {
    ($line:literal) => {
        vec![
            case!(sorted_sets, |_n| vec![words(concat!($line, " 2 z y"))]),
            case!(sorted_sets, |n| many(&format!("{} {} z", $line, n + 1), n, |_| vec!["y".into()])),
            case!(small_sorted_sets, |n| many(&format!("{} {} z", $line, n / 8 + 1), n / 8, |i| vec![
                format!("{{t}}z{i}")
            ])),
        ]
    };
}

fn cases() -> Cases {
    vec![
        (
            "zadd",
            vec![
                case!(sorted_sets, |n| many("ZADD z", n, |i| vec![(n - i).to_string(), format!("m{i}")])),
                case!(nothing, |n| many("ZADD z", n, |i| vec![i.to_string(), format!("m{i}")])),
                case!(nothing, |n| many("ZADD z", n, |i| vec!["0".into(), format!("m{}", n - i)])),
                case!(compact_sorted_set, |n| many("ZADD c", n, |i| vec![
                    i.to_string(),
                    format!("m{}", i % 128)
                ])),
                case!(sorted_sets, |n| many("ZADD z", n, |_| vec!["CH".into()])),
            ],
        ),
        (
            "bzmpop",
            vec![
                case!(sorted_sets, "BZMPOP 0 1 z MIN COUNT 1000000"),
                case!(sorted_sets, |n| numbered("BZMPOP 0", n, "z MIN")),
            ],
        ),
        ("bzpopmax", vec![case!(sorted_sets, "BZPOPMAX z 0"), case!(nothing, |n| blocking("BZPOPMAX", n))]),
        ("bzpopmin", vec![case!(sorted_sets, "BZPOPMIN z 0"), case!(nothing, |n| blocking("BZPOPMIN", n))]),
        ("zcard", vec![case!(sorted_sets, "ZCARD z")]),
        ("zcount", vec![case!(sorted_sets, "ZCOUNT z 10 1000")]),
        ("zdiff", over_ranked_sets!("ZDIFF")),
        ("zdiffstore", over_ranked_sets!("ZDIFFSTORE d")),
        ("zinter", over_ranked_sets!("ZINTER")),
        ("zintercard", over_ranked_sets!("ZINTERCARD")),
        ("zinterstore", over_ranked_sets!("ZINTERSTORE d")),
        ("zlexcount", vec![case!(sorted_sets, "ZLEXCOUNT e [m1 [m3")]),
        (
            "zmpop",
            vec![
                case!(sorted_sets, "ZMPOP 1 z MAX COUNT 1000000"),
                case!(sorted_sets, |n| numbered("ZMPOP", n, "z MIN")),
            ],
        ),
        (
            "zpopmax",
            vec![
                case!(sorted_sets, "ZPOPMAX z"),
                case!(sorted_sets, "ZPOPMAX e 1000000"),
                case!(compact_sorted_set, "ZPOPMAX c 100"),
            ],
        ),
        ("zpopmin", vec![case!(sorted_sets, |n| vec![words(&format!("ZPOPMIN z {}", n - 1))])]),
        (
            "zrandmember",
            vec![
                case!(sorted_sets, "ZRANDMEMBER z 1000000"),
                case!(sorted_sets, |n| vec![words(&format!("ZRANDMEMBER z {} WITHSCORES", n / 4))]),
                case!(sorted_sets, |n| vec![words(&format!("ZRANDMEMBER z -{n} WITHSCORES"))]),
                case!(compact_sorted_set, |n| vec![words(&format!("ZRANDMEMBER c -{n}"))]),
            ],
        ),
        (
            "zrangestore",
            vec![
                case!(sorted_sets, "ZRANGESTORE d z 0 -1"),
                case!(sorted_sets, "ZRANGESTORE d e - + BYLEX REV"),
            ],
        ),
        ("zrank", vec![case!(sorted_sets, "ZRANK z m1"), case!(sorted_sets, "ZRANK e m1")]),
        ("zremrangebylex", vec![case!(sorted_sets, "ZREMRANGEBYLEX e [m1 [m3")]),
        ("zremrangebyrank", vec![case!(sorted_sets, "ZREMRANGEBYRANK z 10 -10")]),
        ("zremrangebyscore", vec![case!(sorted_sets, "ZREMRANGEBYSCORE z 10 inf")]),
        ("zrevrank", vec![case!(sorted_sets, "ZREVRANK z m1")]),
        (
            "zscan",
            vec![
                case!(sorted_sets, "ZSCAN z 0 COUNT 1000000 MATCH *9*9*"),
                case!(sorted_sets, |n| many("ZSCAN z 0", n, |_| vec!["COUNT".into(), "10".into()])),
            ],
        ),
        ("zunion", over_ranked_sets!("ZUNION")),
        ("zunionstore", over_ranked_sets!("ZUNIONSTORE d")),
        ("zincrby", vec![case!(sorted_sets, "ZINCRBY z 100000 m1"), case!(sorted_sets, "ZINCRBY e 1 m1")]),
        ("zmscore", over_ranked!("ZMSCORE")),
        (
            "zrange",
            vec![
                case!(sorted_sets, "ZRANGE z 0 -1 WITHSCORES"),
                case!(sorted_sets, "ZRANGE z 0 -1 REV"),
                case!(sorted_sets, "ZRANGE z 0 1000000 BYSCORE LIMIT 100 100"),
                case!(sorted_sets, "ZRANGE e - + BYLEX"),
                case!(sorted_sets, |n| many("ZRANGE z 0 -1", n, |_| vec!["WITHSCORES".into()])),
                case!(sorted_sets, |n| many("ZRANGE z 0 1 BYSCORE LIMIT 0 1", n, |_| {
                    ["LIMIT", "0", "1"].map(String::from).into()
                })),
            ],
        ),
        ("zrangebylex", vec![case!(sorted_sets, "ZRANGEBYLEX e [m1 [m3")]),
        ("zrangebyscore", vec![case!(sorted_sets, "ZRANGEBYSCORE z 10 inf WITHSCORES")]),
        ("zrem", over_ranked!("ZREM")),
        ("zrevrange", vec![case!(sorted_sets, "ZREVRANGE z 0 -1 WITHSCORES")]),
        ("zrevrangebylex", vec![case!(sorted_sets, "ZREVRANGEBYLEX e [m3 [m1")]),
        ("zrevrangebyscore", vec![case!(sorted_sets, "ZREVRANGEBYSCORE z inf 10 WITHSCORES")]),
        ("zscore", vec![case!(sorted_sets, "ZSCORE z m1")]),
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
