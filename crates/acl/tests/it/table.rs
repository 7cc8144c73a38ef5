//! The commands that tests ask about: Engram's own table of a version, and what ACL commands there are.

use acl::{Catalogue, Denied, Entry, Request, User};
use command_spec::{Categories, Channels, KeyFlags, Reach};
use command_table::{CommandTable, Resolved};
use profile::Profile;

/// Commands with channels that Engram's own table may lack.
const FURTHER: &[(&str, Categories, Channels)] = &[
    ("spublish", Categories::PUBSUB.union(Categories::FAST), Channels::First),
    ("ssubscribe", Categories::PUBSUB.union(Categories::SLOW), Channels::All),
    ("sunsubscribe", Categories::PUBSUB.union(Categories::SLOW), Channels::None),
];

/// A version's commands.
pub(crate) struct Commands {
    pub(crate) table: CommandTable,
    pub(crate) catalogue: Catalogue,
}

impl Commands {
    /// Those that Engram has in a version.
    pub(crate) fn of(profile: Profile) -> Commands {
        let table = server_commands::command_table(profile);
        let further = FURTHER.iter().filter(|(name, ..)| table.get(name.as_bytes()).is_none());
        let further = further.enumerate().map(|(at, &(full_name, categories, channels))| Entry {
            id: table.by_id().len() + at,
            full_name,
            categories,
            no_auth: false,
            has_keys: false,
            channels,
            reach: Reach::Data,
        });
        let entries = table
            .by_id()
            .iter()
            .map(|command| Entry::of(command.run.id, command.run.full_name, command.spec));
        Commands { catalogue: Catalogue::new(profile, entries.chain(further)), table }
    }

    /// The channels and databases of a command of a real server, which its COMMAND does not tell.
    pub(crate) fn touched(&self, full_name: &str) -> (Channels, Reach) {
        if let Some(command) = self.table.by_id().iter().find(|command| command.run.full_name == full_name) {
            return (command.spec.channels, command.spec.reach);
        }
        let further = FURTHER.iter().find(|(name, ..)| *name == full_name);
        let channels = further.map_or(Channels::None, |&(.., channels)| channels);
        let reach = match full_name {
            "cluster|cancelslotmigrations" | "cluster|flushslot" | "cluster|migrateslots" => {
                Reach::Everywhere
            }
            _ => Reach::Data,
        };
        (channels, reach)
    }

    /// The keys of a request, with what happens to them.
    pub(crate) fn keys(&self, argv: &[&[u8]]) -> Vec<(usize, KeyFlags)> {
        let Ok(command) = self.table.resolve(argv) else { return Vec::new() };
        let request = Resolved::new(command, argv, &[]);
        request.keys().iter().map(|key| (key.at, command.spec.actual_flags(argv, key.flags))).collect()
    }

    /// Gives a request to a function.
    pub(crate) fn ask<R>(
        &self,
        line: &str,
        database: usize,
        ask: impl FnOnce(&Request<'_, std::iter::Copied<std::slice::Iter<'_, (usize, KeyFlags)>>>) -> R,
    ) -> R {
        let argv: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let keys = self.keys(&argv);
        let name = argv[0].to_vec();
        let full_name = [name.clone(), argv.get(1).copied().unwrap_or_default().to_vec()].join(&b'|');
        let command = self.catalogue.id(&full_name).or_else(|| self.catalogue.id(&name));
        ask(&Request {
            command: command.expect("a command"),
            argv: &argv,
            keys: keys.iter().copied(),
            database,
            databases: 16,
        })
    }

    pub(crate) fn check(&self, user: &User, line: &str, database: usize) -> Result<(), Denied> {
        self.ask(line, database, |request| {
            let outcome = user.check(&self.catalogue, request);
            assert_eq!(user.explain(&self.catalogue, request).outcome, outcome, "{line}");
            outcome
        })
    }

    /// A user of these rules, which begins with none.
    #[track_caller]
    pub(crate) fn user(&self, rules: &str) -> User {
        let mut user = User::new(&self.catalogue, false);
        for rule in rules.split(' ').filter(|rule| !rule.is_empty()) {
            user.apply(&self.catalogue, false, rule.replace('_', " ").as_bytes())
                .unwrap_or_else(|error| panic!("{rule}: {error}"));
        }
        user
    }

    pub(crate) fn text(&self, user: &User) -> String {
        String::from_utf8(user.describe(&self.catalogue)).expect("these rules are text")
    }
}

#[test]
fn a_category_has_its_commands_in_the_order_of_the_table() {
    let commands = Commands::of(Profile::Redis70);
    let names = |category| commands.catalogue.in_category(category).collect::<Vec<_>>();
    let strings = names(Categories::STRING);
    assert!(strings.contains(&"get") && strings.contains(&"mset") && !strings.contains(&"hget"));
    assert!(names(Categories::ADMIN).contains(&"config|get"));
    let all: usize = Categories::all().iter().map(|category| names(category).len()).sum();
    assert!(all > 500, "{all}");
    let id = commands.catalogue.id(b"CONFIG|Get").expect("a command");
    assert_eq!(commands.catalogue.full_name(id), "config|get");
    assert_eq!(commands.catalogue.id(b"config|nosuch"), None);
}
