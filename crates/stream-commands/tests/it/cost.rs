//! Streams: long ones, groups in which everything is pending, many groups and many consumers.

use command_tests::cost::{Argv, Cases, check, key, many, nothing, words};
use command_tests::{Session, case};
use profile::Profile;
use std::collections::BTreeMap;
use std::sync::Mutex;
use stream_commands::COMMANDS;

/// `s`: entries `1-1` to `1-n`. They are added one by one once, and come as a payload from then on.
fn stream(session: &mut Session, n: usize) {
    static MADE: Mutex<BTreeMap<usize, Vec<u8>>> = Mutex::new(BTreeMap::new());
    let mut made = MADE.lock().expect("whoever made one has not panicked");
    let payload = made.entry(n).or_insert_with(|| {
        let mut session = Session::new(Profile::Valkey80);
        (1..=n).for_each(|i| drop(session.call(&["XADD", "s", &format!("1-{i}"), "f", "v"])));
        let reply = session.call(&["DUMP", "s"]);
        let head = reply.iter().position(|byte| *byte == b'\n').expect("a bulk string") + 1;
        reply[head..reply.len() - 2].to_vec()
    });
    let restored = session.call(&[b"RESTORE".as_slice(), b"s", b"0", payload.as_slice()]);
    assert_eq!(restored, b"+OK\r\n");
}

/// As [`stream`], with a group to which nothing was delivered.
fn group(session: &mut Session, n: usize) {
    stream(session, n);
    session.call(&["XGROUP", "CREATE", "s", "g", "0"]);
}

/// As [`group`], where everything is pending for one consumer.
fn pending(session: &mut Session, n: usize) {
    group(session, n);
    session.call(&["XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"]);
}

/// As [`pending`], with no entries any more.
fn gone(session: &mut Session, n: usize) {
    pending(session, n);
    session.call(&["XTRIM", "s", "MAXLEN", "0"]);
}

/// `s` with as many groups.
fn groups(session: &mut Session, n: usize) {
    stream(session, 1);
    (0..n).for_each(|i| drop(session.call(&["XGROUP", "CREATE", "s", &format!("g{i}"), "0"])));
}

/// `s` with a group of as many consumers, each with an entry.
fn consumers(session: &mut Session, n: usize) {
    group(session, n);
    let read =
        |i| ["XREADGROUP".into(), "GROUP".into(), "g".into(), format!("c{i}"), "COUNT".into(), "1".into()];
    let of = ["STREAMS", "s", ">"].map(String::from);
    (0..n).for_each(|i| drop(session.call(&[&read(i)[..], &of[..]].concat())));
}

/// `{t}0`, `{t}1`, …: streams of one entry with a group.
fn streams(session: &mut Session, n: usize) {
    for i in 0..n {
        session.call(&["XADD", &key(i), "1-1", "f", "v"]);
        session.call(&["XGROUP", "CREATE", &key(i), "g", "0"]);
    }
}

/// Each entry of [`stream`], and some that are not there.
fn each_id(line: &str, n: usize) -> Vec<Argv> {
    many(line, n, |i| vec![format!("1-{}", i + n / 4)])
}

/// Many streams, then as many IDs.
fn of_streams(line: &str, n: usize, key: impl Fn(usize) -> String, id: &str) -> Vec<Argv> {
    let mut argv = many(line, n, |i| vec![key(i)]);
    argv[0].extend((0..n).map(|_| id.as_bytes().to_vec()));
    argv
}

