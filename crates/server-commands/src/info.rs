//! INFO: the table of [metrics], by sections.

use command_spec::*;
use commands::Error;
use engine::cx::Flow;
use metrics::Facts;
use metrics::SECTIONS;
use server::{ServerCommand, ServerCx};
use std::fmt::Write;

pub(crate) const COMMANDS: &[ServerCommand] = &[ServerCommand::new(&INFO, info)];

/// `INFO`
const INFO: Spec = Spec {
    name: "info",
    summary: "Returns information and statistics about the node, by sections.",
    since: "1.0.0",
    group: Group::Server,
    arity: -1,
    flags: Flags::LOADING.union(Flags::STALE).union(Flags::SENTINEL),
    categories: Categories::DANGEROUS,
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    args: &[Arg::string("section").optional().multiple()],
    reply: Shape::Verbatim,
    ..Spec::BASE
};

fn info(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let asked: Vec<Vec<u8>> = argv[1..].iter().map(|arg| arg.to_ascii_lowercase()).collect();
    let named = |name: &str| asked.iter().any(|asked| asked == name.as_bytes());
    // ALL leaves out what modules add, and there are none.
    let everything = named("all") || named("everything");
    let default = asked.is_empty() || named("default");
    let profile = cx.server.profile;
    let facts = Facts::new(cx.server, &cx.local.settings, &cx.local.lazyfree);
    let mut lines = String::with_capacity(8 << 10);
    for section in SECTIONS {
        if everything || (default && section.by_default) || named(section.name) {
            let gap = if lines.is_empty() { "" } else { "\r\n" };
            // A string takes whatever is written.
            let _ = write!(lines, "{gap}# {}\r\n", section.heading);
            for metric in section.metrics.iter().filter(|metric| metric.is_in(profile)) {
                let _ = metric.write(&facts, &mut lines);
            }
        }
    }
    cx.out().verbatim(b"txt", lines.as_bytes());
    Ok(Flow::Done)
}
