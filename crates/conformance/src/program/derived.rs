//! Lines derived from specs: a command's arguments are in its spec.
//!
//! A family's text has the lines of commands whose arguments or replies need care; a command that it names gets no
//! other lines. Every other command of the family's groups gets a line from its spec. [`LEFT_OUT`] lists the commands
//! that no program can contain, with the reason.

use command_spec::{Arg, ArgFlags, ArgKind, Flags};
use command_table::Command;
use profile::Profile;

use super::grammar::{Item, Line};
use super::{Compare, Family};
use crate::shape::commands;

/// Commands, by their full names, that no random program can have.
pub(super) const LEFT_OUT: &[(&str, &str)] = &[
    ("subscribe", "it has a reply for each channel, and messages come in between"),
    ("psubscribe", "it has a reply for each pattern, and messages come in between"),
    ("unsubscribe", "it has a reply for each channel"),
    ("punsubscribe", "it has a reply for each pattern"),
    ("quit", "it ends the connection"),
    ("wait", "redis-server also waits for what others wrote before the client's last command"),
    ("shutdown", "it ends the server"),
    ("replicaof", "it makes the server another's"),
    ("slaveof", "it makes the server another's"),
    ("sync", "the connection becomes a replica's"),
    ("psync", "the connection becomes a replica's"),
    ("replconf", "the connection becomes a replica's"),
    ("migrate", "it waits for servers that are not there; keys move in a scenario of their own"),
    ("bgsave", "when it ends is a matter of luck"),
    ("acl|setuser", "users outlive a program"),
    ("acl|deluser", "users outlive a program"),
    ("acl|log", "what was denied outlives a program"),
    ("acl|genpass", "each server makes up its own"),
    ("acl|cat", "the commands of a category come in each server's own order"),
    ("acl|help", "its text is our own"),
    ("client|kill", "it ends connections, whose numbers and addresses are each server's own"),
    ("client|pause", "whoever is paused does not answer"),
    ("client|reply", "nobody answers then"),
    ("client|tracking", "messages come in between; it has scripts of its own"),
    ("client|capa", "redis-server has no such subcommand"),
    ("command|help", "a word less, as programs have it now and then, is COMMAND"),
    ("client|help", "redis-server has more subcommands"),
    ("config|help", "its text is our own"),
    ("function|help", "its text is our own"),
    ("object|help", "its text is our own"),
    ("pubsub|help", "redis-server has more subcommands"),
    ("script|help", "redis-server has more subcommands"),
    ("config|resetstat", "the load of the replication scenarios, which count syncs, is a program too"),
    ("xgroup|help", "its text is our own"),
    ("xinfo|help", "its text is our own"),
    ("spop", "each server draws members of its own, which are gone afterwards"),
    ("pfselftest", "redis-server takes seconds for it"),
    ("config|set", "parameters outlive a program"),
    ("command", "redis-server has more commands"),
    ("command|count", "redis-server has more commands"),
    ("command|list", "redis-server has more commands"),
    ("command|info", "tests of the table compare it with redis-server, command by command"),
    ("command|docs", "its words are our own"),
    ("info", "its numbers are each server's own"),
    ("slowlog|get", "what is slow is a matter of luck"),
    ("slowlog|len", "what is slow is a matter of luck"),
];

/// How often a command is drawn, relative to others.
const USUAL_WEIGHT: usize = 10;
/// The same for one that waits, or is about the server rather than about data.
const RARE_WEIGHT: usize = 1;

/// The lines of a family: those that its text has, and those that follow from the specs of a profile's commands.
pub(super) fn with_derived(family: &Family, profile: Profile, mut lines: Vec<Line>) -> Vec<Line> {
    let of_family =
        commands(profile).by_id().iter().filter(|command| family.groups.contains(&command.spec.group));
    let more: Vec<Line> =
        of_family.filter(|command| is_derived(command, &lines)).map(|command| line(command)).collect();
    lines.extend(more);
    lines
}

fn is_derived(command: &Command, lines: &[Line]) -> bool {
    let name = command.run.full_name;
    command.subcommands.is_empty()
        && !LEFT_OUT.iter().any(|(left_out, _)| *left_out == name)
        && !lines.iter().any(|line| names(line, name))
}

/// Whether a line is one of the command with a full name.
pub(super) fn names(line: &Line, full_name: &str) -> bool {
    let mut words = full_name.split('|');
    let mut items = line.items.iter();
    words.all(
        |word| matches!(items.next(), Some(Item::Literal(literal)) if literal.eq_ignore_ascii_case(word)),
    )
}

fn line(command: &Command) -> Line {
    let name = command.run.full_name.split('|').map(|word| Item::Literal(word.to_uppercase()));
    let items = name.chain(sequence(command.spec.args)).collect();
    let is_rare =
        command.spec.flags.intersects(Flags::ADMIN | Flags::BLOCKING) || command.spec.name == "help";
    let weight = if is_rare { RARE_WEIGHT } else { USUAL_WEIGHT };
    Line { items, compare: Compare::Exact, weight }
}

fn sequence(args: &[Arg]) -> Vec<Item> {
    let mut items = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if arg.name == "numkeys"
            && let Some(counted) = rest.next()
        {
            items.push(Item::Counted(Box::new(Item::Word(word(counted).to_owned()))));
            continue;
        }
        items.extend(argument(arg));
    }
    items
}

