//! Whether a user may do what a request asks for.
//!
//! ```text
//!   request ─▶ unrestricted? ─ yes ─▶ allowed        one branch: the user default, mostly
//!                   │ no
//!                   ▼
//!              each selector:  databases · command · keys · channels
//!                   │ one allows all of it ─▶ allowed
//!                   ▼
//!              denied, for the reason of the selector that came furthest
//! ```
//!
//! Invariant: a selector allows a request alone; what one lacks no other gives.

use crate::catalogue::{Catalogue, Command};
use crate::pattern::{Access, Name};
use crate::selector::{Databases, Selector};
use crate::user::User;
use crate::{CommandId, split};
use command_spec::{Channels, KeyFlags, Reach};

/// What a client asks for.
#[derive(Debug, Clone)]
pub struct Request<'a, K> {
    /// The command, or the subcommand of a container.
    pub command: CommandId,
    /// The request, its name first.
    pub argv: &'a [&'a [u8]],
    /// Which arguments are keys, and what happens to them given the arguments. What is only routed like a key is skipped.
    pub keys: K,
    /// The database that the client has selected.
    pub database: usize,
    /// How many databases there are.
    pub databases: usize,
}

/// What a user is denied, with the argument that names it. In the order of what is told where selectors disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denied {
    /// A database. The argument is the command's name when it is the selected one, or each of them.
    Database(usize),
    /// The command.
    Command,
    /// A key.
    Key(usize),
    /// A channel.
    Channel(usize),
}

impl Denied {
    /// The argument that names what is denied.
    pub fn argument(self) -> usize {
        match self {
            Denied::Command => 0,
            Denied::Database(at) | Denied::Key(at) | Denied::Channel(at) => at,
        }
    }
}

impl User {
    /// Checks a request.
    ///
    /// # Errors
    /// What is denied: of all selectors' reasons the last in the order of [`Denied`].
    #[inline]
    pub fn check<K>(&self, catalogue: &Catalogue, request: &Request<'_, K>) -> Result<(), Denied>
    where
        K: Iterator<Item = (usize, KeyFlags)> + Clone,
    {
        if self.is_unrestricted() {
            return Ok(());
        }
        self.check_selectors(catalogue, request)
    }

    #[inline(never)]
    fn check_selectors<K>(&self, catalogue: &Catalogue, request: &Request<'_, K>) -> Result<(), Denied>
    where
        K: Iterator<Item = (usize, KeyFlags)> + Clone,
    {
        let command = catalogue.command(request.command);
        let mut worst = None;
        for selector in &self.selectors {
            match selector.check(command, request) {
                Ok(()) => return Ok(()),
                Err(denied) => worst = worst.max(Some(denied)),
            }
        }
        Err(worst.expect("every user has a selector"))
    }

    /// Whether it may run the command on its keys, and read every key besides. SORT asks this of the selector of its request before it
    /// follows the patterns of BY and GET to keys that no argument names.
    pub fn may_read_all_keys<K>(&self, catalogue: &Catalogue, request: &Request<'_, K>) -> bool
    where
        K: Iterator<Item = (usize, KeyFlags)> + Clone,
    {
        let command = catalogue.command(request.command);
        self.is_unrestricted()
            || self
                .selectors
                .iter()
                .any(|selector| selector.reads_all_keys() && selector.check(command, request).is_ok())
    }
}

impl Selector {
    pub(crate) fn check<K>(&self, command: &Command, request: &Request<'_, K>) -> Result<(), Denied>
    where
        K: Iterator<Item = (usize, KeyFlags)> + Clone,
    {
        self.check_databases(command, request)?;
        if !self.commands.allow(command, request.argv) {
            return Err(Denied::Command);
        }
        if !self.all_keys {
            let mut keys = request.keys.clone().filter(|(_, flags)| !flags.contains(KeyFlags::NOT_KEY));
            let denied = keys.find(|&(at, flags)| {
                let key = Name::new(request.argv[at]);
                !self.keys.iter().any(|pattern| pattern.allows(key, access(flags)))
            });
            if let Some((at, _)) = denied {
                return Err(Denied::Key(at));
            }
        }
        if !self.all_channels {
            let is_pattern = command.channels == Channels::Patterns;
            let allowed = |channel: Name<'_>| {
                self.channels.iter().any(|known| known.allows_channel(channel, is_pattern))
            };
            let mut channels = request.argv.iter().skip(1).take(command.channels.at_most());
            if let Some(at) = channels.position(|channel| !allowed(Name::new(channel))) {
                return Err(Denied::Channel(at + 1));
            }
        }
        Ok(())
    }

    fn check_databases<K>(&self, command: &Command, request: &Request<'_, K>) -> Result<(), Denied> {
        let Databases::Only(allowed) = &self.databases else { return Ok(()) };
        let is_allowed = |database: usize| allowed.iter().any(|known| *known as usize == database);
        let (named, selected) = match command.reach {
            None => (Vec::new(), false),
            Some(Reach::Everywhere) => return Err(Denied::Database(0)),
            Some(Reach::Data) => (Vec::new(), true),
            Some(Reach::Named { arguments, selected }) => {
                (named(request, arguments.iter().copied()), selected)
            }
            Some(Reach::Options { from }) => (named(request, options(request.argv, from).into_iter()), true),
        };
        let denied = named.into_iter().find(|&(_, database)| !is_allowed(database));
        if let Some((at, _)) = denied {
            return Err(Denied::Database(at));
        }
        match selected && !is_allowed(request.database) {
            true => Err(Denied::Database(0)),
            false => Ok(()),
        }
    }

    fn reads_all_keys(&self) -> bool {
        let reads_all = |text: &[u8], access: Access| text == b"*" && access.includes(Access::READ);
        self.all_keys || self.keys.iter().any(|keys| reads_all(keys.pattern.text(), keys.access))
    }
}

/// What a pattern must allow. Commands that only look whether a key exists need neither.
pub(crate) fn access(flags: KeyFlags) -> Access {
    let mut access = Access::NONE;
    if flags.contains(KeyFlags::ACCESS) {
        access = access.with(Access::READ);
    }
    if flags.intersects(KeyFlags::INSERT.union(KeyFlags::DELETE).union(KeyFlags::UPDATE)) {
        access = access.with(Access::WRITE);
    }
    access
}

/// The databases at these arguments; none if one of them is no number of a database, for then the command complains.
fn named<K>(request: &Request<'_, K>, arguments: impl Iterator<Item = usize>) -> Vec<(usize, usize)> {
    let number = |at: usize| {
        let number = number(request.argv.get(at)?)?;
        (number < request.databases).then_some((at, number))
    };
    arguments.map(number).collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// Where the numbers behind DB stand; the place behind the arguments when they are none of COPY's.
fn options(argv: &[&[u8]], from: usize) -> Vec<usize> {
    let mut places = Vec::new();
    let mut at = from;
    while let Some(word) = argv.get(at).map(|word| split::until_zero(word)) {
        if word.eq_ignore_ascii_case(b"db") && at + 1 < argv.len() {
            places.push(at + 1);
            at += 2;
        } else if word.eq_ignore_ascii_case(b"replace") {
            at += 1;
        } else {
            return vec![argv.len()];
        }
    }
    places
}

/// A number as commands read it: no sign, no zeros before it.
fn number(text: &[u8]) -> Option<usize> {
    if text.len() > 1 && text[0] == b'0' || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}
