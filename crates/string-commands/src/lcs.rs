//! LCS
//!
//! The longest common subsequence by the textbook algorithm: cell (i, j) is the length for the first i bytes of one
//! string and the first j of the other. Tracing back from the last cell gives the subsequence and its ranges. Clients
//! see which of several equally long ones this finds, so where two neighbours are equal the trace goes to the shorter
//! prefix of the second string.

use super::string_bytes;
use command_spec::*;
use commands::args::{int, is};
use commands::{Cx, Error};
use number::IntBuffer;
use std::ops::RangeInclusive;

/// The ranges of each match in both strings, and with WITHMATCHLEN its length.
const MATCHES: Shape = Shape::Array(&Shape::OneOf(&[
    Shape::Tuple(&[RANGE, RANGE]),
    Shape::Tuple(&[RANGE, RANGE, Shape::COUNT]),
]));
const RANGE: Shape = Shape::Tuple(&[Shape::COUNT, Shape::COUNT]);

/// `LCS`
pub(super) const LCS: Spec = Spec {
    name: "lcs",
    summary: "Finds the longest common subsequence of the strings at two keys.",
    since: "7.0.0",
    group: Group::String,
    complexity: "O(N*M), N and M being the lengths of the strings",
    quadratic: Some("each byte of one string is compared with each of the other"),
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::STRING,
    keys: &[KeySpec {
        flags: KeyFlags::RO.union(KeyFlags::ACCESS),
        begin: BeginSearch::Index(1),
        find: FindKeys::Range { last: 1, step: 1, limit: 0 },
    }],
    args: &[
        Arg::key("key1"),
        Arg::key("key2"),
        Arg::word("len", "LEN").optional(),
        Arg::word("idx", "IDX").optional(),
        Arg::integer("min-match-len").token("MINMATCHLEN").optional(),
        Arg::word("withmatchlen", "WITHMATCHLEN").optional(),
    ],
    reply: Shape::OneOf(&[
        Shape::Bulk,
        Shape::COUNT,
        Shape::Map(&Shape::Bulk, &Shape::OneOf(&[Shape::COUNT, MATCHES])),
    ]),
    need: Need::Keys,
    ..Spec::BASE
};

#[derive(Default)]
struct Options {
    idx: bool,
    len: bool,
    with_match_len: bool,
    min_match_len: i64,
}

fn parse(argv: &[&[u8]]) -> Result<Options, Error> {
    let mut options = Options::default();
    let mut rest = argv[3..].iter();
    while let Some(arg) = rest.next() {
        if is(arg, "IDX") {
            options.idx = true;
        } else if is(arg, "LEN") {
            options.len = true;
        } else if is(arg, "WITHMATCHLEN") {
            options.with_match_len = true;
        } else if is(arg, "MINMATCHLEN") {
            options.min_match_len = int(rest.next().ok_or(Error::Syntax)?)?;
        } else {
            return Err(Error::Syntax);
        }
    }
    if options.idx && options.len {
        return Err(Error::text("ERR If you want both the length and indexes, please just use IDX."));
    }
    Ok(options)
}

pub(super) fn lcs(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let strings = [owned(cx, argv[1]), owned(cx, argv[2])];
    let [Some(a), Some(b)] = strings else {
        return Err(Error::text("ERR The specified keys must contain string values"));
    };
    let options = parse(argv)?;
    let table_bytes = (a.len() as u64 + 1).saturating_mul(b.len() as u64 + 1).saturating_mul(4);
    if table_bytes > cx.settings.proto_max_bulk_len_bytes as usize as u64 {
        return Err(Error::text(
            "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len",
        ));
    }
    cx.effort.compares_all(a.len(), b.len())?;
    let table = Table::new(&a, &b);
    let out = &mut cx.out;
    if options.len {
        out.int(i64::from(table.at(a.len(), b.len())));
        return Ok(());
    }
    let matches = table.matches(&a, &b);
    if !options.idx {
        let parts: Vec<&[u8]> = matches.iter().rev().map(|found| &a[found.a.clone()]).collect();
        out.bulk(&parts.concat());
        return Ok(());
    }
    let shown = || matches.iter().filter(|found| found.len() as i64 >= options.min_match_len);
    out.map(2);
    out.bulk(b"matches");
    out.array(shown().count());
    out.each(shown(), |out, found| {
        out.array(if options.with_match_len { 3 } else { 2 });
        for range in [&found.a, &found.b] {
            out.array(2);
            out.int(*range.start() as i64);
            out.int(*range.end() as i64);
        }
        if options.with_match_len {
            out.int(found.len() as i64);
        }
    });
    out.bulk(b"len");
    out.int(i64::from(table.at(a.len(), b.len())));
    Ok(())
}

/// The string at a key, empty without one; `None` when it is of another type.
fn owned(cx: &mut Cx<'_, '_>, key: &[u8]) -> Option<Vec<u8>> {
    let mut buffer = IntBuffer::new();
    match cx.keys.lookup(key) {
        Some(entry) => string_bytes(entry.value(), &mut buffer).ok().map(<[u8]>::to_vec),
        None => Some(Vec::new()),
    }
}

/// A run of equal bytes in both strings.
#[derive(Debug, PartialEq, Eq)]
struct Match {
    a: RangeInclusive<usize>,
    b: RangeInclusive<usize>,
}

impl Match {
    fn len(&self) -> usize {
        self.a.end() - self.a.start() + 1
    }
}

struct Table {
    cells: Vec<u32>,
    width: usize,
}

impl Table {
    fn new(a: &[u8], b: &[u8]) -> Table {
        let width = b.len() + 1;
        let mut cells = vec![0u32; (a.len() + 1) * width];
        for (row, x) in a.iter().enumerate() {
            let (above, here) = cells[row * width..(row + 2) * width].split_at_mut(width);
            for (column, y) in b.iter().enumerate() {
                here[column + 1] =
                    if x == y { above[column] + 1 } else { above[column + 1].max(here[column]) };
            }
        }
        Table { cells, width }
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.cells[i * self.width + j]
    }

    /// The runs of the subsequence, the last one first.
    fn matches(&self, a: &[u8], b: &[u8]) -> Vec<Match> {
        let mut found: Vec<Match> = Vec::new();
        let (mut i, mut j) = (a.len(), b.len());
        let mut adjacent = false;
        while i > 0 && j > 0 {
            if a[i - 1] == b[j - 1] {
                i -= 1;
                j -= 1;
                match found.last_mut() {
                    Some(run) if adjacent => *run = Match { a: i..=*run.a.end(), b: j..=*run.b.end() },
                    _ => found.push(Match { a: i..=i, b: j..=j }),
                }
                adjacent = true;
            } else {
                if self.at(i - 1, j) > self.at(i, j - 1) {
                    i -= 1;
                } else {
                    j -= 1;
                }
                adjacent = false;
            }
        }
        found
    }
}
