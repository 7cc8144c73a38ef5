//! XTRIM

use super::trimming;
use command_spec::*;
use commands::{Cx, Error};
use keyspace::EventClass;
use table::ValueMut;

/// `XTRIM`
pub(super) const XTRIM: Spec = Spec {
    name: "xtrim",
    summary: "Deletes entries at the start of a stream; returns how many.",
    since: "5.0.0",
    group: Group::Stream,
    complexity: "O(N), N being the number of entries that go",
    arity: -4,
    flags: Flags::WRITE,
    categories: Categories::STREAM,
    tips: &["nondeterministic_output"],
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
    args: &[Arg::key("key"), Arg::block("trim", trimming::ARGS)],
    reply: Shape::COUNT,
    need: Need::Keys,
    ..Spec::BASE
};

pub(super) fn xtrim(cx: &mut Cx<'_, '_>, argv: &[&[u8]]) -> Result<(), Error> {
    let key = argv[1];
    let options = trimming::parse(cx, argv, false)?;
    let Some(trim) = options.trim else { return Err(Error::Syntax) };
    let effort = cx.effort;
    let replicating = cx.keys.effects().replicating;
    let Some(mut edit) = cx.keys.edit(key) else {
        cx.out.int(0);
        return Ok(());
    };
    let ValueMut::Stream(stream) = edit.value_mut() else { return Err(Error::WrongType) };
    effort.visits(stream.nodes_to_trim(&trim))?;
    let deleted = stream.trim(&trim);
    if deleted > 0 {
        let sent = (replicating && !trim.is_exact).then(|| options.exact(argv, stream, None));
        cx.keys.changed(key, EventClass::STREAM, "xtrim", deleted as u64);
        if let Some(sent) = sent {
            let sent: Vec<&[u8]> = sent.iter().map(|arg| &**arg).collect();
            cx.replicate(&sent);
        }
    }
    cx.out.int(deleted as i64);
    Ok(())
}
