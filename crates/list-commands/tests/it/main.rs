//! The commands on lists from outside.

mod cost;
mod effort;

command_tests::family!(list_commands::COMMANDS, ["list"], ["lrange", "lpop"]);
