//! The data commands from outside: transcripts, effects beside a real redis-server, properties, and the table as data.

// Tests read transcripts, ask for the time, and talk to a redis-server where there is one.
#![allow(clippy::disallowed_methods)]

mod command_info;
mod cost;
mod effects;
mod effort;
mod endless;
mod fields;
mod growth;
mod migrate;
mod model;
mod peer;
mod printed;
mod properties;
mod roles;
mod session;
mod sketches;
mod table;
mod transcripts;
mod walks;
