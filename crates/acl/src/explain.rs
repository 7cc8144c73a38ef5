//! Why a request is allowed or denied: the rules that decided.

use crate::catalogue::{Catalogue, Command};
use crate::check::{Denied, Request, access};
use crate::pattern::{Access, Name};
use crate::selector::Selector;
use crate::user::User;
use command_spec::{Channels, KeyFlags};
use std::fmt;

/// What a rule decides about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// The command.
    Command,
    /// The key at this argument.
    Key(usize),
    /// The channel at this argument.
    Channel(usize),
    /// The database that this argument names, or with 0 those that no argument names.
    Database(usize),
}

/// One decision of a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Which selector: 0 is the root.
    pub selector: usize,
    /// What it decides about.
    pub subject: Subject,
    /// Whether it allows that.
    pub allows: bool,
    /// The rule. `None` when no rule allows it, or none is needed.
    pub rule: Option<Vec<u8>>,
    /// What is shown of the subject: the command's full name, the key, the channel.
    object: Vec<u8>,
    /// What happens to a key.
    access: Access,
}

/// A decision, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// As [`User::check`] has it.
    pub outcome: Result<(), Denied>,
    /// Of a request that is allowed: what the selector that allows it says of each part. Of one that is denied: what each selector denies.
    pub reasons: Vec<Reason>,
}

impl User {
    /// Checks a request and says which rules decided.
    pub fn explain<K>(&self, catalogue: &Catalogue, request: &Request<'_, K>) -> Explanation
    where
        K: Iterator<Item = (usize, KeyFlags)> + Clone,
    {
        let command = catalogue.command(request.command);
        let mut denials = Vec::new();
        for (at, selector) in self.selectors.iter().enumerate() {
            let look = Look { catalogue, at, selector, command, request };
            match selector.check(command, request) {
                Ok(()) => return Explanation { outcome: Ok(()), reasons: look.allowed() },
                Err(denied) => denials.push((denied, look.denied(denied))),
            }
        }
        let worst = denials.iter().map(|(denied, _)| *denied).max().expect("every user has a selector");
        Explanation { outcome: Err(worst), reasons: denials.into_iter().map(|(_, reason)| reason).collect() }
    }
}

struct Look<'a, K> {
    catalogue: &'a Catalogue,
    at: usize,
    selector: &'a Selector,
    command: &'a Command,
    request: &'a Request<'a, K>,
}

impl<K: Iterator<Item = (usize, KeyFlags)> + Clone> Look<'_, K> {
    fn reason(&self, subject: Subject, access: Access, allows: bool, rule: Option<Vec<u8>>) -> Reason {
        let object = match subject {
            Subject::Command => self.command.full_name.as_bytes(),
            Subject::Key(at) | Subject::Channel(at) | Subject::Database(at) => self.request.argv[at],
        };
        Reason { selector: self.at, subject, allows, rule, object: object.to_vec(), access }
    }

    fn allowed(&self) -> Vec<Reason> {
        let mut reasons = vec![self.reason(Subject::Command, Access::NONE, true, self.command_rule())];
        let keys = self.request.keys.clone().filter(|(_, flags)| !flags.contains(KeyFlags::NOT_KEY));
        for (at, flags) in keys {
            let key = Name::new(self.request.argv[at]);
            let pattern = self.selector.keys.iter().find(|pattern| pattern.allows(key, access(flags)));
            let rule = pattern.map_or_else(|| b"~*".to_vec(), |pattern| pattern.rule());
            reasons.push(self.reason(Subject::Key(at), access(flags), true, Some(rule)));
        }
        let is_pattern = self.command.channels == Channels::Patterns;
        let channels = self.command.channels.at_most();
        for (at, channel) in self.request.argv.iter().enumerate().skip(1).take(channels) {
            let known = self
                .selector
                .channels
                .iter()
                .find(|known| known.allows_channel(Name::new(channel), is_pattern));
            let rule = known.map_or_else(|| b"&*".to_vec(), |known| [b"&", known.text()].concat());
            reasons.push(self.reason(Subject::Channel(at), Access::NONE, true, Some(rule)));
        }
        reasons
    }

    fn denied(&self, denied: Denied) -> Reason {
        match denied {
            Denied::Command => self.reason(Subject::Command, Access::NONE, false, self.command_rule()),
            Denied::Key(at) => {
                let flags =
                    self.request.keys.clone().find(|(key, _)| *key == at).map(|(_, flags)| access(flags));
                self.reason(Subject::Key(at), flags.unwrap_or(Access::NONE), false, None)
            }
            Denied::Channel(at) => self.reason(Subject::Channel(at), Access::NONE, false, None),
            Denied::Database(at) => {
                let rule = self.selector.database_rule();
                self.reason(Subject::Database(at), Access::NONE, false, rule)
            }
        }
    }

    fn command_rule(&self) -> Option<Vec<u8>> {
        let rule = || self.selector.commands.deciding(self.catalogue, self.command, self.request.argv);
        (!self.command.no_auth).then(rule)
    }
}

/// A sentence for people.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.allows { "allows" } else { "denies" };
        let rule = match &self.rule {
            Some(rule) => format!("{} {verb}", rule.escape_ascii()),
            None if self.allows => "no rule is needed for".to_owned(),
            None => "no rule allows".to_owned(),
        };
        let object = self.object.escape_ascii();
        match self.subject {
            Subject::Command => write!(f, "{rule} the command {object}")?,
            Subject::Key(_) if self.access == Access::ALL => {
                write!(f, "{rule} reading and writing the key '{object}'")?;
            }
            Subject::Key(_) if self.access == Access::READ => write!(f, "{rule} reading the key '{object}'")?,
            Subject::Key(_) if self.access == Access::WRITE => {
                write!(f, "{rule} writing the key '{object}'")?
            }
            Subject::Key(_) => write!(f, "{rule} naming the key '{object}'")?,
            Subject::Channel(_) => write!(f, "{rule} the channel '{object}'")?,
            Subject::Database(0) => write!(f, "{rule} the databases that {object} works in")?,
            Subject::Database(_) => write!(f, "{rule} the database {object}")?,
        }
        match self.selector {
            0 => Ok(()),
            number => write!(f, " (selector {number})"),
        }
    }
}
