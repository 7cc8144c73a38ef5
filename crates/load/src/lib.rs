//! A load generator for servers that speak RESP or Memcached's text protocol.
//!
//! ```text
//!   Plan ──▶ run ──▶ threads, each: sockets (wire, poller) ◀──▶ pilot ──▶ tallies ──▶ Outcome ──▶ report, plot
//!                                                               │ what is sent when, and what it is counted as
//!                                              template, keys, sizes, schedule: pure, with seeds and times as arguments
//! ```
//! A thread waits for its sockets, reads what came, lets the [`pilot`] count it and write the next requests, and sends
//! them. Requests are copied from templates, replies are counted and not kept; nothing is allocated for either.
//!
//! **Invariant:** each request is counted once: answered, unanswered or (in an open loop) unsent.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods)] // a load generator owns sockets, threads and time

mod keys;
mod pilot;
mod plan;
mod poller;
mod preset;
mod random;
mod replies;
pub mod report;
mod run;
mod schedule;
mod sizes;
mod tally;
mod template;
mod wire;

pub use keys::Distribution;
pub use plan::{Command, Login, Pace, Plan, Target};
pub use preset::{Preset, names as preset_names};
pub use replies::Protocol;
pub use run::{Live, Outcome, run};
pub use schedule::Arrivals;
pub use sizes::Sizes;
pub use tally::Tally;
pub use template::Data;
