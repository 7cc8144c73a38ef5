//! The commands on positions from outside.

mod cost;
mod effort;

command_tests::family!(geo_commands::COMMANDS, ["zset"], []);
