//! The commands on bitmaps from outside.

mod cost;
mod effort;

command_tests::family!(bitmap_commands::COMMANDS, ["string"], []);
