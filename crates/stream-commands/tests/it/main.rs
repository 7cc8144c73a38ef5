//! The commands on streams from outside.

mod cost;

command_tests::family!(stream_commands::COMMANDS, ["stream"], []);
