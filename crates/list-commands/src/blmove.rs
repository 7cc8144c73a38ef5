//! BLMOVE and its old form BRPOPLPUSH

use super::lmove::move_element;
use super::parse_end;
use command_spec::*;
use commands::popping::NOT_FROM_SCRIPTS;
use commands::timeout::timeout_ms;
use commands::{Block, Cx, Error};
use structures::End;

/// `BLMOVE`
pub(super) const BLMOVE: Spec = Spec {
    name: "blmove",
    summary: "Moves an element from one end of a list to one end of another and returns it, or waits for one.",
    since: "6.2.0",
    group: Group::List,
    arity: 6,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::BLOCKING),
    categories: Categories::LIST,
    keys: &[
        KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE)),
        KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT)),
    ],
    args: &[
        Arg::key("source"),
        Arg::new("destination", ArgKind::Key(1)),
        Arg::one_of("wherefrom", &[Arg::word("left", "LEFT"), Arg::word("right", "RIGHT")]),
        Arg::one_of("whereto", &[Arg::word("left", "LEFT"), Arg::word("right", "RIGHT")]),
        Arg::new("timeout", ArgKind::Double),
    ],
    reply: Shape::OneOf(&[Shape::Bulk, Shape::Null, Shape::NullArray]),
    need: Need::Keys,
    before: &[NOT_FROM_SCRIPTS],
    ..Spec::BASE
};

pub(super) fn blmove(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<Option<Block>, Error> {
    let (from, to) = (parse_end(argv[3])?, parse_end(argv[4])?);
    let timeout_ms = timeout_ms(argv[5], cx.keys.now_ms(), cx.options.profile)?;
    let (mut where_from, mut where_to) = (argv[3], argv[4]);
    if cx.ready.is_some() && !cx.options.profile.has("7.2.0") {
        // One that waited is spelled anew.
        (where_from, where_to) = (spelled(from), spelled(to));
    }
    let plain = [b"LMOVE", argv[1], argv[2], where_from, where_to];
    move_or_wait(cx, &plain, from, to, timeout_ms)
}

fn spelled(end: End) -> &'static [u8] {
    match end {
        End::Front => b"left",
        End::Back => b"right",
    }
}

/// `BRPOPLPUSH`
pub(super) const BRPOPLPUSH: Spec = Spec {
    name: "brpoplpush",
    summary: "Moves the tail of a list to the head of another and returns it, or waits for one.",
    since: "2.2.0",
    deprecated: Some(("6.2.0", "BLMOVE with the RIGHT and LEFT arguments")),
    group: Group::List,
    arity: 4,
    flags: Flags::WRITE.union(Flags::DENYOOM).union(Flags::BLOCKING),
    categories: Categories::LIST,
    keys: &[
        KeySpec::one(1, KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE)),
        KeySpec::one(2, KeyFlags::RW.union(KeyFlags::INSERT)),
    ],
    args: &[
        Arg::key("source"),
        Arg::new("destination", ArgKind::Key(1)),
        Arg::new("timeout", ArgKind::Double),
    ],
    reply: Shape::OneOf(&[Shape::Bulk, Shape::Null, Shape::NullArray]),
    need: Need::Keys,
    before: &[NOT_FROM_SCRIPTS],
    ..Spec::BASE
};

pub(super) fn brpoplpush(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<Option<Block>, Error> {
    let timeout_ms = timeout_ms(argv[3], cx.keys.now_ms(), cx.options.profile)?;
    move_or_wait(cx, &[b"RPOPLPUSH", argv[1], argv[2]], End::Back, End::Front, timeout_ms)
}

/// `plain` is the command that it amounts to once there is something to move.
fn move_or_wait(
    cx: &mut Cx<'_, '_>,
    plain: &[&[u8]],
    from: End,
    to: End,
    timeout_ms: Option<u64>,
) -> Result<Option<Block>, Error> {
    if move_element(cx, plain[1], plain[2], from, to)? {
        cx.replicate(plain);
        return Ok(None);
    }
    if cx.may_block {
        return Ok(Some(Block { keys: 1..2, timeout_ms, null: false, arguments: Vec::new() }));
    }
    // One null, though the timeout answers with a null array.
    cx.out.null();
    Ok(None)
}
