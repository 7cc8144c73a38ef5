//! The commands on strings from outside.

mod cost;
mod effort;
mod properties;

command_tests::family!(string_commands::COMMANDS, ["string"], ["mget", "get"]);
