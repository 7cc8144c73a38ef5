//! All users, by name, and how connections learn of changes.
//!
//! A connection keeps its [`CurrentUser`]: the user's rules as they were, and the generation of all users when it looked. Every change makes
//! a new generation, so one comparison tells most connections that nothing happened ([`Users::generation`]). After one, [`Users::follow`]
//! says what has become of the user. A user that is deleted and made again under its name is another user.

use crate::error::SetUserError;
use crate::user::User;
use crate::{Catalogue, RuleError, split};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The name of the user that is always there.
pub const DEFAULT: &[u8] = b"default";

/// The error for deleting it.
pub const DEFAULT_STAYS: &str = "ERR The 'default' user cannot be removed";

/// The error for a wrong password, an unknown user, and one that is off.
pub const WRONG_PASSWORD: &str = "WRONGPASS invalid username-password pair or user is disabled.";

/// A user in the set.
#[derive(Debug, Clone)]
struct Member {
    /// Tells it from earlier users of its name.
    identity: u64,
    user: Arc<User>,
}

/// The user of a connection.
#[derive(Debug, Clone)]
pub struct CurrentUser {
    name: Arc<[u8]>,
    identity: u64,
    generation: u64,
    user: Arc<User>,
}

/// The identity of nobody in the set.
const TRUSTED_IDENTITY: u64 = u64::MAX;

/// How the servers call who is asked nothing.
const TRUSTED_NAME: &[u8] = b"(superuser)";

impl CurrentUser {
    /// Of a connection that is asked nothing and is none of the users: whatever becomes of them, it may do everything.
    pub fn trusted(catalogue: &Catalogue) -> CurrentUser {
        CurrentUser {
            name: TRUSTED_NAME.into(),
            identity: TRUSTED_IDENTITY,
            generation: 0,
            user: Arc::new(User::default_user(catalogue)),
        }
    }

    /// Whether it is none of the users.
    pub fn is_trusted(&self) -> bool {
        self.identity == TRUSTED_IDENTITY
    }

    /// The user's name.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Its rules.
    #[inline]
    pub fn user(&self) -> &User {
        &self.user
    }

    /// The generation of the users when it was last compared with them.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

/// What has become of a connection's user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// Nothing.
    Unchanged,
    /// It has other rules, which the connection now has. Subscriptions may have to end ([`User::may_stay_subscribed`]).
    Changed,
    /// It is no more: the connection must end.
    Deleted,
}

/// All users.
#[derive(Debug, Clone)]
pub struct Users {
    members: BTreeMap<Arc<[u8]>, Member>,
    generation: u64,
    next_identity: u64,
    /// What `acl-pubsub-default` says.
    all_channels: bool,
}

impl Users {
    /// The user `default` alone. `all_channels` is whether `acl-pubsub-default` is `allchannels`.
    pub fn new(catalogue: &Catalogue, all_channels: bool) -> Users {
        let mut users = Users { members: BTreeMap::new(), generation: 0, next_identity: 0, all_channels };
        users.put(DEFAULT, User::default_user(catalogue));
        users
    }

    /// Counts the changes.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Which channels new users and selectors may use from now on: all, or none.
    pub fn set_all_channels(&mut self, all_channels: bool) {
        self.all_channels = all_channels;
    }

