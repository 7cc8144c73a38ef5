//! Access control lists, as Redis 7.0 and 7.2 and Valkey 8.0 to 9.1 have them: users, their rules, and what they allow.
//!
//! ```text
//!   Users ── name ──▶ User: may it log in, and selectors
//!                       │
//!                       ├─ root     ┐ each: commands (bits) · keys (patterns, read and write) · channels · databases
//!                       └─ (…) (…)  ┘
//! ```
//!
//! Rules are applied one after the other ([`User::apply`]); what they come to can be written out ([`User::describe`]) and read again.
//! A request is allowed when one selector allows all of it ([`User::check`], [`User::explain`]).
//!
//! The crate knows no connections, threads, clocks or files: times and random bytes are arguments, files are texts. It learns commands
//! from a [`Catalogue`], so the rules of a version are those of the version's own commands.
//!
//! Where versions differ, the [`Catalogue`]'s profile decides:
//!
//! | | since 7.0 | since 7.2 | since 9.1 |
//! |---|---|---|---|
//! | rules for commands are described | from the bits, by categories that fit | as they were given | |
//! | payloads in descriptions | once somebody says it | always | never |
//! | denials name the user | no | yes | |
//! | databases | no rules | | `db=`, `alldbs`, `resetdbs` |
//!
//! Passwords are kept as SHA-256 only, compared in constant time, and shown in no error and no `Debug` output.
//!
//! Two things are deliberately not as the servers have them, for a user must come back from its description as it was. A first argument
//! (`+select|0`) with a space is refused. In selectors, a word that would be read back as another is quoted.

#![forbid(unsafe_code)]

mod bits;
mod catalogue;
mod check;
mod denial;
mod describe;
mod error;
mod explain;
pub mod file;
pub mod genpass;
pub mod log;
mod minimise;
mod password;
mod pattern;
mod permissions;
mod selector;
mod split;
mod user;
mod users;

pub use bits::CommandId;
pub use catalogue::{Catalogue, Entry};
pub use check::{Denied, Request};
pub use denial::Context;
pub use describe::{Details, SelectorDetails};
pub use error::{RuleError, SetUserError, shown};
pub use explain::{Explanation, Reason, Subject};
pub use password::PasswordHash;
pub use user::User;
pub use users::{CurrentUser, DEFAULT, DEFAULT_STAYS, Declared, Followed, Users, WRONG_PASSWORD, declared};
