//! The commands as rules see them: names, categories, and what else a request touches.

use crate::CommandId;
use command_spec::{Categories, Channels, Flags, KeyFlags, Reach, Spec};
use profile::Profile;
use std::collections::BTreeMap;

/// What the catalogue is told of a command.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Its number in the command table.
    pub id: usize,
    /// `get`, or `config|get` of a subcommand; lower-case.
    pub full_name: &'a str,
    /// All its categories.
    pub categories: Categories,
    /// Whether it may run before its client has authenticated.
    pub no_auth: bool,
    /// Whether it has key specs that name keys.
    pub has_keys: bool,
    /// Where its channels are.
    pub channels: Channels,
    /// Which databases it works in.
    pub reach: Reach,
}

impl<'a> Entry<'a> {
    /// What a spec says.
    pub fn of(id: usize, full_name: &'a str, spec: &Spec) -> Entry<'a> {
        Entry {
            id,
            full_name,
            categories: spec.all_categories(),
            no_auth: spec.flags.contains(Flags::NO_AUTH),
            has_keys: spec.keys.iter().any(|keys| !keys.flags.contains(KeyFlags::NOT_KEY)),
            channels: spec.channels,
            reach: spec.reach,
        }
    }
}

/// A command or subcommand.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) id: CommandId,
    pub(crate) full_name: Box<str>,
    pub(crate) container: Option<CommandId>,
    /// Places in the catalogue.
    pub(crate) subcommands: Vec<usize>,
    pub(crate) categories: Categories,
    pub(crate) no_auth: bool,
    pub(crate) channels: Channels,
    /// `None` when it works in no database. Only Valkey 9.1 asks.
    pub(crate) reach: Option<Reach>,
}

/// All commands of a version, by the names that they have before any is renamed: rules do not follow `rename-command`.
#[derive(Debug)]
pub struct Catalogue {
    profile: Profile,
    commands: Vec<Command>,
    by_name: BTreeMap<Box<str>, usize>,
    by_id: Vec<Option<usize>>,
}

impl Catalogue {
    /// A catalogue of these commands. A container comes before its subcommands.
    ///
    /// # Panics
    /// If two have the same name or number, or a subcommand has no container.
    pub fn new<'a>(profile: Profile, entries: impl IntoIterator<Item = Entry<'a>>) -> Catalogue {
        let mut all =
            Catalogue { profile, commands: Vec::new(), by_name: BTreeMap::new(), by_id: Vec::new() };
        for entry in entries {
            all.add(&entry);
        }
        all
    }

    fn add(&mut self, entry: &Entry<'_>) {
        let place = self.commands.len();
        let container = entry.full_name.split_once('|').map(|(container, _)| {
            let container = *self.by_name.get(container).expect("a container comes before its subcommands");
            self.commands[container].subcommands.push(place);
            self.commands[container].id
        });
        let id = CommandId::new(entry.id);
        if self.by_id.len() <= entry.id {
            self.by_id.resize(entry.id + 1, None);
        }
        let same = self.by_id[entry.id].replace(place).or(self.by_name.insert(entry.full_name.into(), place));
        assert!(same.is_none(), "{} has the name or number of another command", entry.full_name);
        self.commands.push(Command {
            id,
            full_name: entry.full_name.into(),
            container,
            subcommands: Vec::new(),
            categories: entry.categories,
            no_auth: entry.no_auth,
            channels: entry.channels,
            reach: match entry.reach {
                Reach::Data if !works_in_selected(entry) => None,
                reach => Some(reach),
            },
        });
    }

    /// The version whose commands these are.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The full names of the commands of a category, in the order of the table: the answer to `ACL CAT category`.
    pub fn in_category(&self, category: Categories) -> impl Iterator<Item = &str> {
        self.commands
            .iter()
            .filter(move |command| command.categories.intersects(category))
            .map(|command| &*command.full_name)
    }

    /// The number of the command of this full name, in any case.
    pub fn id(&self, full_name: &[u8]) -> Option<CommandId> {
        self.find(full_name).map(|command| command.id)
    }

    /// The full name of a command.
    ///
    /// # Panics
    /// If no command has this number.
    pub fn full_name(&self, id: CommandId) -> &str {
        &self.command(id).full_name
    }

    pub(crate) fn command(&self, id: CommandId) -> &Command {
        let place = self.by_id.get(id.number()).copied().flatten();
        &self.commands[place.expect("requests name commands of the table")]
    }

    pub(crate) fn find(&self, full_name: &[u8]) -> Option<&Command> {
        let name = std::str::from_utf8(full_name).ok()?.to_ascii_lowercase();
        self.by_name.get(&*name).map(|&place| &self.commands[place])
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Command> {
        self.commands.iter()
    }

    pub(crate) fn subcommands(&self, command: &Command) -> impl Iterator<Item = &Command> {
        command.subcommands.iter().map(|&place| &self.commands[place])
    }
}

/// The databases of a request, where the spec alone does not tell. As found by asking Valkey 9.1.2 with ACL DRYRUN for each command.
fn works_in_selected(entry: &Entry<'_>) -> bool {
    let data = Categories::KEYSPACE.union(Categories::READ).union(Categories::WRITE);
    entry.has_keys || entry.categories.intersects(data)
}
