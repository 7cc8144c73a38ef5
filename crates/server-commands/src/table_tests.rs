//! What holds of every command of the table: the data commands and those about the server.

use command_spec::{
    Arg, ArgKind, BeginSearch, Behaviour, Flags, KeyFlags, KeySpec, Need, Shape, keys::positions,
};
use command_table::{Command, CommandTable, Unknown, restricted};
use profile::Profile;

/// All commands of a node of a version.
fn table(profile: Profile) -> CommandTable {
    CommandTable::new(profile, crate::all()).0
}

/// Every command and subcommand of every profile.
fn every(mut check: impl FnMut(Profile, &'static Command)) {
    for &profile in Profile::ALL {
        table(profile).by_id().iter().for_each(|command| check(profile, command));
    }
}

#[test]
fn names_and_texts_are_well_formed() {
    every(|_, command| {
        let (name, spec) = (command.run.full_name, command.spec);
        let is_name = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
        };
        assert!(is_name(spec.name), "{name}");
        assert!(spec.summary.ends_with('.'), "{name}: a summary is a sentence");
        assert!(!spec.summary.contains('\n') && spec.summary.len() <= 140, "{name}: a summary is one line");
        assert!(spec.summary.starts_with(|c: char| c.is_ascii_uppercase()), "{name}");
        assert!(!spec.complexity.is_empty() && !spec.complexity.ends_with('.'), "{name}");
        assert!(profile::Version::parse(spec.since).is_some(), "{name}: {}", spec.since);
        if let Some((since, instead)) = spec.deprecated {
            assert!(profile::Version::parse(since).is_some() && !instead.is_empty(), "{name}");
        }
        assert!(spec.tips.iter().all(|tip| !tip.bytes().any(|b| b.is_ascii_uppercase())), "{name}");
    });
}

#[test]
fn the_arity_leaves_room_for_the_arguments() {
    /// The fewest arguments a grammar takes.
    fn fewest(args: &[Arg]) -> usize {
        args.iter().filter(|arg| !arg.flags.contains(command_spec::ArgFlags::OPTIONAL)).map(one).sum()
    }
    fn one(arg: &Arg) -> usize {
        let token = usize::from(!arg.token.is_empty() && arg.kind != ArgKind::PureToken);
        token
            + match arg.kind {
                ArgKind::OneOf => arg.inner.iter().map(one).min().unwrap_or(0),
                ArgKind::Block => fewest(arg.inner),
                _ => 1,
            }
    }
    every(|_, command| {
        let (name, spec) = (command.run.full_name, command.spec);
        assert_ne!(spec.arity, 0, "{name}");
        let words = 1 + usize::from(name.contains('|'));
        assert!(spec.arity.unsigned_abs() as usize >= words, "{name}");
        if command.subcommands.is_empty() && spec.arity > 0 {
            let fewest = words + fewest(spec.args);
            assert!(spec.arity as usize >= fewest, "{name}: {} < {fewest}", spec.arity);
        }
    });
}

#[test]
fn keys_fit_into_the_shortest_request() {
    every(|_, command| {
        let (name, spec) = (command.run.full_name, command.spec);
        for (at, arg) in spec.args.iter().enumerate() {
            if let ArgKind::Key(index) = arg.kind {
                assert!((index as usize) < spec.keys.len(), "{name}: argument {at} is of no key spec");
            }
        }
        let shortest = vec![&b"1"[..]; spec.arity.unsigned_abs() as usize];
        let mut last = 0;
        positions(spec, &shortest, |at, _| last = last.max(at));
        assert!(last < shortest.len(), "{name}: a key stands behind the shortest request");
        if let [KeySpec { begin: BeginSearch::Index(index), .. }] = spec.keys {
            assert!((*index as usize) < shortest.len() + usize::from(spec.arity < 0), "{name}");
        }
    });
}

#[test]
fn containers_hold_nothing_but_subcommands() {
    every(|_, command| {
        let (name, spec) = (command.run.full_name, command.spec);
        if command.subcommands.is_empty() {
            return;
        }
        assert!(spec.keys.is_empty() && spec.args.is_empty() && spec.need == Need::None, "{name}");
        assert!(spec.arity < 0, "{name}: a container takes more than its name");
        for sub in command.subcommands {
            assert!(sub.subcommands.is_empty(), "{name}: subcommands have none");
            assert_eq!(sub.run.full_name, format!("{name}|{}", sub.spec.name));
            assert_eq!(sub.spec.group, spec.group, "{name}");
            let twice = command.subcommands.iter().filter(|other| other.spec.name == sub.spec.name).count();
            assert_eq!(twice, 1, "{name}|{} stands there twice", sub.spec.name);
        }
        assert!(command.subcommand(b"help").is_some(), "{name} has no HELP");
    });
}

