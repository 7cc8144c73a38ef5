//! Commands that clients of a managed node's endpoints do not have, as on Amazon ElastiCache: what they would do is the
//! control plane's business. There they are renamed away, so they are answered as unknown, and COMMAND does not list
//! them. The trusted Unix socket has them all.

use crate::{Command, Unknown};

/// Full names. A container stands for its subcommands.
const COMMANDS: &[&str] = &[
    // Users are those of the user groups.
    "acl|deluser",
    "acl|dryrun",
    "acl|genpass",
    "acl|getuser",
    "acl|load",
    "acl|log",
    "acl|save",
    "acl|setuser",
    // Files and snapshots are the control plane's.
    "bgrewriteaof",
    "bgsave",
    "save",
    // So is the process with its parameters,
    "config",
    "debug",
    "module",
    "shutdown",
    // the topology,
    "cluster|addslots",
    "cluster|addslotsrange",
    "cluster|bumpepoch",
    "cluster|delslots",
    "cluster|delslotsrange",
    "cluster|failover",
    "cluster|flushslots",
    "cluster|forget",
    "cluster|links",
    "cluster|meet",
    "cluster|replicate",
    "cluster|reset",
    "cluster|setslot",
    "migrate",
    // and who follows whom: replicas attach by the trusted socket.
    "failover",
    "psync",
    "replconf",
    "replicaof",
    "slaveof",
    "sync",
];

/// Whether the list has a command, by its full name.
pub fn lists(full_name: &str) -> bool {
    let container = full_name.split('|').next().unwrap_or(full_name);
    COMMANDS.contains(&full_name) || COMMANDS.contains(&container)
}

/// The answer to one that is on the list.
pub fn unknown(command: &Command, argv: &[&[u8]]) -> Unknown {
    let mut parts = command.run.full_name.splitn(2, '|');
    match (parts.next(), argv.get(1)) {
        (Some(container), Some(sub)) if !COMMANDS.contains(&container) => Unknown::subcommand(container, sub),
        _ => Unknown::command(argv),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_stands_for_its_subcommands() {
        assert!(COMMANDS.iter().all(|name| *name == name.to_ascii_lowercase()));
        assert!(lists("config") && lists("config|get") && lists("acl|setuser"));
        assert!(!lists("acl") && !lists("acl|whoami") && lists("acl|log") && !lists("get"));
    }
}
