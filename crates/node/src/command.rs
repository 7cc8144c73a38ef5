//! The command table of a node: the data commands and the node's own, with what the worker needs to know of each.

use crate::cx::{Flow, NodeCx};
use command_spec::{BeginSearch, FindKeys, KeyFlags, Need, Spec, Table};
use commands::Error;
use profile::Profile;

/// A handler of a command that is about the node rather than about data.
pub(crate) type RunNode = fn(&mut NodeCx<'_, '_>, &[&[u8]]) -> Result<Flow, Error>;

/// What runs a command.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Run {
    /// A data command.
    Data(&'static commands::Command),
    /// A command of the node itself.
    Node(RunNode),
}

/// What a worker knows of a command beyond its spec.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handler {
    pub(crate) run: Run,
    /// Its place in the statistics.
    pub(crate) id: usize,
    /// `get`, or `config|get` of a subcommand.
    pub(crate) full_name: &'static str,
    /// The argument that is its first key, when that is at a fixed place; 0 when not.
    pub(crate) first_key: u8,
    /// It has exactly one key, at `first_key`.
    pub(crate) single_key: bool,
    /// Clients of a managed node's endpoints do not have it.
    pub(crate) restricted: bool,
}

/// A command of the node's table.
pub(crate) type Command = command_spec::Command<Handler>;

/// A command of the node itself, before it is numbered.
pub(crate) type NodeCommand = command_spec::Command<RunNode>;

/// All commands of a profile.
#[derive(Debug)]
pub(crate) struct CommandTable {
    table: Table<Handler>,
    by_id: Vec<&'static Command>,
}

impl CommandTable {
    /// The commands that exist in a profile. The table lives as long as the process.
    pub(crate) fn new(profile: Profile) -> CommandTable {
        let mut build = Build { profile, next_id: 0 };
        let mut all: Vec<Command> = Vec::new();
        for command in commands::all() {
            all.extend(build.convert(command, "", Run::Data));
        }
        for command in crate::commands::all() {
            all.extend(build.convert(command, "", |command| Run::Node(command.run)));
        }
        let all: &'static [Command] = all.leak();
        let mut by_id: Vec<&'static Command> =
            all.iter().flat_map(|c| std::iter::once(c).chain(c.subcommands)).collect();
        by_id.sort_by_key(|command| command.run.id);
        CommandTable { table: Table::new(all), by_id }
    }

    #[inline]
    pub(crate) fn get(&self, name: &[u8]) -> Option<&'static Command> {
        self.table.get(name)
    }

    /// Top-level commands.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &'static Command> {
        self.table.iter()
    }

    /// Commands and subcommands by their place in the statistics.
    pub(crate) fn by_id(&self) -> &[&'static Command] {
        &self.by_id
    }

    /// The command that a request names, its subcommand if it is a container.
    #[inline]
    pub(crate) fn resolve(&self, argv: &[&[u8]]) -> Result<&'static Command, Unknown> {
        let Some(command) = self.get(argv[0]) else { return Err(Unknown::command(argv)) };
        if command.subcommands.is_empty() || argv.len() < 2 {
            return Ok(command);
        }
        match command.subcommand(argv[1]) {
            Some(sub) => Ok(sub),
            None => Err(Unknown::subcommand(command.spec.name, argv[1])),
        }
    }
}

/// The error for a command nobody knows. It shows what was sent, byte for byte, so it is no text.
#[derive(Debug)]
pub(crate) struct Unknown(pub(crate) Vec<u8>);

impl Unknown {
    /// It shows the beginning of the arguments.
    pub(crate) fn command(argv: &[&[u8]]) -> Unknown {
        let mut args = Vec::new();
        for arg in &argv[1..] {
            if args.len() >= SHOWN {
                break;
            }
            args.push(b'\'');
            args.extend_from_slice(shown(arg, SHOWN + 1 - args.len()));
            args.extend_from_slice(b"' ");
        }
        let name = shown(argv[0], SHOWN);
        Unknown([b"ERR unknown command '", name, b"', with args beginning with: ", &args].concat())
    }

