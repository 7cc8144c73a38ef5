//! BLPOP and BRPOP

use super::lmpop::pop_first;
use command_spec::*;
use commands::popping::{NOT_FROM_SCRIPTS, wait};
use commands::timeout::timeout_ms;
use commands::{Block, Cx, Error};
use structures::End;

/// `BLPOP`
pub(super) const BLPOP: Spec = Spec {
    name: "blpop",
    summary: "Pops the head of the first of several lists that is there, or waits for one.",
    since: "2.0.0",
    group: Group::List,
    complexity: "O(N), N being the number of keys",
    arity: -3,
    flags: Flags::WRITE.union(Flags::BLOCKING),
    categories: Categories::LIST,
    keys: &[KeySpec {
        flags: KeyFlags::RW.union(KeyFlags::ACCESS).union(KeyFlags::DELETE),
        begin: BeginSearch::Index(1),
        find: FindKeys::Range { last: -2, step: 1, limit: 0 },
    }],
    args: &[Arg::key("key").multiple(), Arg::new("timeout", ArgKind::Double)],
    reply: Shape::OneOf(&[Shape::Tuple(&[Shape::Bulk, Shape::Bulk]), Shape::NullArray]),
    need: Need::Keys,
    before: &[NOT_FROM_SCRIPTS],
    ..Spec::BASE
};

pub(super) fn blpop(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<Option<Block>, Error> {
    pop_or_wait(cx, argv, End::Front)
}

/// `BRPOP`
pub(super) const BRPOP: Spec = Spec {
    name: "brpop",
    summary: "Pops the tail of the first of several lists that is there, or waits for one.",
    ..BLPOP
};

pub(super) fn brpop(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<Option<Block>, Error> {
    pop_or_wait(cx, argv, End::Back)
}

fn pop_or_wait(cx: &mut Cx<'_, '_>, argv: &[&[u8]], end: End) -> Result<Option<Block>, Error> {
    let last = argv.len() - 1;
    let timeout_ms = timeout_ms(argv[last], cx.keys.now_ms(), cx.options.profile)?;
    if pop_first(cx, cx.awaited(&argv[1..last]), end, None)? {
        return Ok(None);
    }
    Ok(wait(cx, 1..last, timeout_ms))
}
