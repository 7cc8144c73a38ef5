//! A user: whether it may log in and how, and what it may do.

use crate::password::PasswordHash;
use crate::pattern::Name;
use crate::selector::Selector;
use crate::{Catalogue, RuleError, split};

/// What RESTORE does with a payload of this user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payloads {
    /// Nothing was said, which only Redis 7.0 tells from saying that they are checked.
    Unsaid,
    /// Checked.
    Sanitized,
    /// Not checked.
    Skipped,
}

/// A user's rules. Its name is known to [`crate::Users`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub(crate) enabled: bool,
    pub(crate) any_password: bool,
    pub(crate) payloads: Payloads,
    pub(crate) passwords: Vec<PasswordHash>,
    /// The root first.
    pub(crate) selectors: Vec<Selector>,
    /// The root allows everything: the one thing that is asked before each request of most clients.
    unrestricted: bool,
}

impl User {
    /// A new user: off, without passwords, allowed nothing. `all_channels` is what `acl-pubsub-default` says.
    pub fn new(catalogue: &Catalogue, all_channels: bool) -> User {
        let says = catalogue.profile().has("7.2.0");
        User {
            enabled: false,
            any_password: false,
            payloads: if says { Payloads::Sanitized } else { Payloads::Unsaid },
            passwords: Vec::new(),
            selectors: vec![Selector::new(all_channels)],
            unrestricted: false,
        }
    }

    /// The user `default` before anybody changes it: on, without a password, allowed everything.
    pub fn default_user(catalogue: &Catalogue) -> User {
        let mut user = User::new(catalogue, false);
        for rule in ["+@all", "~*", "&*", "on", "nopass"] {
            user.apply(catalogue, false, rule.as_bytes()).expect("each of them is a rule");
        }
        user
    }

    /// Whether it may log in.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Whether any password is right, and none is needed.
    pub fn needs_no_password(&self) -> bool {
        self.any_password
    }

    /// Whether RESTORE checks the payloads that it sends.
    pub fn sanitizes_payloads(&self) -> bool {
        self.payloads != Payloads::Skipped
    }

    /// Whether it may do everything, so that nothing has to be checked.
    #[inline]
    pub fn is_unrestricted(&self) -> bool {
        self.unrestricted
    }

    /// Whether a password lets it in. It takes as long whichever is wrong, and as long for a user that is off.
    pub fn accepts(&self, password: &[u8]) -> bool {
        let given = PasswordHash::of(password);
        let known = self.passwords.iter().fold(false, |known, hash| known | (*hash == given));
        self.enabled & (self.any_password | known)
    }

    /// Applies one rule; a selector is one, with its parentheses. The user stays as it is when that fails.
    ///
    /// # Errors
    /// As the servers have them; the first that applies.
    pub fn apply(&mut self, catalogue: &Catalogue, all_channels: bool, rule: &[u8]) -> Result<(), RuleError> {
        let word = split::until_zero(rule).to_ascii_lowercase();
        match (word.as_slice(), rule) {
            // A rule of no bytes says nothing.
            (_, []) => {}
            (b"on", _) => self.enabled = true,
            (b"off", _) => self.enabled = false,
            (b"skip-sanitize-payload", _) => self.payloads = Payloads::Skipped,
            (b"sanitize-payload", _) => self.payloads = Payloads::Sanitized,
            (b"nopass", _) => (self.any_password, self.passwords) = (true, Vec::new()),
            (b"resetpass", _) => (self.any_password, self.passwords) = (false, Vec::new()),
            (_, [b'>', password @ ..]) => self.add_password(PasswordHash::of(password)),
            (_, [b'#', hash @ ..]) => {
                self.add_password(PasswordHash::parse(hash).ok_or(RuleError::WrongHash)?);
            }
            (_, [b'<', password @ ..]) => self.remove_password(&PasswordHash::of(password))?,
            (_, [b'!', hash @ ..]) => {
                self.remove_password(&PasswordHash::parse(hash).ok_or(RuleError::WrongHash)?)?;
            }
            (_, [b'(', rules @ .., b')']) => {
                self.selectors.push(Selector::parse(catalogue, all_channels, rules)?);
            }
            (b"clearselectors", _) => self.selectors.truncate(1),
            (b"reset", _) => {
                *self = User::new(catalogue, all_channels);
                self.payloads = Payloads::Sanitized;
            }
            _ => self.selectors[0].apply(catalogue, rule)?,
        }
        self.unrestricted = self.selectors[0].is_unrestricted();
        Ok(())
    }

    fn add_password(&mut self, hash: PasswordHash) {
        self.any_password = false;
        if !self.passwords.contains(&hash) {
            self.passwords.push(hash);
        }
    }

    fn remove_password(&mut self, hash: &PasswordHash) -> Result<(), RuleError> {
        let at = self.passwords.iter().position(|known| known == hash).ok_or(RuleError::NoSuchPassword)?;
        self.passwords.remove(at);
        Ok(())
    }

    /// Whether a subscription that an earlier form of the user had may go on. As the servers see it, any selector may allow it, whatever
    /// commands that one allows.
    pub fn may_stay_subscribed(&self, channel: &[u8], is_pattern: bool) -> bool {
        self.selectors.iter().any(|selector| {
            selector.all_channels
                || selector.channels.iter().any(|known| known.allows_channel(Name::new(channel), is_pattern))
        })
    }
}
