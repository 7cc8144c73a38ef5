//! The commands on sorted sets from outside.

mod cost;
mod effort;

command_tests::family!(
    sorted_set_commands::COMMANDS,
    ["zset", "set"],
    ["zunion", "zinter", "zscan", "zrandmember", "zpopmin"]
);
