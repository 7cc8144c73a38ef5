//! The node's own commands: those about connections, transactions, channels and the server. Same form as the data commands: a
//! spec directly above its handler, a list a family.

mod client;
mod command_command;
mod config_command;
mod connection;
mod debug;
mod info;
mod keyspace;
mod persistence;
mod pubsub;
mod redirection;
mod replication;
mod scripting;
mod slowlog;
#[cfg(test)]
mod table_tests;
mod time;
mod transactions;

use crate::cx::NodeCommand;
use crate::cx::NodeCx;
use commands::Error;
use engine::cx::Flow;

/// Every family, in teaching order.
const FAMILIES: &[&[NodeCommand]] = &[
    connection::COMMANDS,
    transactions::COMMANDS,
    pubsub::COMMANDS,
    replication::COMMANDS,
    client::COMMANDS,
    redirection::COMMANDS,
    command_command::COMMANDS,
    scripting::COMMANDS,
    slowlog::COMMANDS,
    time::COMMANDS,
    keyspace::COMMANDS,
    persistence::COMMANDS,
    config_command::COMMANDS,
    info::COMMANDS,
    debug::COMMANDS,
];

pub(crate) use client::describe as describe_client;
pub(crate) use config_command::change as change_config;
pub(crate) use pubsub::forget_all as forget_subscriptions;
pub(crate) use redirection::elsewhere;

/// Every command of the node itself.
pub(crate) fn all() -> impl Iterator<Item = &'static NodeCommand> {
    FAMILIES.iter().copied().flatten()
}

/// The reply of a container's HELP: a line that says how, the subcommands, and HELP itself.
fn help(cx: &mut NodeCx<'_, '_>, container: &str, lines: &[&str]) -> Result<Flow, Error> {
    let last = if cx.shared.profile.has("7.2.0") { "    Print this help." } else { "    Prints this help." };
    let mut out = cx.out();
    out.array(lines.len() + 3);
    out.simple(&format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    lines.iter().for_each(|line| out.simple(line));
    out.simple("HELP");
    out.simple(last);
    Ok(Flow::Done)
}

/// What runs a container that means nothing without a subcommand.
fn container(cx: &mut NodeCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    Err(Error::Arity(cx.command.run.full_name.into()))
}

/// The error of a subcommand whose own count of arguments is wrong.
fn wrong_arguments(container: &str, sub: &[u8]) -> Error {
    let sub = String::from_utf8_lossy(sub);
    Error::Other(
        format!(
            "ERR unknown subcommand or wrong number of arguments for '{sub:.128}'. Try {container} HELP."
        )
        .into(),
    )
}
