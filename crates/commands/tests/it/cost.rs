//! No command's cost grows with the square of its input, or of what its keys hold.
//!
//! Each command of the table runs with hostile arguments at a size and at four times that size. Four times the cost is
//! expected, up to ten times is tolerated, sixteen times would be quadratic. What counts is the CPU time of this very
//! thread, so that a busy machine does not matter, and the larger size has to take long enough to be measured. The
//! [`Spec`](command_spec::Spec) of a command that has to be quadratic says why.

use crate::growth::{LINEAR, beyond};
use crate::session::Session;
use crate::table::with_subcommands;
use command_spec::Group;
use profile::Profile;
use rustix::time::{ClockId, clock_gettime};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// More than the caches of one core hold.
const CACHE_BYTES: usize = 4 << 20;
const QUADRATIC: f64 = 20.0;
const SIZES: [usize; 3] = [2_000, 8_000, 32_000];

type Argv = Vec<Vec<u8>>;

/// What is there before, and what is measured, both by size.
struct Case {
    prepare: fn(&mut Session, usize),
    calls: fn(usize) -> Vec<Argv>,
}

fn words(line: &str) -> Argv {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

fn words_of(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// A call that begins with some words and goes on with so many more.
fn many(line: &str, n: usize, more: impl Fn(usize) -> Vec<String>) -> Vec<Argv> {
    let mut argv = words(line);
    argv.extend((0..n).flat_map(|i| more(i).into_iter().map(String::into_bytes)));
    vec![argv]
}

/// All keys in one slot, which is as hostile as it gets.
fn key(i: usize) -> String {
    format!("{{t}}{i}")
}

fn fill(session: &mut Session, line: &str, n: usize, more: impl Fn(usize) -> Vec<String>) {
    for from in (0..n).step_by(1_000) {
        let argv = many(line, 1_000.min(n - from), |i| more(from + i)).remove(0);
        assert_ne!(session.call(&argv).first(), Some(&b'-'), "{line}");
    }
}

fn nothing(_: &mut Session, _: usize) {}

/// `{t}0`, `{t}1`, …: strings.
fn keys(session: &mut Session, n: usize) {
    fill(session, "MSET", n, |i| vec![key(i), "v".into()]);
}

/// As [`keys`], all of them to expire.
fn volatile(session: &mut Session, n: usize) {
    (0..n).for_each(|i| drop(session.call(&["SET", &key(i), "v", "EX", "100"])));
}

/// `s` and `s2`: long strings.
fn strings(session: &mut Session, n: usize) {
    let text = "ab".repeat(8 * n);
    session.call(&["MSET", "s", &text, "s2", &text[1..]]);
}

/// `l`: every other element is `x`.
fn list(session: &mut Session, n: usize) {
    fill(session, "RPUSH l", n, |i| vec![if i % 2 == 0 { "x".into() } else { i.to_string() }]);
}

/// `h`: a hash in a table.
fn hash(session: &mut Session, n: usize) {
    fill(session, "HSET h", n, |i| vec![i.to_string(), "v".into()]);
}

/// `m` and `o`: sets in tables that have half of their members in common.
fn sets(session: &mut Session, n: usize) {
    fill(session, "SADD m", n, |i| vec![format!("m{i}")]);
    fill(session, "SADD o", n, |i| vec![format!("m{}", i + n / 2)]);
    fill(session, "SADD {t}s0", 1, |_| vec!["m0".into()]);
}

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

/// `z` and `y`: sorted sets in trees that have half of their members in common; `e`, whose scores are all equal.
fn sorted_sets(session: &mut Session, n: usize) {
    fill(session, "ZADD z", n, |i| vec![i.to_string(), format!("m{i}")]);
    fill(session, "ZADD y", n, |i| vec![i.to_string(), format!("m{}", i + n / 2)]);
    fill(session, "ZADD e", n, |i| vec!["0".into(), format!("m{i}")]);
    fill(session, "ZADD {t}z0", 1, |_| vec!["0".into(), "m0".into()]);
}

/// `{t}z0`, `{t}z1`, …: sorted sets of one member.
fn small_sorted_sets(session: &mut Session, n: usize) {
    sorted_sets(session, n);
    (0..n).for_each(|i| fill(session, &format!("ZADD {{t}}z{i}"), 1, |_| vec!["0".into(), "m0".into()]));
}

/// `c`: as large a sorted set as is compact.
fn compact_sorted_set(session: &mut Session, _: usize) {
    fill(session, "ZADD c", 128, |i| vec![i.to_string(), format!("m{i}")]);
}

/// `c`: as large a hash as is compact.
fn compact_hash(session: &mut Session, _: usize) {
    fill(session, "HSET c", 128, |i| vec![i.to_string(), "v".into()]);
}

macro_rules! case {
    ($prepare:expr, |$n:ident| $calls:expr) => {
        Case { prepare: $prepare, calls: |$n| $calls }
    };
    ($prepare:expr, $line:literal) => {
        Case { prepare: $prepare, calls: |_| vec![words($line)] }
    };
}

// Behind the macro, which it uses.
mod fields;
mod geo;
mod streams;

/// Many keys, each once, and one key many times.
macro_rules! over_keys {
    ($name:literal) => {
        vec![
            case!(keys, |n| many($name, n, |i| vec![key(i)])),
            case!(volatile, |n| many($name, n, |i| vec![key(i)])),
            case!(keys, |n| many($name, n, |_| vec![key(0)])),
            case!(hash, |n| many($name, n, |_| vec!["h".into()])),
        ]
    };
}

/// A command whose last argument is one of many words that nobody needs so often.
macro_rules! over_words {
    ($line:literal, $word:literal) => {
        vec![case!(strings, |n| many($line, n, |_| vec![$word.into()])), case!(volatile, $line)]
    };
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

mod strings;

/// The cases of a command, by its full name.
fn cases() -> BTreeMap<&'static str, Vec<Case>> {
    let generic = [
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
    ];
    let hashes = [
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
    ];
    let sets = [
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
    ];
    let sorted_sets = [
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
    ];
    let lists = [
        ("blmove", vec![case!(list, "BLMOVE l l2 LEFT RIGHT 0"), case!(list, "BLMOVE l l LEFT RIGHT 0")]),
        (
            "blmpop",
            vec![
                case!(list, "BLMPOP 0 1 l LEFT COUNT 1000000"),
                case!(list, |n| numbered("BLMPOP 0", n, "l LEFT")),
            ],
        ),
        ("blpop", vec![case!(nothing, |n| blocking("BLPOP", n)), case!(list, |n| blocking("BLPOP", n))]),
        ("brpop", vec![case!(nothing, |n| blocking("BRPOP", n)), case!(list, |n| blocking("BRPOP", n))]),
        ("brpoplpush", vec![case!(list, "BRPOPLPUSH l l 0")]),
        ("lindex", vec![case!(list, |n| vec![words(&format!("LINDEX l {}", n / 2))])]),
        (
            "linsert",
            vec![
                case!(list, |n| vec![words(&format!("LINSERT l BEFORE {} new", n - 1))]),
                case!(list, "LINSERT l AFTER none new"),
            ],
        ),
        ("llen", vec![case!(list, "LLEN l")]),
        ("lmove", vec![case!(list, "LMOVE l l2 LEFT RIGHT"), case!(list, "LMOVE l l RIGHT LEFT")]),
        (
            "lmpop",
            vec![
                case!(list, "LMPOP 1 l RIGHT COUNT 1000000"),
                case!(list, |n| numbered("LMPOP", n, "l LEFT")),
            ],
        ),
        (
            "lpop",
            vec![case!(list, "LPOP l 1000000"), case!(list, |n| vec![words(&format!("LPOP l {}", n - 1))])],
        ),
        (
            "lpos",
            vec![
                case!(list, "LPOS l x COUNT 0"),
                case!(list, |n| vec![words(&format!("LPOS l x RANK -{} COUNT 0", n / 4))]),
                case!(list, "LPOS l none"),
                case!(list, |n| many("LPOS l x", n, |_| vec!["RANK".into(), "2".into()])),
            ],
        ),
        ("lpush", vec![case!(list, |n| many("LPUSH l", n, |i| vec![i.to_string()]))]),
        ("lpushx", vec![case!(list, |n| many("LPUSHX l", n, |i| vec![i.to_string()]))]),
        (
            "lrange",
            vec![
                case!(list, "LRANGE l 0 -1"),
                case!(list, |n| vec![words(&format!("LRANGE l {} -1", n / 2))]),
            ],
        ),
        (
            "lrem",
            vec![
                case!(list, "LREM l 0 x"),
                case!(list, "LREM l -1000000 x"),
                case!(list, |n| vec![words(&format!("LREM l {} x", n / 4))]),
            ],
        ),
        ("lset", vec![case!(list, |n| vec![words(&format!("LSET l {} new", n / 2))])]),
        (
            "ltrim",
            vec![
                case!(list, |n| vec![words(&format!("LTRIM l {} {}", n / 4, n / 2))]),
                case!(list, "LTRIM l 1 0"),
                case!(list, "LTRIM l 1 -2"),
            ],
        ),
        (
            "rpop",
            vec![case!(list, "RPOP l 1000000"), case!(list, |n| vec![words(&format!("RPOP l {}", n - 1))])],
        ),
        ("rpoplpush", vec![case!(list, "RPOPLPUSH l l")]),
        ("rpush", vec![case!(list, |n| many("RPUSH l", n, |i| vec![i.to_string()]))]),
        ("rpushx", vec![case!(list, |n| many("RPUSHX l", n, |i| vec![i.to_string()]))]),
    ];
    let texts = [
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
    ];
    generic
        .into_iter()
        .chain(strings::cases())
        .chain(hashes)
        .chain(sets)
        .chain(sorted_sets)
        .chain(lists)
        .chain(texts)
        .chain(fields::cases())
        .chain(streams::cases())
        .chain(geo::cases())
        .collect()
}

/// One key with a long name.
fn long_key(session: &mut Session, n: usize) {
    session.call(&["SET", &"a".repeat(8 * n), "v"]);
}

/// `a` and `b`: as long as can be compared byte by byte.
fn short_strings(session: &mut Session, n: usize) {
    let text = "ab".repeat(n / 30);
    session.call(&["MSET", "a", &text, "b", &text[1..]]);
}

/// A value of many bytes as the last argument.
fn value(line: &str, n: usize) -> Argv {
    let mut argv = words(line);
    argv.push(vec![b'1'; 16 * n]);
    argv
}

/// Many keys that nobody has, before the one that is there.
fn blocking(name: &str, n: usize) -> Vec<Argv> {
    let mut call = many(name, n, |i| vec![format!("none{i}")]);
    call[0].extend(words("l 0"));
    call
}

/// The same for commands that are told how many keys there are, with the last key and what follows.
fn numbered(name: &str, n: usize, last: &str) -> Vec<Argv> {
    let mut call = many(&format!("{name} {}", n + 1), n, |i| vec![format!("none{i}")]);
    call[0].extend(words(last));
    call
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

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn measure(case: &Case, n: usize) -> Duration {
    let mut session = Session::new(Profile::Valkey91);
    (case.prepare)(&mut session, n);
    let calls = (case.calls)(n);
    // What was prepared is in the cache if it is small: no size starts with that.
    std::hint::black_box(vec![n as u8 | 1; CACHE_BYTES]);
    let began = cpu_time();
    for argv in &calls {
        std::hint::black_box(session.call(argv));
    }
    cpu_time() - began
}

#[test]
fn each_case_is_of_a_command() {
    let names: BTreeSet<String> = with_subcommands().map(|(name, _)| name).collect();
    let unknown: Vec<_> = cases().into_keys().filter(|name| !names.contains(*name)).collect();
    assert!(unknown.is_empty(), "no such commands: {unknown:?}");
}

/// Families are measured by tests of their own: all of them at once take longer than one test may.
#[test]
fn no_command_of_streams_costs_the_square_of_its_size() {
    check(|group| group == Group::Stream);
}

#[test]
fn no_command_of_sorted_sets_costs_the_square_of_its_size() {
    check(|group| group == Group::SortedSet);
}

#[test]
fn no_command_of_positions_costs_the_square_of_its_size() {
    check(|group| group == Group::Geo);
}

#[test]
fn no_command_of_lists_hashes_and_sets_costs_the_square_of_its_size() {
    check(|group| matches!(group, Group::List | Group::Hash | Group::Set));
}

#[test]
fn no_other_command_costs_the_square_of_its_size() {
    let others = [Group::Stream, Group::SortedSet, Group::Geo, Group::List, Group::Hash, Group::Set];
    check(|group| !others.contains(&group));
}

/// Measures the commands of some groups.
fn check(is_of: impl Fn(Group) -> bool) {
    let cases = cases();
    let mut refused = Vec::new();
    for (name, command) in with_subcommands().filter(|(_, command)| is_of(command.spec.group)) {
        let Some(cases) = cases.get(name.as_str()) else {
            refused.push(format!("{name} has no case"));
            continue;
        };
        assert!(!cases.is_empty() || !command.subcommands.is_empty(), "{name} has no case");
        let most = if command.spec.quadratic.is_some() { QUADRATIC } else { LINEAR };
        for (number, case) in cases.iter().enumerate() {
            if let Some(growth) = beyond(most, SIZES, |n| measure(case, n)) {
                refused
                    .push(format!("{name}, case {number}: {growth:.1} times the cost at 4 times the size"));
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// The measurement tells a quadratic command from others: LCS is one. At these sizes it takes far longer than what is too short to
/// be measured; at those of the other commands a fast moment of the machine brought it down to that.
#[test]
fn a_quadratic_command_is_noticed() {
    const SIZES: [usize; 3] = [4_000, 16_000, 16_000];
    let case = &cases()["lcs"][0];
    let growth = beyond(LINEAR, SIZES, |n| measure(case, n));
    assert!(growth.is_some(), "its cost does not tell");
}
