//! The commands on hashes from outside.

mod cost;
mod cost_of_fields;
mod effort;
mod fields;
mod rests;

command_tests::family!(hash_commands::COMMANDS, ["hash"], ["hrandfield", "hgetall", "hkeys", "hscan"]);
