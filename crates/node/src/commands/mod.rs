//! The node's own commands: those about connections, transactions, channels and the server. Same form as the data commands: a
//! spec directly above its handler, a list a family.

mod connection;
mod pubsub;
mod transactions;

use crate::command::NodeCommand;
use crate::cx::{Flow, NodeCx};
use commands::Error;

/// Every family, in teaching order.
const FAMILIES: &[&[NodeCommand]] = &[connection::COMMANDS, transactions::COMMANDS, pubsub::COMMANDS];

/// Every command of the node itself.
pub(crate) fn all() -> impl Iterator<Item = &'static NodeCommand> {
    FAMILIES.iter().copied().flatten()
}

/// The reply of a container's HELP: a line that says how, the subcommands, and HELP itself.
fn help(cx: &mut NodeCx<'_, '_>, container: &str, lines: &[&str]) -> Result<Flow, Error> {
    let mut out = cx.out();
    out.array(lines.len() + 3);
    out.simple(&format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    lines.iter().for_each(|line| out.simple(line));
    out.simple("HELP");
    out.simple("    Print this help.");
    Ok(Flow::Done)
}
