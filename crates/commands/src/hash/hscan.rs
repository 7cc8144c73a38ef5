//! HSCAN

use super::read;
use crate::args::{int, is};
use crate::container::reply_item;
use crate::generic::{SCANNED_AT_ONCE, scan_cursor};
use crate::{Cx, Error};
use command_spec::*;
use number::IntBuffer;
use profile::Profile;
use resp::Writer;
use topology::glob;

/// `HSCAN`
pub(super) const HSCAN: Spec = Spec {
    name: "hscan",
    summary: "Returns some of the fields of a hash and a cursor to go on with; a whole scan returns all.",
    since: "2.8.0",
    group: Group::Hash,
    complexity: "O(1) a call, O(N) for a whole scan, N being the number of fields",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::HASH,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::integer("cursor"),
        Arg::new("pattern", ArgKind::Pattern(None)).token("MATCH").optional(),
        Arg::integer("count").token("COUNT").optional(),
        Arg::word("novalues", "NOVALUES").optional().since("8.0.0"),
    ],
    reply: Shape::PAGE,
    need: Need::Keys,
    ..Spec::BASE
};

/// Fields looked at in one call, unless COUNT says otherwise.
const DEFAULT_COUNT: usize = 10;

struct Options<'a> {
    pattern: Option<&'a [u8]>,
    count: usize,
    values: bool,
}

fn parse<'a>(args: &[&'a [u8]], profile: Profile) -> Result<Options<'a>, Error> {
    let mut options = Options { pattern: None, count: DEFAULT_COUNT, values: true };
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
            [word, ref rest @ ..] if is(word, "NOVALUES") && profile.has("8.0.0") => {
                options.values = false;
                rest
            }
            _ => return Err(Error::Syntax),
        };
    }
}

pub(super) fn hscan(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let cursor = scan_cursor(argv[2], cx.options.profile)?;
    let Some(hash) = read(&mut cx.keys, argv[1])? else {
        reply(&mut cx.out, 0, 0, &[]);
        return Ok(());
    };
    let options = parse(&argv[3..], cx.options.profile)?;
    let mut elements: Vec<u8> = Vec::new();
    let mut list = cx.out.aside(&mut elements);
    let (mut fields, mut visited, mut next) = (0, 0, cursor);
    loop {
        let left = options.count - visited;
        let at_once = left.min(SCANNED_AT_ONCE);
        next = hash.scan(next, at_once, |field, value| {
            visited += 1;
            let is_wanted = |pattern| glob::matches(pattern, field.text(&mut IntBuffer::new()), false);
            if !list.is_over() && options.pattern.is_none_or(is_wanted) {
                fields += 1;
                reply_item(&mut list, field);
                if options.values {
                    reply_item(&mut list, value);
                }
            }
        });
        if next == 0 || at_once == left || visited >= options.count || list.is_over() {
            break;
        }
    }
    reply(&mut cx.out, next, fields * (1 + usize::from(options.values)), &elements);
    Ok(())
}

/// The cursor stands before the elements that decide it.
fn reply(out: &mut Writer<'_>, cursor: u64, len: usize, elements: &[u8]) {
    out.array(2);
    out.bulk(itoa::Buffer::new().format(cursor).as_bytes());
    out.array(len);
    out.raw(elements);
}
