//! BITPOS
//!
//! A string is a beginning of an endless row of zeros: a search for a zero that names no end finds the one behind the last
//! byte. A range that names its end has none behind it.

use super::bits;
use super::range::{Grammar, Part, UNIT};
use command_spec::*;
use commands::args::int;
use commands::{Cx, Error};
use number::IntBuffer;
use string_commands::string_bytes;

/// `BITPOS`
pub(super) const BITPOS: Spec = Spec {
    name: "bitpos",
    summary: "Returns the position of the first bit that is set, or of the first that is clear, in the string at a key.",
    since: "2.8.7",
    group: Group::Bitmap,
    complexity: "O(N), N being the number of bytes searched",
    arity: -3,
    flags: Flags::READONLY,
    categories: Categories::BITMAP,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::integer("bit"),
        Arg::block(
            "range",
            &[Arg::integer("start"), Arg::block("end-unit-block", &[Arg::integer("end"), UNIT]).optional()],
        )
        .optional(),
    ],
    reply: Shape::AtLeast(-1),
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn bitpos(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let bit = match int(argv[2])? {
        0 => false,
        1 => true,
        _ => return Err(Error::text("ERR The bit argument must be 1 or 0.")),
    };
    let mut part = Part::parse(&argv[3..], Grammar { lone_start: true, ..Grammar::default() });
    // Earlier versions look the key up first, and read the rest only if it is there.
    if cx.options.profile.has("7.2.0") {
        part = Ok(part?);
    }
    let effort = cx.effort;
    let mut buffer = IntBuffer::new();
    let Some(entry) = cx.keys.lookup(argv[1]) else {
        cx.out.int(if bit { -1 } else { 0 });
        return Ok(());
    };
    let bytes = string_bytes(entry.value(), &mut buffer)?;
    let part = part?;
    let range = part.bits(bytes.len());
    effort.scans(range.len() / 8)?;
    let end = range.end;
    let is_open = !bit && part.end.is_none() && !range.is_empty();
    let found = bits::position(bytes, range, bit).or(is_open.then_some(end));
    cx.out.int(found.map_or(-1, |at| at as i64));
    Ok(())
}
