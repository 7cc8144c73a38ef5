//! The wire protocol of Redis and Valkey, both versions: RESP2 and RESP3.
//!
//! ```text
//!   bytes from a client ──▶ request::Parser ──▶ Request: ranges into those bytes
//!   reply of a command  ──▶ writer::Writer  ──▶ bytes to a client, in its version of the protocol
//!   bytes from a server ──▶ frame::Decoder  ──▶ Frame: an owned value (tests, replica link, migration)
//! ```
//!
//! This crate knows nothing of sockets, commands, clocks or threads. It does not copy arguments: a request is a list of
//! ranges over the caller's receive buffer. It does not trust its input: every length is checked before it is used, and
//! an announced length alone reserves no memory.
#![forbid(unsafe_code)]

pub mod frame;
mod inline;
pub mod number;
pub mod request;
pub mod writer;

pub use frame::{Decoder, Frame, FrameError, encode_command};
pub use inline::split_quoted;
pub use number::parse_i64;
pub use request::{ArgRange, Args, Limits, Parsed, Parser, ProtocolError, Request};
pub use writer::{Deferred, Meter, Proto, STEP, Writer};
