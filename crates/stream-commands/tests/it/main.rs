//! The commands on streams from outside.

mod cost;
mod effort;

command_tests::family!(stream_commands::COMMANDS, ["stream"], []);
