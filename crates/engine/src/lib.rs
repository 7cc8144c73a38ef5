//! The life of a command, and what a node does to its keys on its own: expiry, eviction, freeing.
//!
//! ```text
//!   Resolved ─▶ admission ─▶ locks ─▶ run ─▶ effects ─▶ stream · clients that block · events
//!                 │ maxmemory          └ data commands here, the node's own by its [`Host`]
//!                 └ pause, role, stream, mail
//! ```
//! [`Engine`] is what all threads share; [`exec::Local`] is what each thread has of its own. A worker never waits here: what cannot
//! run now is suspended ([`cx::Suspend`]) and tried again.

#![forbid(unsafe_code)]
// Commands are timed here, and background threads have clocks of their own.
#![allow(clippy::disallowed_methods)]

pub mod access;
pub mod admission;
#[cfg(test)]
mod bare;
pub mod client_line;
pub mod cx;
pub mod defrag;
mod engine;
pub mod exceeded;
pub mod exec;
pub mod expiry;
mod latency;
pub mod lazyfree;
pub mod log;
pub mod maxmemory;
mod moment;
mod own_volatile;
pub mod panics;
pub mod pause;
pub mod peers;
pub mod slowlog;
pub mod stats;
pub mod stream;
pub mod tracking;
pub mod waits;

pub use engine::{BACKGROUND_THREADS, Background, Engine, HELPERS, Parker, Role, random_u64, unix_ms};
pub use moment::Moment;
