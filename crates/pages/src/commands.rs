//! Commands: those of a node's table beside those of Valkey.

use crate::{cell, code, facts, list, wrapped};
use command_table::{Command, CommandTable};
use profile::Profile;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Name, group and first version of each command and subcommand.
const VALKEY: &str = include_str!("../data/valkey-commands.txt");

/// A command of Valkey, by its full name.
struct Known {
    name: &'static str,
    group: &'static str,
    since: &'static str,
}

/// Those that the newest profile's server has.
fn known() -> impl Iterator<Item = Known> {
    let newest = Profile::default();
    let all = facts(VALKEY).map(|[name, group, since]| Known { name, group, since });
    all.filter(move |command| newest.has(command.since))
}

pub(crate) fn section() -> String {
    let table = server_commands::command_table(Profile::default());
    let ours: BTreeMap<&str, &Command> =
        table.by_id().iter().map(|command| (command.run.full_name, *command)).collect();
    let mut groups: BTreeMap<&str, Vec<Known>> = BTreeMap::new();
    for command in known() {
        groups.entry(command.group).or_default().push(command);
    }
    let mut text = head(&groups, &ours);
    for (group, known) in &groups {
        write!(text, "\n### {group}\n").expect("a String takes everything");
        if known.iter().any(|command| ours.contains_key(command.name)) {
            text += "\n| command | since | |\n|---|---|---|\n";
        }
        for Known { name, since, .. } in known {
            if let Some(command) = ours.get(name) {
                let (name, summary) = (code(&shown(name)), cell(command.spec.summary));
                writeln!(text, "| {name} | {since} | {summary} |").expect("a String takes everything");
            }
        }
        text += &not_yet(known, &ours);
    }
    text + &restricted(&table)
}

fn head(groups: &BTreeMap<&str, Vec<Known>>, ours: &BTreeMap<&str, &Command>) -> String {
    let mut text = "\n## Commands\n\nSubcommands count like commands. A command that is newer than a profile's version is unknown \
                    there.\n\n| group | there | of Valkey 8.0's |\n|---|---|---|\n"
        .to_owned();
    let mut sums = [0, 0];
    for (group, known) in groups {
        let there = known.iter().filter(|command| ours.contains_key(command.name)).count();
        sums = [sums[0] + there, sums[1] + known.len()];
        writeln!(text, "| [{group}](#{group}) | {there} | {} |", known.len())
            .expect("a String takes everything");
    }
    writeln!(text, "| **all** | {} | {} |", sums[0], sums[1]).expect("a String takes everything");
    text
}

/// The commands of a group that are missing. A container that is missing stands for its subcommands.
fn not_yet(known: &[Known], ours: &BTreeMap<&str, &Command>) -> String {
    let is_missing = |name: &str| !ours.contains_key(name);
    let names: Vec<String> = known
        .iter()
        .filter(|command| is_missing(command.name))
        .filter(|command| match command.name.split_once('|') {
            Some((container, _)) => !is_missing(container),
            None => true,
        })
        .map(|command| shown(command.name))
        .collect();
    match names.is_empty() {
        true => String::new(),
        false => wrapped(&format!("\nNot yet: {}.", list(names))),
    }
}

/// What clients of a managed node's endpoints do not have.
fn restricted(table: &CommandTable) -> String {
    let names: Vec<String> = table
        .by_id()
        .iter()
        .filter(|command| command.run.restricted && !command.run.full_name.contains('|'))
        .map(|command| shown(command.run.full_name))
        .collect();
    wrapped(&format!(
        "\n### On endpoints\n\nAs on Amazon ElastiCache, clients of an endpoint do not have these; what they would do is the control \
         plane's. `engram node` has them: {}.",
        list(names)
    ))
}

/// A full name as people write it.
fn shown(full_name: &str) -> String {
    full_name.to_ascii_uppercase().replace('|', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use profile::Version;

    #[test]
    fn facts_are_well_formed() {
        let all: Vec<[&str; 3]> = facts(VALKEY).collect();
        assert!(all.is_sorted_by(|a, b| a[0] < b[0]), "by name, each once");
        assert!(all.iter().all(|[_, _, since]| Version::parse(since).is_some()));
        let is_listed = |name: &str| all.iter().any(|[other, ..]| *other == name);
        assert!(all.iter().filter_map(|[name, ..]| name.split_once('|')).all(|(name, _)| is_listed(name)));
    }

    /// A wrong group would put a command elsewhere than where people look, and one that is not listed nowhere.
    #[test]
    fn each_command_is_listed_in_its_group() {
        let groups: BTreeMap<&str, &str> = known().map(|command| (command.name, command.group)).collect();
        for command in server_commands::command_table(Profile::default()).by_id() {
            let (name, group) = (command.run.full_name, command.spec.group.name());
            assert_eq!(groups.get(name), Some(&group), "{name}");
        }
    }
}
