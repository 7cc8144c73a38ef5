//! Clients that follow a redirection, as Valkey 8.0 has it with cluster mode off: `CLIENT CAPA redirect` says that a client can.
//! A replica then answers `-REDIRECT host:port`, the address of its primary, where it would refuse a write, and also for a
//! read, unless the client has said READONLY.
//!
//! Clients of a managed node's endpoints are not redirected: the endpoints move, and the address that a managed node follows
//! is none that clients know.

use command_spec::*;
use commands::Error;
use engine::cx::Flow;
use server::{ServerCommand, ServerCx};
use session::flag;

pub(crate) const COMMANDS: &[ServerCommand] =
    &[ServerCommand::new(&READONLY, readonly), ServerCommand::new(&READWRITE, readwrite)];

/// `CLIENT CAPA`
pub(crate) const CLIENT_CAPA: Spec = Spec {
    name: "capa",
    summary: "Says what the client is able to do; what the server does not know is ignored.",
    since: "8.0.0",
    group: Group::Connection,
    arity: -3,
    flags: Flags::NOSCRIPT.union(Flags::LOADING).union(Flags::STALE).union(Flags::ALLOW_BUSY),
    before: &[crate::client::NOT_WHILE_BUSY],
    categories: Categories::CONNECTION,
    args: &[Arg::string("capability").multiple()],
    behaviour: Behaviour::KEEPS_CACHING,
    reply: Shape::OK,
    ..Spec::BASE
};

pub(crate) fn capa(cx: &mut ServerCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    if argv[2..].iter().any(|word| word.eq_ignore_ascii_case(b"redirect")) {
        cx.client.shared.set_flag(flag::REDIRECT, true);
    }
    cx.out().ok();
    Ok(Flow::Done)
}

const MODE: Spec = Spec {
    since: "3.0.0",
    group: Group::Cluster,
    arity: 1,
    flags: Flags::FAST.union(Flags::LOADING).union(Flags::STALE),
    categories: Categories::CONNECTION,
    ..Spec::BASE
};

/// `READONLY`
const READONLY: Spec =
    Spec { name: "readonly", summary: "Lets this connection read from a replica.", reply: Shape::OK, ..MODE };

fn readonly(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    set_readonly(cx, true)
}

/// `READWRITE`
const READWRITE: Spec =
    Spec { name: "readwrite", summary: "Ends what READONLY has begun.", reply: Shape::OK, ..MODE };

fn readwrite(cx: &mut ServerCx<'_, '_>, _: &[&[u8]]) -> Result<Flow, Error> {
    set_readonly(cx, false)
}

fn set_readonly(cx: &mut ServerCx<'_, '_>, on: bool) -> Result<Flow, Error> {
    if !cx.server.profile.has("8.0.0") {
        return Err(Error::text("ERR This instance has cluster support disabled"));
    }
    cx.client.shared.set_flag(flag::READONLY, on);
    cx.out().ok();
    Ok(Flow::Done)
}
