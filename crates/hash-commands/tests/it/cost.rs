//! Hashes in tables and compact ones.

use crate::cost_of_fields;
use command_tests::Session;
use command_tests::case;
use command_tests::cost::{Cases, check, fill, hash, many, nothing, words};
use hash_commands::COMMANDS;

/// `c`: as large a hash as is compact.
fn compact_hash(session: &mut Session, _: usize) {
    fill(session, "HSET c", 128, |i| vec![i.to_string(), "v".into()]);
}

/// Many fields, each once and one many times, of a table and of a compact hash.
macro_rules! over_fields {
    ($name:literal, |$i:ident| $more:expr) => {
        vec![
            case!(hash, |n| many(concat!($name, " h"), n, |$i| $more)),
            case!(nothing, |n| many(concat!($name, " h"), n, |$i| $more)),
            case!(compact_hash, |n| many(concat!($name, " c"), n, |i| {
                let $i = i % 128;
                $more
            })),
        ]
    };
}

fn cases() -> Cases {
    vec![
        ("hdel", over_fields!("HDEL", |i| vec![i.to_string()])),
        ("hexists", vec![case!(hash, "HEXISTS h 1")]),
        ("hget", vec![case!(hash, "HGET h 1")]),
        ("hgetall", vec![case!(hash, "HGETALL h")]),
        ("hincrby", vec![case!(hash, "HINCRBY h new 1")]),
        ("hincrbyfloat", vec![case!(hash, "HINCRBYFLOAT h new 1")]),
        ("hkeys", vec![case!(hash, "HKEYS h")]),
        ("hlen", vec![case!(hash, "HLEN h")]),
        ("hmget", over_fields!("HMGET", |i| vec![i.to_string()])),
        ("hmset", over_fields!("HMSET", |i| vec![i.to_string(), "v".into()])),
        (
            "hrandfield",
            vec![
                case!(hash, "HRANDFIELD h 1000000"),
                case!(hash, |n| vec![words(&format!("HRANDFIELD h {}", n / 4))]),
                case!(hash, |n| vec![words(&format!("HRANDFIELD h {}", n - 1))]),
                case!(hash, |n| vec![words(&format!("HRANDFIELD h -{n} WITHVALUES"))]),
                case!(compact_hash, |n| vec![words(&format!("HRANDFIELD c -{n}"))]),
            ],
        ),
        (
            "hscan",
            vec![
                case!(hash, "HSCAN h 0 COUNT 1000000 MATCH *9*9*"),
                case!(hash, |n| many("HSCAN h 0", n, |_| vec!["COUNT".into(), "10".into()])),
            ],
        ),
        ("hset", over_fields!("HSET", |i| vec![i.to_string(), "v".into()])),
        ("hsetnx", vec![case!(hash, "HSETNX h new v")]),
        ("hstrlen", vec![case!(hash, "HSTRLEN h 1")]),
        ("hvals", vec![case!(hash, "HVALS h")]),
    ]
    .into_iter()
    .chain(cost_of_fields::cases())
    .collect()
}

#[test]
fn no_command_of_one_half_costs_the_square_of_its_size() {
    check(COMMANDS, cases(), 0, 2);
}

#[test]
fn no_command_of_the_other_half_costs_the_square_of_its_size() {
    check(COMMANDS, cases(), 1, 2);
}
