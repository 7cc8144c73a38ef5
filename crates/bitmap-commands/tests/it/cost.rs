//! Strings that are long for their bits.

use bitmap_commands::COMMANDS;
use command_tests::Session;
use command_tests::case;
use command_tests::cost::{Cases, check, key, keys, many, nothing, strings, words, words_of};

fn cases() -> Cases {
    vec![
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
    ]
}

/// `s`, `s2` and `z`: strings that take long to count, the last one of zeros.
fn long_strings(session: &mut Session, n: usize) {
    let text = "ab".repeat(80 * n);
    session.call(&["MSET", "s", &text, "s2", &text[1..], "z", &"\0".repeat(160 * n)]);
}

#[test]
fn no_command_costs_the_square_of_its_size() {
    check(COMMANDS, cases(), 0, 1);
}
