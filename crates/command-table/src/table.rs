//! The command table: the data commands and a server's own, with what a worker needs to know of each.

use command_spec::{BeginSearch, FindKeys, KeyFlags, Need, RenameError, Spec, Table};
use profile::Profile;

/// What runs a command.
#[derive(Debug, Clone, Copy)]
pub enum Run {
    /// A data command.
    Data(&'static commands::Command),
    /// A command of the server itself.
    Own(OwnRun),
}

/// What runs a command of the server itself: its place among those that [`CommandTable::new`] gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnRun(pub usize);

/// What a worker knows of a command beyond its spec.
#[derive(Debug, Clone, Copy)]
pub struct Handler {
    /// What runs it.
    pub run: Run,
    /// Its place in the statistics.
    pub id: usize,
    /// `get`, or `config|get` of a subcommand.
    pub full_name: &'static str,
    /// The argument that is its first key, when that is at a fixed place; 0 when not.
    pub first_key: u8,
    /// When all arguments from `first_key` on are keys, or keys with so many arguments less one behind each: how far one key
    /// is from the next. 0 otherwise.
    pub key_step: u8,
    /// It has exactly one key, at `first_key`.
    pub single_key: bool,
    /// Clients of a managed node's endpoints do not have it.
    pub restricted: bool,
}

/// A command of the table.
pub type Command = command_spec::Command<Handler>;

/// All commands of a version.
#[derive(Debug)]
pub struct CommandTable {
    table: Table<Handler>,
    /// The table as it was before commands were renamed.
    original: Option<Table<Handler>>,
    by_id: Vec<&'static Command>,
}

impl CommandTable {
    /// The data commands and a server's own that exist in a profile, and what runs the latter, by [`OwnRun`]. The table
    /// lives as long as the process.
    pub fn new<H: Copy + 'static>(
        profile: Profile,
        own: impl Iterator<Item = &'static command_spec::Command<H>>,
    ) -> (CommandTable, Vec<H>) {
        let mut build = Build { profile, next_id: 0 };
        let mut all: Vec<Command> = Vec::new();
        for command in data_commands::all() {
            all.extend(build.convert(command, "", &mut Run::Data));
        }
        let mut runs = Vec::new();
        let mut number = |command: &'static command_spec::Command<H>| {
            runs.push(command.run);
            Run::Own(OwnRun(runs.len() - 1))
        };
        for command in own {
            all.extend(build.convert(command, "", &mut number));
        }
        let all: &'static [Command] = all.leak();
        let mut by_id: Vec<&'static Command> =
            all.iter().flat_map(|c| std::iter::once(c).chain(c.subcommands)).collect();
        by_id.sort_by_key(|command| command.run.id);
        (CommandTable { table: Table::new(all), original: None, by_id }, runs)
    }

    /// `rename-command`: gives a command another name, or none. In [`CommandTable::by_id`] and in rules of users it is what it was.
    ///
    /// # Errors
    /// When there is no such command, or another one has the name.
    pub fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), RenameError> {
        if self.original.is_none() {
            self.original = Some(Table::new(self.table.iter()));
        }
        // A name that is no text is none that anybody could have.
        self.table.rename(from, &String::from_utf8_lossy(to))
    }

    /// The command of this name, in any case.
    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<&'static Command> {
        self.table.get(name)
    }

    /// Top-level commands.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'static Command> {
        self.table.iter()
    }

    /// Commands and subcommands by their place in the statistics.
    pub fn by_id(&self) -> &[&'static Command] {
        &self.by_id
    }

    /// The command that a request names, its subcommand if it is a container.
    #[inline]
    pub fn resolve(&self, argv: &[&[u8]]) -> Result<&'static Command, Unknown> {
        with_subcommand(self.get(argv[0]), argv)
    }

    /// The command that a request of a primary's stream names. What the primary itself made has the names of the table, and
    /// what its clients sent may have new ones.
    #[inline]
    pub fn resolve_streamed(&self, argv: &[&[u8]]) -> Result<&'static Command, Unknown> {
        match &self.original {
            None => self.resolve(argv),
            Some(original) => with_subcommand(original.get(argv[0]).or_else(|| self.get(argv[0])), argv),
        }
    }
}

/// The subcommand that a request names, if its command is a container.
#[inline]
fn with_subcommand(command: Option<&'static Command>, argv: &[&[u8]]) -> Result<&'static Command, Unknown> {
    let Some(command) = command else { return Err(Unknown::command(argv)) };
    if command.subcommands.is_empty() || argv.len() < 2 {
        return Ok(command);
    }
    match command.subcommand(argv[1]) {
        Some(sub) => Ok(sub),
        None => Err(Unknown::subcommand(command.spec.name, argv[1])),
    }
}

/// The error for a command nobody knows. It shows what was sent, byte for byte, so it is no text.
#[derive(Debug)]
pub struct Unknown(
    /// The error's line, without its dash.
    pub Vec<u8>,
);

impl Unknown {
    /// It shows the beginning of the arguments.
    pub fn command(argv: &[&[u8]]) -> Unknown {
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

    /// It shows the subcommand and how to ask for help.
    pub fn subcommand(container: &str, sub: &[u8]) -> Unknown {
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
        run: &mut impl FnMut(&'static command_spec::Command<H>) -> Run,
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
        let spec = spec_in(self.profile, command.spec);
        let first_key = first_key(spec);
        let single_key = first_key != 0
            && matches!(spec.keys, [keys] if matches!(keys.find, FindKeys::Range { last: 0, .. }));
        let key_step = match spec.keys {
            [keys] if first_key != 0 && spec.variable.is_none() => match keys.find {
                FindKeys::Range { last: -1, step, limit: 0 } => step,
                _ => 0,
            },
            _ => 0,
        };
        let subcommands: Vec<Command> =
            command.subcommands.iter().filter_map(|sub| self.convert(sub, command.spec.name, run)).collect();
        Some(Command {
            spec,
            run: Handler {
                run: run(command),
                id,
                full_name,
                first_key,
                key_step,
                single_key,
                restricted: crate::restricted::lists(full_name),
            },
            subcommands: subcommands.leak(),
        })
    }
}

/// A command's spec as a profile has it.
fn spec_in(profile: Profile, spec: &'static Spec) -> &'static Spec {
    let mut changes = spec.before.iter().filter(|(until, _)| !profile.has(until)).peekable();
    if changes.peek().is_none() {
        return spec;
    }
    let mut old = *spec;
    changes.for_each(|(_, change)| change(&mut old));
    // The table lives as long as the process.
    Box::leak(Box::new(old))
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
    use command_spec::Flags;

    #[test]
    fn only_older_profiles_differ() {
        const NEW: &Spec = &Spec {
            name: "watch",
            flags: Flags::NO_MULTI,
            before: &[
                ("8.0.0", |spec| spec.arity = 2),
                ("7.2.0", |spec| spec.flags.remove(Flags::NO_MULTI)),
                ("7.0.0", |spec| spec.arity = 3),
            ],
            ..Spec::BASE
        };
        let old = spec_in(Profile::Redis70, NEW);
        assert_eq!((old.flags, old.arity), (Flags::empty(), 2));
        assert!(std::ptr::eq(spec_in(Profile::Valkey80, NEW), NEW));
    }
}
