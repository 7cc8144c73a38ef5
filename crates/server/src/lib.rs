//! The server as a command sees it, which is all that the threads of a node share.
//!
//! ```text
//!   node: threads, sockets ──assembles──▶ Server ◀──cx── server-commands, metrics
//!                                           │ puts together, each with its own locks
//!              ┌──────────┬─────────────────┼──────────┬───────────┬─────────┐
//!            engine   persistence   replica_threads  Listening   Ending   Gauges
//! ```
//! Nothing here has a thread of its own or decides when something is done: a node does, and what a command decides stands in
//! the command. A server does not know its commands either: it is made with a list of them ([`Server::new`]), and runs one
//! by its place in the list ([`engine::cx::Host`]).
//!
//! What only some threads of a node need is not here: those are handed it when they start.

#![forbid(unsafe_code)]
// It is part of the shell: time, threads and sockets are its business.
#![allow(clippy::disallowed_methods)]

mod board;
mod cx;
mod ending;
mod gauges;
mod listening;
pub mod process;
mod redirection;
mod server;

pub use board::{Board, Said};
pub use cx::{RunServer, ServerCommand, ServerCx};
pub use ending::{Ending, Pause, WaitingClient, Why};
pub use gauges::{Gauges, SAMPLES};
pub use listening::{Listening, NotListening, Opened, endpoint_clients, endpoint_of, open};
pub use server::{Ingredients, Server, Start};
