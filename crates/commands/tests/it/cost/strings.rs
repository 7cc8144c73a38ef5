//! Cases of the commands that read a string in a way of their own: bitmaps and HyperLogLogs.

use super::*;

pub(super) fn cases() -> impl Iterator<Item = (&'static str, Vec<Case>)> {
    let bitmaps = [
        ("bitcount", vec![case!(long_strings, "BITCOUNT s"), case!(long_strings, "BITCOUNT s 3 -3 BIT")]),
        (
            "bitfield",
            vec![
                case!(strings, |n| many("BITFIELD s", n, |i| words_of(&format!("INCRBY u8 {i} 1")))),
                case!(strings, |n| many("BITFIELD s", n, |i| words_of(&format!("GET u8 {i}")))),
                case!(strings, |n| many("BITFIELD s", n, |_| words_of("OVERFLOW SAT"))),
                case!(nothing, |n| vec![words(&format!("BITFIELD s SET u8 {} 1", 800 * n))]),
            ],
        ),
        (
            "bitfield_ro",
            vec![case!(strings, |n| many("BITFIELD_RO s", n, |i| words_of(&format!("GET u8 {i}"))))],
        ),
        (
            "bitop",
            vec![
                case!(long_strings, "BITOP AND d s s2"),
                case!(long_strings, "BITOP NOT d s"),
                case!(long_strings, |n| many("BITOP OR d", n, |_| vec!["s".into()])),
                case!(long_strings, |n| many("BITOP XOR d s", n, |_| vec!["s2".into()])),
                case!(keys, |n| many("BITOP OR d", n, |i| vec![key(i)])),
            ],
        ),
        ("bitpos", vec![case!(long_strings, "BITPOS z 1"), case!(long_strings, "BITPOS z 1 3 -3 BIT")]),
        ("getbit", vec![case!(strings, "GETBIT s 7")]),
        (
            "setbit",
            vec![
                case!(strings, "SETBIT s 7 1"),
                case!(strings, |n| vec![words(&format!("SETBIT s {} 1", 800 * n))]),
                case!(nothing, |n| vec![words(&format!("SETBIT s {} 1", 800 * n))]),
            ],
        ),
    ];
    let sketches = [
        (
            "pfadd",
            vec![
                case!(nothing, |n| many("PFADD p", n, |i| vec![i.to_string()])),
                case!(sketches, |n| many("PFADD {t}0", n, |_| vec!["7".into()])),
                case!(sketches, |n| many("PFADD {t}0", n, |i| vec![i.to_string()])),
                case!(nothing, |n| vec![value("PFADD p", 10 * n)]),
            ],
        ),
        (
            "pfcount",
            vec![
                case!(sketches, |n| many("PFCOUNT", n / 100, |i| vec![key(i)])),
                case!(sketches, |n| many("PFCOUNT", n / 100, |_| vec![key(0)])),
                case!(sketches, "PFCOUNT {t}0"),
            ],
        ),
        ("pfdebug", vec![case!(sketches, "PFDEBUG GETREG {t}0"), case!(sketches, "PFDEBUG DECODE {t}0")]),
        (
            "pfmerge",
            vec![
                case!(sketches, |n| many("PFMERGE p", n / 100, |i| vec![key(i)])),
                case!(sketches, |n| many("PFMERGE p", n / 100, |_| vec![key(0)])),
            ],
        ),
        ("pfselftest", vec![case!(nothing, "PFSELFTEST")]),
    ];
    bitmaps.into_iter().chain(sketches)
}

/// `s`, `s2` and `z`: strings that take long to count, the last one of zeros.
fn long_strings(session: &mut Session, n: usize) {
    let text = "ab".repeat(80 * n);
    session.call(&["MSET", "s", &text, "s2", &text[1..], "z", &"\0".repeat(160 * n)]);
}

/// `{t}0`, `{t}1`, …: sparse HyperLogLogs.
fn sketches(session: &mut Session, n: usize) {
    let elements: Vec<String> = (0..200).map(|i| i.to_string()).collect();
    for i in 0..n / 100 {
        let name = key(i);
        let argv: Vec<&str> =
            ["PFADD", &name].into_iter().chain(elements.iter().map(String::as_str)).collect();
        session.call(&argv);
    }
}