    pub(crate) fn subcommand(container: &str, sub: &[u8]) -> Unknown {
        let help = format!("'. Try {} HELP.", container.to_ascii_uppercase());
        Unknown([b"ERR unknown subcommand '", shown(sub, SHOWN), help.as_bytes()].concat())
    }
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// Bytes of a name, and of all arguments, that are shown.
const SHOWN: usize = 128;

/// What is shown of an argument: it ends at a zero byte, as in C.
fn shown(arg: &[u8], room: usize) -> &[u8] {
    let end = arg.iter().position(|&b| b == 0).unwrap_or(arg.len());
    &arg[..end.min(room)]
}

struct Build {
    profile: Profile,
    next_id: usize,
}

impl Build {
    fn convert<H>(
        &mut self,
        command: &'static command_spec::Command<H>,
        container: &'static str,
        run: fn(&'static command_spec::Command<H>) -> Run,
    ) -> Option<Command> {
        if !self.profile.has(command.spec.since) {
            return None;
        }
        let id = self.next_id;
        self.next_id += 1;
        let full_name = match container {
            "" => command.spec.name,
            _ => format!("{container}|{}", command.spec.name).leak(),
        };
        let spec = crate::earlier::spec_in(self.profile, full_name, command.spec);
        let first_key = first_key(spec);
        let single_key = first_key != 0
            && matches!(spec.keys, [keys] if matches!(keys.find, FindKeys::Range { last: 0, .. }));
        let subcommands: Vec<Command> =
            command.subcommands.iter().filter_map(|sub| self.convert(sub, command.spec.name, run)).collect();
        Some(Command {
            spec,
            run: Handler {
                run: run(command),
                id,
                full_name,
                first_key,
                single_key,
                restricted: crate::managed::restricted::lists(full_name),
            },
            subcommands: subcommands.leak(),
        })
    }
}

/// The place of a command's first key, when its slot is to be locked and the place is fixed.
fn first_key(spec: &Spec) -> u8 {
    match spec.keys.first() {
        Some(keys) if spec.need == Need::Keys && !keys.flags.contains(KeyFlags::NOT_KEY) => {
            match keys.begin {
                BeginSearch::Index(index)
                    if !matches!(keys.find, FindKeys::KeyNum { .. } | FindKeys::Unknown) =>
                {
                    index
                }
                _ => 0,
            }
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use command_spec::{Arg, ArgKind, Flags, KeySpec, keys::positions};

    /// Every command and subcommand of every profile.
    fn every(mut check: impl FnMut(Profile, &'static Command)) {
        for &profile in Profile::ALL {
            CommandTable::new(profile).by_id().iter().for_each(|command| check(profile, command));
        }
    }

    #[test]
    fn names_and_texts_are_well_formed() {
        every(|_, command| {
            let (name, spec) = (command.run.full_name, command.spec);
            let is_name = |text: &str| {
                !text.is_empty()
                    && text
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
            };
            assert!(is_name(spec.name), "{name}");
            assert!(spec.summary.ends_with('.'), "{name}: a summary is a sentence");
            assert!(
                !spec.summary.contains('\n') && spec.summary.len() <= 140,
                "{name}: a summary is one line"
            );
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
                let twice =
                    command.subcommands.iter().filter(|other| other.spec.name == sub.spec.name).count();
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
                assert!(!flags.contains(Flags::READONLY) || !keys.flags.intersects(changes), "{name}");
            }
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
        assert_eq!(
            text(&[b"foo", b"a", b"b"]),
            "ERR unknown command 'foo', with args beginning with: 'a' 'b' "
        );
        let long = [b'x'; 300];
        assert!(
            text(&[b"foo", &long, b"b"])
                .ends_with(&format!("with args beginning with: '{}' ", "x".repeat(128)))
        );
    }
}
