//! The command table of a server, and what a request is once its command is known.
//!
//! [`CommandTable`] has the data commands and the server's own, as a version has them; what runs one of the server's own is known
//! to its server alone, by a number ([`OwnRun`]). [`Resolved`] is a request: command, arguments, keys, slots and locks, found once.

#![forbid(unsafe_code)]

mod resolved;
pub mod restricted;
mod table;

pub use resolved::{Kept, Key, Locks, Resolved, locks_of_all};
pub use table::{Command, CommandTable, Handler, OwnRun, Run, Unknown};
