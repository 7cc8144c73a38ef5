//! All data commands: the list of their families, each of which is a crate.
//!
//! Who runs a command that was found needs the crate `commands` alone.

#![forbid(unsafe_code)]

use commands::Command;

/// Every family, in teaching order.
pub const FAMILIES: &[&[Command]] = &[
    string_commands::COMMANDS,
    bitmap_commands::COMMANDS,
    hyperloglog_commands::COMMANDS,
    key_commands::COMMANDS,
    hash_commands::COMMANDS,
    list_commands::COMMANDS,
    set_commands::COMMANDS,
    stream_commands::COMMANDS,
    sorted_set_commands::COMMANDS,
    geo_commands::COMMANDS,
];

/// Every data command.
pub fn all() -> impl Iterator<Item = &'static Command> {
    FAMILIES.iter().copied().flatten()
}
