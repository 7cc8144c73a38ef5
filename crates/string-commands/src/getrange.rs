//! GETRANGE and its old name SUBSTR

use super::string_bytes;
use command_spec::*;
use commands::args::int;
use commands::{Cx, Error};
use number::IntBuffer;
use std::ops::Range;

/// `GETRANGE`
pub(super) const GETRANGE: Spec = Spec {
    name: "getrange",
    summary: "Returns a part of the string at a key; negative offsets count from its end.",
    since: "2.4.0",
    group: Group::String,
    complexity: "O(N), N being the length of the part",
    arity: 4,
    flags: Flags::READONLY,
    categories: Categories::STRING,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[Arg::key("key"), Arg::integer("start"), Arg::integer("end")],
    reply: Shape::Bulk,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn getrange(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let (start, end) = (int(argv[2])?, int(argv[3])?);
    let mut buffer = IntBuffer::new();
    let effort = cx.effort;
    match cx.keys.lookup(argv[1]) {
        Some(entry) => {
            let bytes = string_bytes(entry.value(), &mut buffer)?;
            let part = part(start, end, bytes.len());
            effort.copies(part.len())?;
            cx.out.bulk(&bytes[part]);
        }
        None => cx.out.bulk(b""),
    }
    Ok(())
}

/// `SUBSTR`
pub(super) const SUBSTR: Spec = Spec {
    name: "substr",
    summary: "Returns a part of the string at a key: the old name of GETRANGE.",
    since: "1.0.0",
    deprecated: Some(("2.0.0", "GETRANGE")),
    ..GETRANGE
};

/// The part from `start` to `end`, both inclusive.
fn part(start: i64, end: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    if start < 0 && end < 0 && start > end {
        return 0..0;
    }
    let from_start = |at: i64| if at < 0 { (len + at).max(0) } else { at };
    let (start, end) = (from_start(start), from_start(end).min(len - 1));
    if start > end { 0..0 } else { start as usize..end as usize + 1 }
}

#[cfg(test)]
mod tests {
    use super::part;

    #[test]
    fn offsets_are_clamped() {
        assert_eq!(part(0, -1, 5), 0..5);
        assert_eq!(part(-3, -2, 5), 2..4);
        assert_eq!(part(-2, -3, 5), 0..0);
        assert_eq!(part(-100, 100, 5), 0..5);
        assert_eq!(part(-100, -90, 5), 0..1);
        assert_eq!(part(5, 9, 5), 0..0);
        assert_eq!(part(0, -1, 0), 0..0);
        assert_eq!(part(i64::MIN, i64::MAX, 1), 0..1);
    }
}
