//! Parameters: one table, and everything that is read from it.
//!
//! ```text
//!   redis.conf   command line        CONFIG SET
//!        │            │                   │
//!        └─ lines ────┴──▶ Config ◀───────┘
//!                            │ one value a row of the table
//!            ┌───────────────┼─────────────────┐
//!            ▼               ▼                 ▼
//!        CONFIG GET    Arc<Settings>     CONFIG REWRITE
//!                      typed fields
//! ```
//!
//! A parameter is one row of [`mod@table`]: name, alias, kind, default, bounds, versions, when it may change, and its
//! standing. The standing says what setting it does here: it is *honoured*, *accepted* without effect for a reason
//! that is written down, or *refused* with a sentence, so that no promise is made that is not kept.
//!
//! Texts of errors and values are those of Redis 7.0 and Valkey 8.0 to the byte.
//!
//! This crate is pure: it opens no file, knows no socket and no clock. Included files come from the caller through
//! [`Directives`]; acting on a changed value is the caller's too, from the names in [`Applied`] and the [`Settings`].
#![forbid(unsafe_code)]

pub mod memory_size;
pub mod quoting;
pub mod table;

mod arguments;
mod choices;
mod file;
mod parameter;
mod rewrite;
mod settings;
mod store;
mod value;

pub use arguments::CommandLine;
pub use choices::{
    AclPubsubDefault, IoBackend, KeyspaceEvents, Loglevel, MaxmemoryPolicy, ProtectedAction,
    ReplDisklessLoad, SanitizeDumpPayload, ShutdownFlags,
};
pub use file::{Directives, Line, LoadError, NoDirectives};
pub use parameter::{Kind, Mutability, NameCheck, Parameter, Standing, Unit};
pub use settings::Settings;
pub use store::{Applied, Asker, Config, SetError};
pub use value::{BufferLimit, ClientClass, PrimaryAddress, SavePoint};
