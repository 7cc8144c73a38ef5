//! The wire of AWS APIs: how the bytes of a request become typed values, how answers become bytes, and who signed.
//!
//! ```text
//!   headers, body ──▶ sigv4::verify ──▶ Identity: access key, region, service
//!   headers, path ──▶ Protocol::of ──▶ Wire: Query, JSON 1.0 or 1.1, CBOR
//!   Wire::decode ──▶ Request: operation, version, Input ──▶ Input::decode::<T> ──▶ T: an operation's input, any serde type
//!   T: an operation's output ──▶ Wire::encode ──▶ Response        Fault ──▶ Protocol::fault ──▶ Response
//! ```
//!
//! Operations are typed once, as serde structs elsewhere; a codec here knows nothing of any operation. Types that
//! serde's data model lacks use agreed forms, so that each codec can write them its own way: a [`Timestamp`] is a
//! newtype struct of a reserved name, and [`Members`] gives the items of a list their name.
//!
//! This crate opens no socket, reads no clock, starts no thread, and does not trust its input: sizes, counts and depths
//! are bounded before anything is built from them.
#![forbid(unsafe_code)]

mod blob;
pub mod document;
mod fault;
mod input;
mod members;
mod not_yet;
pub mod protocol;
pub mod query;
pub mod sigv4;
mod timestamp;
mod uri;
pub mod wire;
mod with;
pub mod xml;

pub use blob::Blob;
pub use fault::{ErrorShape, Fault, Kind};
pub use input::InputError;
pub use members::{Item, Members};
pub use not_yet::{Blank, Empty, Harmless, NotYet, Nothing, Off, Words};
pub use protocol::Protocol;
pub use timestamp::Timestamp;
pub use wire::Wire;
pub use with::With;
