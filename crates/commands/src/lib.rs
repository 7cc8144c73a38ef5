//! What every data command is written with. The commands themselves are in crates of their own, one a family.
//!
//! A command is a [`command_spec::Spec`] directly above a `run` that works on [`Cx`]: the keys under their locks, the
//! reply, and the effects. It is synchronous, takes the time and randomness from its context, and knows nothing of
//! connections, threads or replicas. It describes what must leave the node because of it as effects.
//!
//! [`args`], [`when`], [`scanning`], [`popping`], [`drawing`], [`container`] and [`timeout`] are what commands of several families have
//! in common: options, cursors, and how replies are written.
//!
//! [`fn@run`] is the one way to execute a command, for clients, transactions, replicas and blocked clients alike.

#![forbid(unsafe_code)]

pub mod args;
pub mod container;
mod cx;
pub mod drawing;
mod effort;
mod error;
mod peer;
pub mod popping;
mod run;
pub mod scanning;
pub mod timeout;
mod walk;
pub mod when;

pub use cx::{Cx, Options, Random, access_clock, limits};
pub use effort::Effort;
pub use error::Error;
pub use peer::{Lost, Peer, Peers};
pub use run::{Block, Flow, Handler, Rest, Run, RunBlocking, RunLengthy, RunPartly, RunWalk, run};
pub use walk::{Counts, Piece, Progress};

/// A data command.
pub type Command = command_spec::Command<Handler>;
