//! The commands on HyperLogLogs from outside.

mod cost;
mod effort;
mod sketches;

command_tests::family!(hyperloglog_commands::COMMANDS, ["string"], []);