fn argument(arg: &Arg) -> Vec<Item> {
    let mut items = match arg.kind {
        ArgKind::PureToken => vec![Item::Literal(arg.token.to_owned())],
        ArgKind::OneOf => {
            let alternatives = arg.inner.iter().map(argument).collect();
            vec![Item::Choice { alternatives, optional: false }]
        }
        ArgKind::Block => sequence(arg.inner),
        _ => vec![Item::Word(word(arg).to_owned())],
    };
    let token = (arg.kind != ArgKind::PureToken && !arg.token.is_empty())
        .then(|| Item::Literal(arg.token.to_owned()));
    let has_token_each = arg.flags.contains(ArgFlags::MULTIPLE_TOKEN);
    if has_token_each {
        items.splice(0..0, token.clone());
    }
    if arg.flags.contains(ArgFlags::MULTIPLE) {
        let group = Item::Choice { alternatives: vec![items], optional: false };
        items = vec![Item::Repeated(Box::new(group))];
    }
    if !has_token_each {
        items.splice(0..0, token);
    }
    if arg.flags.contains(ArgFlags::OPTIONAL) {
        items = vec![Item::Choice { alternatives: vec![items], optional: true }];
    }
    items
}

/// The word of the grammar that an argument is drawn from.
fn word(arg: &Arg) -> &'static str {
    match (arg.kind, arg.name) {
        (ArgKind::Key(_), _) => "key",
        (ArgKind::Pattern(_), _) => "pattern",
        (ArgKind::UnixTime, "unix-time-milliseconds") => "at-ms",
        (ArgKind::UnixTime, _) => "at",
        (ArgKind::Double, "timeout") => "timeout",
        (ArgKind::Double, _) => "float",
        (ArgKind::Integer, "seconds") => "seconds",
        (ArgKind::Integer, "milliseconds") => "ms",
        (ArgKind::Integer, "index" | "start" | "stop" | "end" | "offset" | "rank") => "index",
        (ArgKind::Integer, "count" | "len" | "num-matches" | "min-match-len") => "count",
        (ArgKind::Integer, "db" | "destination-db" | "index1" | "index2") => "db",
        (ArgKind::Integer, _) => "int",
        (ArgKind::String, "field" | "connection-name") => "field",
        (ArgKind::String, "element" | "pivot") => "element",
        _ => "value",
    }
}

#[cfg(test)]
mod tests {
    use super::super::FAMILIES;
    use super::super::grammar::parse;
    use super::*;
    use command_spec::Shape;

    fn lines(profile: Profile) -> Vec<Line> {
        let families = FAMILIES.iter();
        families.flat_map(|family| with_derived(family, profile, parse(family.grammar).unwrap())).collect()
    }

    #[test]
    fn every_command_occurs_or_is_left_out_for_a_reason() {
        for &profile in Profile::ALL {
            check_all_occur(profile, &lines(profile));
        }
    }

    fn check_all_occur(profile: Profile, lines: &[Line]) {
        for command in commands(profile).by_id() {
            let name = command.run.full_name;
            let left_out = LEFT_OUT.iter().find(|(left_out, _)| *left_out == name);
            let occurs = lines.iter().any(|line| names(line, name));
            if command.subcommands.is_empty() || command.spec.reply != Shape::Never {
                // A container with a meaning of its own is named by lines of its subcommands as well.
                let is_container = !command.subcommands.is_empty();
                assert!(occurs || left_out.is_some(), "no random program of {profile} has {name}");
                assert!(is_container || !occurs || left_out.is_none(), "{name} is left out and occurs");
            }
        }
    }

    #[test]
    fn what_is_left_out_exists_and_has_a_reason() {
        for (name, reason) in LEFT_OUT {
            let has = |profile: &Profile| {
                commands(*profile).by_id().iter().any(|command| command.run.full_name == *name)
            };
            assert!(Profile::ALL.iter().any(has), "{name}");
            assert!(reason.len() > 10, "{name}");
        }
    }

    #[test]
    fn a_line_follows_from_a_spec() {
        let derived = |name: &[u8]| line(commands(Profile::Valkey80).get(name).expect("a command"));
        let same = |name: &[u8], text: &str| {
            let line = parse(text).unwrap().remove(0);
            assert_eq!(derived(name).items, line.items, "{text}");
        };
        same(b"get", "GET {key}");
        same(b"mget", "MGET ({key})+");
        same(b"mset", "MSET ({key} {value})+");
        same(b"hset", "HSET {key} ({field} {value})+");
        same(b"expire", "EXPIRE {key} {seconds} [(NX|XX|GT|LT)]");
        same(b"lpos", "LPOS {key} {element} [RANK {index}] [COUNT {count}] [MAXLEN {count}]");
        same(b"lmpop", "LMPOP {key}# (LEFT|RIGHT) [COUNT {count}]");
        same(b"getex", "GETEX {key} [(EX {seconds}|PX {ms}|EXAT {at}|PXAT {at-ms}|PERSIST)]");
        assert_eq!(derived(b"blpop").weight, RARE_WEIGHT);
    }
}
