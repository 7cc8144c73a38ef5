//! Long lists, and many keys that nobody has.

use command_tests::case;
use command_tests::cost::{Cases, blocking, check, list, many, nothing, numbered, words};
use list_commands::COMMANDS;

fn cases() -> Cases {
    vec![
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
    ]
}

#[test]
fn no_command_costs_the_square_of_its_size() {
    check(COMMANDS, cases(), 0, 1);
}
