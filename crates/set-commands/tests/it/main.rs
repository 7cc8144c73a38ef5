//! The commands on sets from outside.

mod cost;
mod effort;

command_tests::family!(
    set_commands::COMMANDS,
    ["set"],
    ["smembers", "sinter", "sunion", "sscan", "srandmember", "spop"]
);
