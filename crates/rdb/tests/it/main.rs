//! The codec from outside: files of a real server, hostile bytes, and a real server as reader.
//!
//! Tests own files, processes and the environment, which the crate itself must not touch.
#![allow(clippy::disallowed_methods)]

mod fixtures;
mod hostile;
mod peer;
mod round_trip;
mod support;
mod value_types;
