//! Keys of all types, many of them and large ones.

use command_tests::Session;
use command_tests::cost::{
    Argv, Cases, check, hash, key, keys, list, many, nothing, sets, sorted_sets, strings, volatile, words,
};
use command_tests::{case, over_keys, over_words};
use key_commands::COMMANDS;
use profile::Profile;

/// All elements in order, a part of them, what keys named after them hold, and many options.
macro_rules! over_order {
    ($name:literal) => {
        vec![
            case!(list, |_n| vec![words(concat!($name, " l ALPHA"))]),
            case!(list, |_n| vec![words(concat!($name, " l ALPHA BY * GET # GET {t}* LIMIT 1 1000000"))]),
            case!(list, |_n| vec![words(concat!($name, " l BY nosort DESC LIMIT 10 1000000"))]),
            case!(keys, |n| many(concat!($name, " {t}s0 ALPHA"), n, |_| vec!["ASC".into()])),
            case!(list, |n| many(concat!($name, " l ALPHA LIMIT 0 2"), n, |_| vec![
                "GET".into(),
                "#".into()
            ])),
            case!(sets, |_n| vec![words(concat!($name, " m ALPHA DESC"))]),
        ]
    };
}

fn cases() -> Cases {
    vec![
        (
            "copy",
            vec![
                case!(list, "COPY l l2"),
                case!(hash, "COPY h h2"),
                case!(sets, "COPY m m2"),
                case!(sorted_sets, "COPY z z2"),
                case!(strings, "COPY s s3"),
            ],
        ),
        ("dbsize", vec![case!(keys, "DBSIZE")]),
        ("del", over_keys!("DEL")),
        (
            "dump",
            vec![
                case!(list, "DUMP l"),
                case!(hash, "DUMP h"),
                case!(sets, "DUMP m"),
                case!(sorted_sets, "DUMP z"),
                case!(strings, "DUMP s"),
            ],
        ),
        ("exists", over_keys!("EXISTS")),
        ("expire", over_words!("EXPIRE s 100", "XX")),
        ("expireat", over_words!("EXPIREAT s 9999999999", "XX")),
        ("expiretime", vec![case!(volatile, "EXPIRETIME {t}0")]),
        ("keys", vec![case!(keys, "KEYS *9*9*"), case!(volatile, "KEYS *"), case!(long_key, "KEYS *a*a*b")]),
        ("move", vec![case!(hash, "MOVE h 1"), case!(list, "MOVE l 1")]),
        ("object", vec![]),
        ("object|encoding", vec![case!(list, "OBJECT ENCODING l"), case!(hash, "OBJECT ENCODING h")]),
        ("object|freq", vec![case!(list, "OBJECT FREQ l")]),
        ("object|help", vec![case!(nothing, "OBJECT HELP")]),
        ("object|idletime", vec![case!(list, "OBJECT IDLETIME l")]),
        ("object|refcount", vec![case!(list, "OBJECT REFCOUNT l")]),
        ("persist", vec![case!(volatile, "PERSIST {t}0"), case!(hash, "PERSIST h")]),
        ("pexpire", over_words!("PEXPIRE s 100", "XX")),
        ("pexpireat", over_words!("PEXPIREAT s 9999999999999", "XX")),
        ("pexpiretime", vec![case!(volatile, "PEXPIRETIME {t}0")]),
        ("pttl", vec![case!(volatile, "PTTL {t}0")]),
        ("randomkey", vec![case!(keys, "RANDOMKEY"), case!(volatile, "RANDOMKEY")]),
        ("rename", vec![case!(hash, "RENAME h h2"), case!(list, "RENAME l l2")]),
        ("renamenx", vec![case!(hash, "RENAMENX h h2"), case!(list, "RENAMENX l l2")]),
        (
            "migrate",
            vec![
                case!(keys, |n| many("MIGRATE h 1  0 10 KEYS", n, |i| vec![key(i)])),
                case!(keys, |n| many("MIGRATE h 1 none 0 10", n, |_| vec!["COPY".into()])),
                case!(keys, |n| many("MIGRATE h 1  0 10", n, |_| vec!["AUTH".into(), "KEYS".into()])),
            ],
        ),
        (
            "restore",
            vec![
                case!(nothing, |n| vec![restore(n, "list")]),
                case!(nothing, |n| vec![restore(n, "hash")]),
                case!(nothing, |n| vec![restore(n, "set")]),
                case!(nothing, |n| vec![restore(n, "zset")]),
            ],
        ),
        (
            "scan",
            vec![
                case!(keys, "SCAN 0 COUNT 1000000 MATCH *9*9*"),
                case!(volatile, "SCAN 0 COUNT 1000000"),
                case!(keys, |n| many("SCAN 0", n, |_| vec!["COUNT".into(), "10".into()])),
            ],
        ),
        ("sort", over_order!("SORT")),
        ("sort_ro", over_order!("SORT_RO")),
        ("touch", over_keys!("TOUCH")),
        ("ttl", vec![case!(volatile, "TTL {t}0")]),
        ("type", vec![case!(hash, "TYPE h")]),
        ("unlink", over_keys!("UNLINK")),
    ]
}

/// One key with a long name.
fn long_key(session: &mut Session, n: usize) {
    session.call(&["SET", &"a".repeat(8 * n), "v"]);
}

/// RESTORE of what another node dumped.
fn restore(n: usize, what: &str) -> Argv {
    let mut other = Session::new(Profile::Valkey80);
    let name = match what {
        "list" => {
            list(&mut other, n);
            "l"
        }
        "set" => {
            sets(&mut other, n);
            "m"
        }
        "zset" => {
            sorted_sets(&mut other, n);
            "z"
        }
        _ => {
            hash(&mut other, n);
            "h"
        }
    };
    let reply = other.call(&["DUMP", name]);
    let begin = 1 + reply.iter().position(|&byte| byte == b'\n').expect("a bulk string");
    let dumped = reply[begin..reply.len() - 2].to_vec();
    vec![b"RESTORE".to_vec(), b"new".to_vec(), b"0".to_vec(), dumped]
}

#[test]
fn no_command_of_one_half_costs_the_square_of_its_size() {
    check(COMMANDS, cases(), 0, 2);
}

#[test]
fn no_command_of_the_other_half_costs_the_square_of_its_size() {
    check(COMMANDS, cases(), 1, 2);
}
