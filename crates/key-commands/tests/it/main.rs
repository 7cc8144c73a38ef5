//! The commands on keys from outside.

// The other server of MIGRATE is a thread.
#![allow(clippy::disallowed_methods)]

mod cost;
mod effort;
mod migrate;
mod model;
mod properties;
mod walks;

command_tests::family!(key_commands::COMMANDS, ["string", "hash", "short"], ["keys", "scan", "sort_ro"]);