#[test]
fn what_is_locked_agrees_with_the_flags() {
    every(|_, command| {
        let (name, spec) = (command.run.full_name, command.spec);
        let flags = spec.flags;
        let has_keys = spec.keys.iter().any(|keys| !keys.flags.contains(KeyFlags::NOT_KEY));
        assert!(!flags.contains(Flags::WRITE.union(Flags::READONLY)), "{name} writes and does not");
        assert!(spec.need != Need::Keys || has_keys, "{name} locks keys that it has not");
        assert!(!has_keys || spec.need >= Need::Keys, "{name} has keys and locks none");
        assert!(!flags.contains(Flags::DENYOOM) || flags.contains(Flags::WRITE), "{name}");
        assert!(!flags.contains(Flags::WRITE) || spec.need != Need::None, "{name} writes without a lock");
        let changes = KeyFlags::OW.union(KeyFlags::RW).union(KeyFlags::RM);
        for keys in spec.keys {
            // PFCOUNT keeps in the key what it has counted.
            let reads = flags.contains(Flags::READONLY) && !flags.contains(Flags::MAY_REPLICATE);
            assert!(!reads || !keys.flags.intersects(changes), "{name}");
        }
    });
}

#[test]
fn replies_have_a_shape() {
    every(|_, command| {
        let (name, spec) = (command.run.full_name, command.spec);
        let may_fail_only = !command.subcommands.is_empty();
        assert!(spec.reply != Shape::Never || may_fail_only, "{name} answers nothing");
    });
}

#[test]
fn behaviour_agrees_with_itself() {
    every(|_, command| {
        let (name, spec) = (command.run.full_name, command.spec);
        let does = |behaviour| spec.behaviour.contains(behaviour);
        let is_about_queue = does(Behaviour::BEGINS_TRANSACTION) || does(Behaviour::RUNS_QUEUE);
        assert!(!is_about_queue || does(Behaviour::RUNS_IN_MULTI), "{name} would be queued");
        assert!(!does(Behaviour::ANSWERS_BY_NOTICES) || does(Behaviour::RUNS_SUBSCRIBED), "{name}");
        assert!(!does(Behaviour::AUTHENTICATES) || spec.flags.contains(Flags::NO_AUTH), "{name}");
        assert!(!does(Behaviour::SELECTS_DATABASE) || spec.args.len() == 1, "{name} names a database");
        let varies = spec.keys.iter().any(|keys| keys.flags.contains(KeyFlags::VARIABLE_FLAGS));
        assert_eq!(varies, spec.variable.is_some(), "{name}: what varies with what?");
    });
}

#[test]
fn an_unknown_command_is_shown_in_part() {
    let text = |argv: &[&[u8]]| Unknown::command(argv).to_string();
    assert_eq!(
        Unknown::command(&[b"\xff\xfe\0x", b"\0"]).0,
        b"ERR unknown command '\xff\xfe', with args beginning with: '' "
    );
    assert_eq!(
        Unknown::subcommand("config", b"x").to_string(),
        "ERR unknown subcommand 'x'. Try CONFIG HELP."
    );
    assert_eq!(text(&[b"foo"]), "ERR unknown command 'foo', with args beginning with: ");
    assert_eq!(text(&[b"foo", b"a", b"b"]), "ERR unknown command 'foo', with args beginning with: 'a' 'b' ");
    let long = [b'x'; 300];
    assert!(
        text(&[b"foo", &long, b"b"]).ends_with(&format!("with args beginning with: '{}' ", "x".repeat(128)))
    );
}

#[test]
fn each_difference_of_an_earlier_version_is_one() {
    let last = *Profile::ALL.last().expect("there are some");
    for command in table(last).by_id() {
        for (until, change) in command.spec.before {
            let name = command.run.full_name;
            assert!(Profile::ALL.iter().any(|profile| !profile.has(until)), "{name}: nobody differs");
            assert!(last.has(until), "{name}: {until}");
            let mut old = *command.spec;
            change(&mut old);
            assert_ne!(format!("{old:?}"), format!("{:?}", command.spec), "{name}");
        }
    }
}

#[test]
fn what_endpoints_lack_is_in_the_words_of_the_table() {
    let table = table(Profile::Redis70);
    let is_restricted = |argv: &[&[u8]]| table.resolve(argv).expect("a command").run.restricted;
    assert!(
        is_restricted(&[b"config"])
            && is_restricted(&[b"CONFIG", b"GET", b"*"])
            && is_restricted(&[b"psync"])
    );
    assert!(!is_restricted(&[b"client", b"list"]) && !is_restricted(&[b"get", b"config"]));
    let argv: &[&[u8]] = &[b"CONFIG", b"GET"];
    let command = table.resolve(argv).expect("a command");
    assert_eq!(
        restricted::unknown(command, argv).to_string(),
        "ERR unknown command 'CONFIG', with args beginning with: 'GET' "
    );
}
