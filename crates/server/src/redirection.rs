//! Where a replica sends clients that follow a redirection, as Valkey 8.0 has it with cluster mode off.
//!
//! Clients of a managed node's endpoints are not redirected: the endpoints move, and the address that a managed node follows
//! is none that clients know.

use crate::server::Server;
use command_spec::Flags;
use command_table::Command;
use commands::Error;
use session::{Client, flag};

/// Where a replica sends a client with its command, if the client follows.
#[cold]
pub(crate) fn elsewhere(
    server: &Server,
    client: &Client,
    command: &'static Command,
    is_write: bool,
) -> Option<Error> {
    let is_read = client.runs(command).any(|command| command.spec.flags.contains(Flags::READONLY));
    if client.endpoint.is_some() || !(is_write || (is_read && !client.shared.has_flag(flag::READONLY))) {
        return None;
    }
    let link = server.replicas.link();
    let (host, port) = link.replica.primary()?;
    Some(Error::Other(format!("REDIRECT {host}:{port}").into()))
}
