//! When two replies count as equal.

use crate::program::Compare;
use crate::reply::Reply;

/// How two replies compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Equal,
    /// Equal except for the order, which is free in a hash table and fixed in a compact encoding.
    EqualIfTable,
    Different,
}

/// Compares the replies to one command. Scan and Transfer get here only when the command did not succeed or was part
/// of a transaction.
pub(super) fn compare(how: Compare, oracle: &Reply, subject: &Reply) -> Verdict {
    if oracle == subject {
        return Verdict::Equal;
    }
    if oracle.is_error() || subject.is_error() {
        return Verdict::Different;
    }
    let equal = |is_equal| if is_equal { Verdict::Equal } else { Verdict::Different };
    match how {
        Compare::Exact => Verdict::Different,
        Compare::Unordered => equal(sorted(oracle) == sorted(subject)),
        Compare::Table if sorted(oracle) == sorted(subject) => Verdict::EqualIfTable,
        Compare::TablePairs if sorted_pairs(oracle) == sorted_pairs(subject) => Verdict::EqualIfTable,
        Compare::Table | Compare::TablePairs => Verdict::Different,
        Compare::Near(tolerance) => equal(near(oracle, subject, tolerance)),
        Compare::Shape | Compare::Transfer => equal(same_shape(oracle, subject)),
        Compare::Scan => equal(same_scan_page(oracle, subject)),
        Compare::Hello => equal(without_id(oracle) == without_id(subject)),
        Compare::Times => equal(without_times(oracle) == without_times(subject)),
    }
}

/// A reply with its elements in order; one that has none stays as it is.
pub(super) fn sorted(reply: &Reply) -> Reply {
    match reply.clone() {
        Reply::Array(mut elements) => {
            elements.sort();
            Reply::Array(elements)
        }
        Reply::Set(mut elements) => {
            elements.sort();
            Reply::Set(elements)
        }
        Reply::Map(mut pairs) => {
            pairs.sort();
            Reply::Map(pairs)
        }
        other => other,
    }
}

/// As [`sorted`], keeping the two elements of each pair of a flat array together.
pub(super) fn sorted_pairs(reply: &Reply) -> Reply {
    match reply {
        Reply::Array(flat) if flat.len().is_multiple_of(2) => {
            let mut pairs: Vec<&[Reply]> = flat.chunks(2).collect();
            pairs.sort();
            Reply::Array(pairs.concat())
        }
        other => sorted(other),
    }
}

fn near(oracle: &Reply, subject: &Reply, tolerance: i64) -> bool {
    match (oracle, subject) {
        // -1 and -2 mean "no expiry" and "no key": near is not good enough there.
        (Reply::Integer(a), Reply::Integer(b)) => {
            *a >= 0 && *b >= 0 && a.abs_diff(*b) <= tolerance.unsigned_abs()
        }
        _ => false,
    }
}

