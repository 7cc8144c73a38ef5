//! Many HyperLogLogs, and many elements.

use command_tests::Session;
use command_tests::case;
use command_tests::cost::{Cases, check, key, many, nothing, value};
use hyperloglog_commands::COMMANDS;

fn cases() -> Cases {
    vec![
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
    ]
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

#[test]
fn no_command_costs_the_square_of_its_size() {
    check(COMMANDS, cases(), 0, 1);
}
