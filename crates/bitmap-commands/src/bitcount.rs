//! BITCOUNT

use super::bits;
use super::range::{Grammar, Part, UNIT};
use command_spec::*;
use commands::{Cx, Error};
use number::IntBuffer;
use string_commands::string_bytes;

/// `BITCOUNT`
pub(super) const BITCOUNT: Spec = Spec {
    name: "bitcount",
    summary: "Returns how many bits are set in the string at a key, or in a part of it.",
    since: "2.6.0",
    group: Group::Bitmap,
    complexity: "O(N), N being the number of bytes counted",
    arity: -2,
    flags: Flags::READONLY,
    categories: Categories::BITMAP,
    keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
    args: &[
        Arg::key("key"),
        Arg::block(
            "range",
            &[Arg::integer("start"), Arg::block("end-unit-block", &[Arg::integer("end"), UNIT]).optional()],
        )
        .optional(),
    ],
    before: &[("8.0.0", |spec| spec.args = OLD_ARGS)],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

/// Versions before 8.0 want both ends.
const OLD_ARGS: &[Arg] =
    &[Arg::key("key"), Arg::block("index", &[Arg::integer("start"), Arg::integer("end"), UNIT]).optional()];

pub(super) fn bitcount(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let profile = cx.options.profile;
    let grammar = Grammar { lone_start: profile.has("8.0.0"), unit_last: !profile.has("7.2.0") };
    let mut part = Part::parse(&argv[2..], grammar);
    // Earlier versions look the key up first, and read the rest only if it is there.
    if profile.has("7.2.0") {
        part = Ok(part?);
    }
    let effort = cx.effort;
    let mut buffer = IntBuffer::new();
    let Some(entry) = cx.keys.lookup(argv[1]) else {
        cx.out.int(0);
        return Ok(());
    };
    let bytes = string_bytes(entry.value(), &mut buffer)?;
    let part = part?;
    let range = if part.is_backward() { 0..0 } else { part.bits(bytes.len()) };
    effort.scans(range.len() / 8)?;
    cx.out.int(bits::count(bytes, range) as i64);
    Ok(())
}
