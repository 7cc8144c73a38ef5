//! The texts of rules, denials and files to the byte, properties, and the same questions to real servers.

#![forbid(unsafe_code)]
#![allow(clippy::disallowed_methods)] // a test starts servers and reads what the environment names

mod check;
mod file;
mod peer;
mod property;
mod random;
mod rules;
mod table;
mod users;
