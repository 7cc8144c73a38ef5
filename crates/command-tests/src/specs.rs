//! The specs of a family as data.

use command_spec::{BeginSearch, Flags, KeyFlags, KeySpec, Need};
use commands::{Command, Handler};

/// Every command and subcommand with its full name.
pub fn with_subcommands(commands: &[Command]) -> impl Iterator<Item = (String, &Command)> {
    commands.iter().flat_map(|command| {
        let name = command.spec.name;
        let subs = command.subcommands.iter().map(move |sub| (format!("{name}|{}", sub.spec.name), sub));
        std::iter::once((name.to_owned(), command)).chain(subs)
    })
}

/// Asserts that every command says what it does: what for, since when, at which cost.
pub fn check_descriptions(commands: &[Command]) {
    for (name, command) in with_subcommands(commands) {
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

/// Asserts that key specs fit arity, need and flags.
pub fn check_keys(commands: &[Command]) {
    for (name, command) in with_subcommands(commands) {
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

/// Asserts that what may wait has the flag that says so, and nothing else.
pub fn check_waiting(commands: &[Command]) {
    for (name, command) in with_subcommands(commands) {
        let waits = matches!(command.run, Handler::Blocking { .. });
        assert_eq!(waits, command.spec.flags.contains(Flags::BLOCKING), "{name}");
    }
}
