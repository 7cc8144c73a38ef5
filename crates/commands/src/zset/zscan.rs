//! ZSCAN

use super::read;
use crate::args::{int, is};
use crate::container::reply_item;
use crate::generic::{SCANNED_AT_ONCE, scan_cursor};
use crate::{Cx, Error};
use command_spec::*;
use number::{DoubleText, IntBuffer};
use profile::Profile;
use resp::Writer;
use structures::{Item, SortedSet};
use topology::glob;

/// `ZSCAN`
pub(super) const ZSCAN: Spec = Spec {
    name: "zscan",
    summary: "Returns some of the members of a sorted set and a cursor to go on with; a whole scan returns all.",
    since: "2.8.0",
    group: Group::SortedSet,
    complexity: "O(1) a call, O(N) for a whole scan, N being the number of members",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::SORTEDSET,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::integer("cursor"),
        Arg::new("pattern", ArgKind::Pattern(None)).token("MATCH").optional(),
        Arg::integer("count").token("COUNT").optional(),
        Arg::word("noscores", "NOSCORES").optional().since("8.0.0"),
    ],
    reply: Shape::PAGE,
    need: Need::Keys,
    ..Spec::BASE
};

/// Members looked at in one call, unless COUNT says otherwise.
const DEFAULT_COUNT: usize = 10;

struct Options<'a> {
    pattern: Option<&'a [u8]>,
    count: usize,
    scores: bool,
}

fn parse<'a>(args: &[&'a [u8]], profile: Profile) -> Result<Options<'a>, Error> {
    let mut options = Options { pattern: None, count: DEFAULT_COUNT, scores: true };
    let mut rest = args;
    loop {
        rest = match *rest {
            [] => return Ok(options),
            [word, count, ref rest @ ..] if is(word, "COUNT") => {
                let count = usize::try_from(int(count)?).ok().filter(|&count| count > 0);
                options.count = count.ok_or(Error::Syntax)?;
                rest
            }
            [word, pattern, ref rest @ ..] if is(word, "MATCH") => {
                options.pattern = (pattern != b"*").then_some(pattern);
                rest
            }
            [word, ref rest @ ..] if is(word, "NOSCORES") && profile.has("8.0.0") => {
                options.scores = false;
                rest
            }
            _ => return Err(Error::Syntax),
        };
    }
}

pub(super) fn zscan(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let cursor = scan_cursor(argv[2], cx.options.profile)?;
    let Some(set) = read(&mut cx.keys, argv[1])? else {
        reply(&mut cx.out, 0, 0, &[]);
        return Ok(());
    };
    let options = parse(&argv[3..], cx.options.profile)?;
    let mut elements: Vec<u8> = Vec::new();
    let mut list = cx.out.aside(&mut elements);
    let (mut members, mut visited, mut next) = (0, 0, cursor);
    loop {
        let left = options.count - visited;
        let at_once = left.min(SCANNED_AT_ONCE);
        next = scan(set, next, at_once, |member, score| {
            visited += 1;
            let is_wanted = |pattern| glob::matches(pattern, member.text(&mut IntBuffer::new()), false);
            if !list.is_over() && options.pattern.is_none_or(is_wanted) {
                members += 1;
                reply_item(&mut list, member);
                if options.scores {
                    reply_item(&mut list, score);
                }
            }
        });
        if next == 0 || at_once == left || visited >= options.count || list.is_over() {
            break;
        }
    }
    reply(&mut cx.out, next, members * (1 + usize::from(options.scores)), &elements);
    Ok(())
}

/// Visits members with the texts of their scores: of a listpack as they stand in it, of a tree with 17 digits in all versions.
fn scan(set: &SortedSet, cursor: u64, count: usize, mut visit: impl FnMut(Item<'_>, Item<'_>)) -> u64 {
    let Some(listpack) = set.as_listpack() else {
        return set.scan(cursor, count, |member, score| {
            visit(member, Item::Bytes(DoubleText::Digits17.format(score.get()).as_bytes()));
        });
    };
    let mut items = listpack.iter();
    while let (Some(member), Some(score)) = (items.next(), items.next()) {
        visit(member, score);
    }
    0
}

/// The cursor stands before the elements that decide it.
fn reply(out: &mut Writer<'_>, cursor: u64, len: usize, elements: &[u8]) {
    out.array(2);
    out.bulk(itoa::Buffer::new().format(cursor).as_bytes());
    out.array(len);
    out.raw(elements);
}