    /// How many users there are.
    #[expect(clippy::len_without_is_empty, reason = "the user default is always there")]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// The users in the order of their names, as ACL LIST and ACL USERS show them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &User)> {
        self.members.iter().map(|(name, member)| (&**name, &*member.user))
    }

    /// The user of this name.
    pub fn get(&self, name: &[u8]) -> Option<&User> {
        self.members.get(name).map(|member| &*member.user)
    }

    /// The user that connections begin with.
    pub fn default_user(&self) -> &User {
        self.get(DEFAULT).expect("the user default is always there")
    }

    /// This user for a connection, whether or not it has authenticated.
    pub fn current(&self, name: &[u8]) -> Option<CurrentUser> {
        let (name, member) = self.members.get_key_value(name)?;
        Some(CurrentUser {
            name: name.clone(),
            identity: member.identity,
            generation: self.generation,
            user: member.user.clone(),
        })
    }

    /// Checks name and password, which takes as long for a user that there isn't. `None` is [`WRONG_PASSWORD`].
    pub fn authenticate(&self, catalogue: &Catalogue, name: &[u8], password: &[u8]) -> Option<CurrentUser> {
        match self.get(name) {
            Some(user) => user.accepts(password).then(|| self.current(name))?,
            None => {
                std::hint::black_box(User::new(catalogue, false).accepts(password));
                None
            }
        }
    }

    /// Brings a connection's user up to date.
    pub fn follow(&self, current: &mut CurrentUser) -> Followed {
        if current.generation == self.generation {
            return Followed::Unchanged;
        }
        if current.is_trusted() {
            current.generation = self.generation;
            return Followed::Unchanged;
        }
        match self.members.get(&current.name) {
            Some(member) if member.identity == current.identity => {
                current.generation = self.generation;
                if Arc::ptr_eq(&current.user, &member.user) {
                    return Followed::Unchanged;
                }
                current.user = member.user.clone();
                Followed::Changed
            }
            _ => Followed::Deleted,
        }
    }

    /// `ACL SETUSER`: changes a user or makes one; all rules or none of them apply.
    ///
    /// # Errors
    /// As the servers have them.
    pub fn set(
        &mut self,
        catalogue: &Catalogue,
        name: &[u8],
        rules: &[impl AsRef<[u8]>],
    ) -> Result<(), SetUserError> {
        if split::has_spaces(name) {
            return Err(SetUserError::Name);
        }
        let rules =
            merge(catalogue, rules).map_err(|at| SetUserError::Unmatched(rules[at].as_ref().to_vec()))?;
        let mut user = self.get(name).cloned().unwrap_or_else(|| User::new(catalogue, self.all_channels));
        for rule in rules {
            let applied = user.apply(catalogue, self.all_channels, &rule);
            applied.map_err(|error| SetUserError::Rule(rule, error))?;
        }
        self.put(name, user);
        Ok(())
    }

    /// `ACL DELUSER`: how many of these there were. None is deleted if one of them is `default`.
    ///
    /// # Errors
    /// [`DEFAULT_STAYS`]
    pub fn delete(&mut self, names: &[impl AsRef<[u8]>]) -> Result<usize, &'static str> {
        if names.iter().any(|name| split::until_zero(name.as_ref()) == DEFAULT) {
            return Err(DEFAULT_STAYS);
        }
        let deleted = names.iter().filter(|name| self.members.remove(name.as_ref()).is_some()).count();
        self.generation += u64::from(deleted > 0);
        Ok(deleted)
    }

    /// `requirepass`: the one password of the user `default`, which needs none when it is empty. ACL SETUSER may give it others later;
    /// `requirepass` does not show them.
    pub fn set_requirepass(&mut self, catalogue: &Catalogue, password: &[u8]) {
        let mut user = self.default_user().clone();
        let password = [b">", password].concat();
        let rules: [&[u8]; 2] = [b"resetpass", if password.len() > 1 { &password } else { b"nopass" }];
        for rule in rules {
            user.apply(catalogue, self.all_channels, rule).expect("each of them is a rule");
        }
        self.put(DEFAULT, user);
    }

    /// Takes these users in place of all, as `ACL LOAD` does. Without a `default` among them it is as it was made. Connections of users
    /// that stay go on with the new rules; before Valkey 8.0 only those of `default` do.
    pub(crate) fn replace(&mut self, catalogue: &Catalogue, users: BTreeMap<Vec<u8>, User>) {
        let mut before = std::mem::take(&mut self.members);
        if !catalogue.profile().has("8.0.0") {
            before.retain(|name, _| **name == *DEFAULT);
        }
        self.members = before
            .into_iter()
            .filter(|(name, _)| users.contains_key(&**name) || **name == *DEFAULT)
            .collect();
        if !users.contains_key(DEFAULT) {
            self.put(DEFAULT, User::default_user(catalogue));
        }
        for (name, user) in users {
            self.put(&name, user);
        }
    }

    pub(crate) fn all_channels(&self) -> bool {
        self.all_channels
    }

    fn put(&mut self, name: &[u8], user: User) {
        self.generation += 1;
        if let Some(member) = self.members.get_mut(name) {
            // Who changes nothing wakes nobody.
            if *member.user != user {
                member.user = Arc::new(user);
            }
            return;
        }
        let identity = self.next_identity;
        self.next_identity += 1;
        self.members.insert(name.into(), Member { identity, user: Arc::new(user) });
    }
}

/// Joins the arguments of selectors that are spread over several. What opens within one is part of it; in 7.0 it begins anew and forgets
/// what came before. The error is the argument with the parenthesis that is not closed.
pub(crate) fn merge(catalogue: &Catalogue, rules: &[impl AsRef<[u8]>]) -> Result<Vec<Vec<u8>>, usize> {
    let forgets = !catalogue.profile().has("7.2.0");
    let mut merged: Vec<Vec<u8>> = Vec::new();
    let mut open: Option<(usize, Vec<u8>)> = None;
    for (at, rule) in rules.iter().enumerate() {
        let rule = rule.as_ref();
        let ends = rule.ends_with(b")");
        open = match open {
            _ if rule.starts_with(b"(") && !ends && (open.is_none() || forgets) => Some((at, rule.to_vec())),
            None => {
                merged.push(rule.to_vec());
                None
            }
            Some((start, mut selector)) => {
                selector.push(b' ');
                selector.extend_from_slice(split::until_zero(rule));
                if ends {
                    merged.push(selector);
                    None
                } else {
                    Some((start, selector))
                }
            }
        };
    }
    match open {
        Some((at, _)) => Err(at),
        None => Ok(merged),
    }
}

/// A user of a configuration file.
#[derive(Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: Vec<u8>,
    /// Its rules, for [`Users::set`] once all of the file is read.
    pub rules: Vec<Vec<u8>>,
}

/// Rules may be passwords.
impl fmt::Debug for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Declared({}, {} rules)", self.name.escape_ascii(), self.rules.len())
    }
}

/// Reads a `user` line of a configuration file. Its rules are tried at once, but for the names of commands, which modules may bring later.
///
/// # Errors
/// The word that the servers show with it, by its place in the line, and why. The place of a rule is counted without the two words before
/// the rules, so the word shown is not always the wrong one.
pub fn declared(
    catalogue: &Catalogue,
    all_channels: bool,
    earlier: &[Declared],
    line: &[impl AsRef<[u8]>],
) -> Result<Declared, (usize, RuleError)> {
    let [first, name, rules @ ..] = line else { return Err((0, RuleError::Syntax)) };
    if !first.as_ref().eq_ignore_ascii_case(b"user") {
        return Err((0, RuleError::Syntax));
    }
    if earlier.iter().any(|known| known.name == name.as_ref()) {
        return Err((1, RuleError::Duplicate));
    }
    let rules = merge(catalogue, rules).map_err(|at| (at, RuleError::Syntax))?;
    let mut user = User::new(catalogue, all_channels);
    for (at, rule) in rules.iter().enumerate() {
        match user.apply(catalogue, all_channels, rule) {
            Ok(()) | Err(RuleError::Unknown) => {}
            Err(error) => return Err((at, error)),
        }
    }
    Ok(Declared { name: name.as_ref().to_vec(), rules })
}
