//! The commands that are about the server rather than about data: connections, transactions, channels, replication, the server
//! itself. Same form as the data commands: a spec directly above its handler, a list a family, a transcript beside it.
//!
//! A handler works on [`ServerCx`]: the server, the worker's own things, the client that asks, and the locks that its spec wants.
//! It runs in a worker's thread and waits for nobody; what takes time is asked of another thread, and the client waits for that
//! thread's answer ([`ServerCx::wait_elsewhere`]).

#![forbid(unsafe_code)]
// They are part of the shell: time, threads and files are their business.
#![allow(clippy::disallowed_methods)]

mod acl;
mod client;
mod client_filter;
mod command_command;
mod config_command;
mod connection;
mod debug;
mod digest;
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
mod tracking;
mod transactions;
mod users;

use command_table::CommandTable;
use commands::Error;
use engine::cx::Flow;
use profile::Profile;
use server::{ServerCommand, ServerCx};

/// Every family, in teaching order.
const FAMILIES: &[&[ServerCommand]] = &[
    connection::COMMANDS,
    transactions::COMMANDS,
    pubsub::COMMANDS,
    replication::COMMANDS,
    client::COMMANDS,
    acl::COMMANDS,
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

pub use client::describe as describe_client;
pub use config_command::change as change_config;
pub use pubsub::forget_all as forget_subscriptions;
pub use users::{UsersError, load_at_start as load_users};

/// The command table of a server that speaks as a version: the data commands and those about the server.
pub fn command_table(profile: Profile) -> CommandTable {
    CommandTable::new(profile, all()).0
}

/// Every command that is about the server.
pub fn all() -> impl Iterator<Item = &'static ServerCommand> {
    FAMILIES.iter().copied().flatten()
}

/// The reply of a container's HELP: a line that says how, the subcommands, and HELP itself.
fn help(cx: &mut ServerCx<'_, '_>, container: &str, lines: &[&str]) -> Result<Flow, Error> {
    let last = if cx.server.profile.has("7.2.0") { "    Print this help." } else { "    Prints this help." };
    let mut out = cx.out();
    out.array(lines.len() + 3);
    out.simple(&format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    lines.iter().for_each(|line| out.simple(line));
    out.simple("HELP");
    out.simple(last);
    Ok(Flow::Done)
}

/// What runs a container that means nothing without a subcommand.
fn container(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
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
