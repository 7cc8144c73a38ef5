//! The clock of the node's host.

use command_spec::*;
use commands::Error;
use engine::cx::Flow;
use server::{ServerCommand, ServerCx};
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) const COMMANDS: &[ServerCommand] = &[ServerCommand::new(&TIME, time)];

/// `TIME`
const TIME: Spec = Spec {
    name: "time",
    summary: "Tells the Unix time of the server, in seconds and the microseconds of the current one.",
    since: "2.6.0",
    group: Group::Server,
    arity: 1,
    flags: Flags::LOADING.union(Flags::STALE).union(Flags::FAST),
    tips: &["nondeterministic_output"],
    reply: Shape::Tuple(&[Shape::Bulk, Shape::Bulk]),
    ..Spec::BASE
};

fn time(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut out = cx.out();
    out.array(2);
    out.bulk_int(now.as_secs() as i64);
    out.bulk_int(now.subsec_micros().into());
    Ok(Flow::Done)
}