fn same_shape(oracle: &Reply, subject: &Reply) -> bool {
    if std::mem::discriminant(oracle) != std::mem::discriminant(subject) {
        return false;
    }
    match (oracle.elements(), subject.elements()) {
        (Some(a), Some(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_shape(a, b)),
        (None, None) => true,
        _ => false,
    }
}

/// One page of a scan inside a transaction: a cursor and some elements, both the server's own.
fn same_scan_page(oracle: &Reply, subject: &Reply) -> bool {
    let is_page = |reply: &Reply| matches!(reply.elements(), Some([Reply::Bulk(_), Reply::Array(_)]));
    is_page(oracle) && is_page(subject)
}

/// What XINFO, XPENDING and XCLAIM tell, without the times in it: those behind their names, and the third of the four items, or
/// the second of the three, that tell of a pending entry.
pub(super) fn without_times(reply: &Reply) -> Reply {
    const NAMES: [&[u8]; 4] = [b"idle", b"inactive", b"seen-time", b"active-time"];
    // Whether there is a time at all is the same.
    let known = |time: &Reply| match time {
        Reply::Integer(0..) => Reply::Integer(0),
        other => other.clone(),
    };
    let is_time = |name: &Reply| name.text().is_some_and(|name| NAMES.contains(&name));
    match reply {
        Reply::Map(pairs) => {
            let told = |(name, value): &(Reply, Reply)| {
                (name.clone(), if is_time(name) { known(value) } else { without_times(value) })
            };
            Reply::Map(pairs.iter().map(told).collect())
        }
        Reply::Array(items) => {
            let mut told: Vec<Reply> = items.iter().map(without_times).collect();
            match items.as_slice() {
                [Reply::Bulk(_), Reply::Bulk(_), Reply::Integer(_), Reply::Integer(_)] => {
                    told[2] = known(&items[2])
                }
                [Reply::Bulk(_), Reply::Integer(_), Reply::Integer(_)] => told[1] = known(&items[1]),
                _ => {
                    for at in (1..items.len()).filter(|at| is_time(&items[at - 1])) {
                        told[at] = known(&items[at]);
                    }
                }
            }
            Reply::Array(told)
        }
        other => other.clone(),
    }
}

/// HELLO without the connection's number, and the modules: valkey-server 9.1 has one for scripts.
fn without_id(reply: &Reply) -> Reply {
    let is_id = |name: &Reply| matches!(name.text(), Some(b"id" | b"modules"));
    match reply {
        Reply::Map(pairs) => Reply::Map(pairs.iter().filter(|(name, _)| !is_id(name)).cloned().collect()),
        Reply::Array(flat) => {
            Reply::Array(flat.chunks(2).filter(|pair| !is_id(&pair[0])).flatten().cloned().collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(how: Compare, oracle: &str, subject: &str, expected: Verdict) {
        let read = |wire: &str| Reply::read(&mut wire.as_bytes()).unwrap();
        assert_eq!(compare(how, &read(oracle), &read(subject)), expected, "{how:?} {oracle:?} {subject:?}");
    }

    const AB: &str = "*2\r\n+a\r\n+b\r\n";
    const BA: &str = "*2\r\n+b\r\n+a\r\n";

    #[test]
    fn each_way_excuses_only_what_it_names() {
        use Verdict::*;
        check(Compare::Exact, AB, AB, Equal);
        check(Compare::Exact, AB, BA, Different);
        check(Compare::Exact, "$-1\r\n", "*-1\r\n", Different);
        check(Compare::Unordered, AB, BA, Equal);
        check(Compare::Unordered, AB, "*2\r\n+b\r\n+c\r\n", Different);
        check(Compare::Table, AB, BA, EqualIfTable);
        check(Compare::TablePairs, AB, BA, Different);
        check(
            Compare::TablePairs,
            "*4\r\n+a\r\n:1\r\n+b\r\n:2\r\n",
            "*4\r\n+b\r\n:2\r\n+a\r\n:1\r\n",
            EqualIfTable,
        );
        check(
            Compare::TablePairs,
            "*4\r\n+a\r\n:1\r\n+b\r\n:2\r\n",
            "*4\r\n+b\r\n:1\r\n+a\r\n:2\r\n",
            Different,
        );
        check(Compare::Near(5), ":10\r\n", ":15\r\n", Equal);
        check(Compare::Near(5), ":10\r\n", ":16\r\n", Different);
        check(Compare::Near(5), ":-1\r\n", ":-2\r\n", Different);
        check(Compare::Shape, "$1\r\na\r\n", "$1\r\nb\r\n", Equal);
        check(Compare::Shape, "$1\r\na\r\n", "$-1\r\n", Different);
        check(Compare::Shape, AB, "*1\r\n+a\r\n", Different);
        check(Compare::Shape, "-ERR a\r\n", "-ERR b\r\n", Different);
        check(Compare::Hello, "%2\r\n+id\r\n:1\r\n+v\r\n:7\r\n", "%2\r\n+id\r\n:2\r\n+v\r\n:7\r\n", Equal);
        let pending = |idle_ms, count| format!("*4\r\n$3\r\n1-1\r\n$1\r\nc\r\n:{idle_ms}\r\n:{count}\r\n");
        check(Compare::Times, &pending(5, 2), &pending(9, 2), Equal);
        check(Compare::Times, &pending(5, 2), &pending(5, 3), Different);
        let inactive = |ms| format!("*1\r\n%2\r\n+name\r\n+c\r\n+inactive\r\n:{ms}\r\n");
        check(Compare::Times, &inactive(5), &inactive(9), Equal);
        check(Compare::Times, &inactive(5), &inactive(-1), Different);
        check(
            Compare::Hello,
            "%2\r\n+id\r\n:1\r\n+v\r\n:7\r\n",
            "%2\r\n+id\r\n:2\r\n+v\r\n:8\r\n",
            Different,
        );
    }
}
