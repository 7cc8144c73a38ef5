//! The table of commands as data.

use crate::transcripts::source;
use command_spec::{BeginSearch, Flags, KeyFlags, KeySpec, Need};
use commands::{Command, FAMILIES, Handler, all};
use std::collections::BTreeSet;

/// Every command and subcommand with its full name.
pub(crate) fn with_subcommands() -> impl Iterator<Item = (String, &'static Command)> {
    all().flat_map(|command| {
        let name = command.spec.name;
        let subs = command.subcommands.iter().map(move |sub| (format!("{name}|{}", sub.spec.name), sub));
        std::iter::once((name.to_owned(), command)).chain(subs)
    })
}

#[test]
fn names_are_unique_and_lower_case() {
    let mut seen = BTreeSet::new();
    for (name, _) in with_subcommands() {
        assert_eq!(name, name.to_ascii_lowercase());
        assert!(seen.insert(name.clone()), "{name} stands twice");
    }
    assert_eq!(FAMILIES.iter().map(|family| family.len()).sum::<usize>(), all().count());
}

#[test]
fn every_command_says_what_it_does() {
    for (name, command) in with_subcommands() {
        let spec = command.spec;
        assert!(spec.summary.len() > 10 && spec.summary.ends_with('.'), "{name}: {}", spec.summary);
        assert!(profile::Version::parse(spec.since).is_some(), "{name} is there since {}", spec.since);
        assert!(!spec.complexity.is_empty() || !command.subcommands.is_empty(), "{name} costs something");
        let write = spec.flags.contains(Flags::WRITE);
        let read = spec.flags.contains(Flags::READONLY);
        let neither = !command.subcommands.is_empty() || spec.need == Need::None;
        assert_eq!(write ^ read, !neither, "{name} either writes or reads");
        if let Some((since, instead)) = spec.deprecated {
            assert!(profile::Version::parse(since).is_some() && !instead.is_empty(), "{name}");
        }
    }
}

#[test]
fn key_specs_fit_arity_need_and_flags() {
    for (name, command) in with_subcommands() {
        let spec = command.spec;
        let expects_keys = spec.need == Need::Keys;
        assert_eq!(!spec.keys.is_empty(), expects_keys, "{name} needs {:?}", spec.need);
        if expects_keys {
            // As many arguments as the arity asks for at least: numbers, so that counts are right too.
            let mut argv = vec!["1"; spec.arity.unsigned_abs() as usize];
            if let [KeySpec { begin: BeginSearch::Keyword(word, _), .. }] = spec.keys {
                // A key and what belongs to it come last.
                let at = argv.len() - 3;
                argv[at] = word;
            }
            let mut found = Vec::new();
            let fits = command_spec::keys::positions(spec, &argv, |at, flags| found.push((at, flags)));
            assert!(fits && !found.is_empty(), "{name} {argv:?}");
            assert!(found.iter().all(|&(at, _)| at > 0 && at < argv.len()), "{name}: {found:?}");
        }
        for KeySpec { flags, .. } in spec.keys {
            let kinds = [KeyFlags::RO, KeyFlags::RW, KeyFlags::OW, KeyFlags::RM];
            let kinds = kinds.into_iter().filter(|&kind| flags.contains(kind)).count();
            assert!(kinds == 1 || flags.contains(KeyFlags::NOT_KEY), "{name}: {flags:?}");
            // A reader that may replicate keeps in the value what it has found.
            if !spec.is_write() && !spec.flags.contains(Flags::MAY_REPLICATE) {
                assert!(
                    flags.contains(KeyFlags::RO) || flags.contains(KeyFlags::NOT_KEY),
                    "{name}: {flags:?}"
                );
            }
        }
    }
}

#[test]
fn what_blocks_says_what_it_waits_for() {
    for (name, command) in with_subcommands() {
        let waits = matches!(command.run, Handler::Blocking { .. });
        assert_eq!(waits, command.spec.flags.contains(Flags::BLOCKING), "{name}");
    }
}

#[test]
fn every_command_has_a_transcript() {
    let files = crate::transcripts::all();
    for command in all() {
        let name = command.spec.name;
        let ends = |path: &std::path::Path| path.file_stem().is_some_and(|stem| stem == name);
        let file = files.iter().find(|transcript| ends(&transcript.file));
        let file = file.unwrap_or_else(|| panic!("no {name}.txt below {}", source().display()));
        let steps = file.scenes.iter().flatten();
        let names = |line: &str| {
            let mut words = line.split_ascii_whitespace();
            let first = words.next().unwrap_or_default().to_ascii_lowercase();
            [first.clone(), format!("{first}|{}", words.next().unwrap_or_default().to_ascii_lowercase())]
        };
        let used: BTreeSet<String> = steps.flat_map(|step| names(&step.command)).collect();
        assert!(used.contains(name), "{} does not use {name}", file.file.display());
        for sub in command.subcommands {
            let sub = format!("{name}|{}", sub.spec.name);
            assert!(used.contains(&sub), "{} does not use {sub}", file.file.display());
        }
    }
}