fn cases() -> Cases {
    vec![
        (
            "xack",
            vec![
                case!(pending, |n| each_id("XACK s g", n)),
                case!(pending, |n| many("XACK s g", n, |_| vec!["1-1".into()])),
            ],
        ),
        (
            "xadd",
            vec![
                case!(stream, "XADD s 2-1 f v"),
                case!(stream, "XADD s MAXLEN 1 2-1 f v"),
                case!(stream, "XADD s MINID 2 2-1 f v"),
                case!(nothing, |n| many("XADD s 1-1", n, |i| vec![format!("f{i}"), "v".into()])),
                case!(stream, |n| many("XADD s 2-1", n, |i| vec![format!("f{i}"), "v".into()])),
            ],
        ),
        (
            "xautoclaim",
            vec![
                case!(pending, "XAUTOCLAIM s g d 0 0 COUNT 1000000 JUSTID"),
                case!(pending, "XAUTOCLAIM s g d 0 0 COUNT 1000000"),
                case!(pending, "XAUTOCLAIM s g d 1000000 0 COUNT 1000000"),
                case!(gone, "XAUTOCLAIM s g d 0 0 COUNT 1000000"),
                case!(consumers, "XAUTOCLAIM s g c1 0 0 COUNT 1000000"),
            ],
        ),
        (
            "xclaim",
            vec![
                case!(pending, |n| each_id("XCLAIM s g d 0", n)),
                case!(consumers, |n| each_id("XCLAIM s g c1 0", n)),
                case!(gone, |n| each_id("XCLAIM s g d 0", n)),
                case!(group, |n| {
                    let mut argv = each_id("XCLAIM s g d 0", n);
                    argv[0].extend(words("FORCE JUSTID"));
                    argv
                }),
                case!(pending, |n| many("XCLAIM s g d 0 1-1", n, |_| vec!["FORCE".into()])),
            ],
        ),
        (
            "xdel",
            vec![
                case!(stream, |n| each_id("XDEL s", n)),
                case!(stream, |n| many("XDEL s", n, |i| vec![format!("1-{}", n - i)])),
                case!(stream, |n| many("XDEL s", n, |_| vec!["1-1".into()])),
            ],
        ),
        ("xgroup", vec![]),
        (
            "xgroup|create",
            vec![case!(groups, "XGROUP CREATE s new 0"), case!(pending, "XGROUP CREATE s new $")],
        ),
        ("xgroup|createconsumer", vec![case!(consumers, "XGROUP CREATECONSUMER s g new")]),
        (
            "xgroup|delconsumer",
            vec![case!(pending, "XGROUP DELCONSUMER s g c"), case!(consumers, "XGROUP DELCONSUMER s g c1")],
        ),
        (
            "xgroup|destroy",
            vec![case!(pending, "XGROUP DESTROY s g"), case!(consumers, "XGROUP DESTROY s g")],
        ),
        ("xgroup|help", vec![case!(nothing, "XGROUP HELP")]),
        ("xgroup|setid", vec![case!(groups, "XGROUP SETID s g1 0"), case!(pending, "XGROUP SETID s g 0")]),
        ("xinfo", vec![]),
        ("xinfo|consumers", vec![case!(consumers, "XINFO CONSUMERS s g")]),
        ("xinfo|groups", vec![case!(groups, "XINFO GROUPS s")]),
        ("xinfo|help", vec![case!(nothing, "XINFO HELP")]),
        (
            "xinfo|stream",
            vec![
                case!(stream, "XINFO STREAM s"),
                case!(pending, "XINFO STREAM s FULL COUNT 0"),
                case!(consumers, "XINFO STREAM s FULL COUNT 0"),
                case!(groups, "XINFO STREAM s FULL"),
            ],
        ),
        ("xlen", vec![case!(stream, "XLEN s")]),
        (
            "xpending",
            vec![
                case!(consumers, "XPENDING s g"),
                case!(pending, "XPENDING s g - + 1000000"),
                case!(pending, "XPENDING s g IDLE 1000000 - + 1"),
                case!(pending, "XPENDING s g - + 1000000 c"),
            ],
        ),
        (
            "xrange",
            vec![
                case!(stream, "XRANGE s - +"),
                case!(stream, |n| vec![words(&format!("XRANGE s 1-{n} + COUNT 1"))]),
            ],
        ),
        (
            "xread",
            vec![
                case!(stream, "XREAD STREAMS s 0"),
                case!(streams, |n| of_streams("XREAD STREAMS", n, key, "0")),
                case!(stream, |n| of_streams("XREAD COUNT 1 STREAMS", n, |_| "s".into(), "0")),
                case!(stream, |n| of_streams("XREAD BLOCK 0 STREAMS", n, |_| "s".into(), "$")),
            ],
        ),
        (
            "xreadgroup",
            vec![
                case!(group, "XREADGROUP GROUP g c STREAMS s >"),
                case!(pending, "XREADGROUP GROUP g c STREAMS s 0"),
                case!(gone, "XREADGROUP GROUP g c STREAMS s 0"),
                case!(streams, |n| of_streams("XREADGROUP GROUP g c STREAMS", n, key, ">")),
                case!(pending, |n| of_streams(
                    "XREADGROUP GROUP g c COUNT 1 STREAMS",
                    n,
                    |_| "s".into(),
                    "0"
                )),
                case!(pending, |n| of_streams(
                    "XREADGROUP GROUP g c BLOCK 0 STREAMS",
                    n,
                    |_| "s".into(),
                    ">"
                )),
            ],
        ),
        ("xrevrange", vec![case!(stream, "XREVRANGE s + -"), case!(stream, "XREVRANGE s 1-1 - COUNT 1")]),
        ("xsetid", vec![case!(stream, "XSETID s 5-5"), case!(gone, "XSETID s 5-5")]),
        (
            "xtrim",
            vec![
                case!(stream, "XTRIM s MAXLEN 1"),
                case!(stream, "XTRIM s MAXLEN ~ 0 LIMIT 0"),
                case!(stream, |n| vec![words(&format!("XTRIM s MINID 1-{n}"))]),
            ],
        ),
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
