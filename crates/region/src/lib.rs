//! The running control plane of this host.
//!
//! ```text
//!   http ───────────┐                           ┌─▶ store (log, snapshot)
//!   control_socket ─┴─▶ service: one thread ────┤
//!                          ▲      fleet's plan  └─▶ agent ─▶ nodes
//!                          └────────── reports ──────┘
//!   registry: what the nodes measure, asked for each second beside all of this
//! ```
//! Here are the sockets, the clock, the files and the threads around decisions that are pure: `fleet` says what follows from
//! what, `elasticache` what a call means, `aws-protocol` how it is spoken. The nodes do not depend on this: when it
//! is gone they serve on, and the next start takes them over.
#![forbid(unsafe_code)]
// This crate is the shell: it owns clocks, threads, files and sockets.
#![allow(clippy::disallowed_methods)]

mod blocks;
mod clock;
pub mod control_socket;
mod credentials;
mod directories;
pub mod dry_run;
pub mod exposition;
pub mod http;
mod ledger;
mod registry;
mod service;
mod services;
mod store;
mod view;
pub mod whereabouts;

pub use blocks::{BlockTaken, Blocks};
pub use clock::{Clock, NotMovable};
pub use credentials::{ACCOUNT, Credentials, Keys, Use};
pub use directories::{Directories, DirectoryError};
pub use registry::{MemberNow, Now, Question, Registry, SeriesKey, SeriesView};
pub use service::{Awaited, Decision, Ended, Ending, Failure, Fate, NotDecided, Over, Service, Unsaved};
pub use services::{SERVICES, quotas};
pub use store::{Store, StoreError};
pub use view::{DeploymentView, NodeView, RegionView, StrangerView};
