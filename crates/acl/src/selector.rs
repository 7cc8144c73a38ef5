//! A selector: commands, with the keys, channels and databases that they may name. Every user has one, its root, and may have more; a
//! request is allowed when one of them allows all of it.

use crate::pattern::{Access, KeyPattern, Pattern};
use crate::permissions::Permissions;
use crate::{Catalogue, RuleError, split};

/// Which databases may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Databases {
    All,
    /// Ascending, each once.
    Only(Vec<u32>),
}

/// One selector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) commands: Permissions,
    pub(crate) all_keys: bool,
    pub(crate) keys: Vec<KeyPattern>,
    pub(crate) all_channels: bool,
    pub(crate) channels: Vec<Pattern>,
    pub(crate) databases: Databases,
}

impl Selector {
    /// One that allows no command and no key; whether all channels is what `acl-pubsub-default` says.
    pub(crate) fn new(all_channels: bool) -> Selector {
        Selector {
            commands: Permissions::none(),
            all_keys: false,
            keys: Vec::new(),
            all_channels,
            channels: Vec::new(),
            databases: Databases::All,
        }
    }

    /// Whether nothing is left to be checked.
    pub(crate) fn is_unrestricted(&self) -> bool {
        self.commands.all() && self.all_keys && self.all_channels && self.databases == Databases::All
    }

    /// A selector of the rules between the parentheses. Those whose quotes are not closed are no rules, so it allows nothing.
    pub(crate) fn parse(
        catalogue: &Catalogue,
        all_channels: bool,
        rules: &[u8],
    ) -> Result<Selector, RuleError> {
        let mut selector = Selector::new(all_channels);
        for rule in split::words(rules).unwrap_or_default() {
            selector.apply(catalogue, &rule)?;
        }
        Ok(selector)
    }

    /// Applies a rule. The selector stays as it is when that fails.
    pub(crate) fn apply(&mut self, catalogue: &Catalogue, rule: &[u8]) -> Result<(), RuleError> {
        let word = split::until_zero(rule);
        match (word.to_ascii_lowercase().as_slice(), rule) {
            (b"allkeys" | b"~*", _) => self.set_keys(true),
            (b"resetkeys", _) => self.set_keys(false),
            (b"allchannels" | b"&*", _) => self.set_channels(true),
            (b"resetchannels", _) => self.set_channels(false),
            (b"allcommands" | b"+@all", _) => self.commands.set_all(true),
            (b"nocommands" | b"-@all", _) => self.commands.set_all(false),
            (_, [b'~' | b'%', ..]) if self.all_keys => return Err(RuleError::AfterAllKeys),
            (_, [b'~', pattern @ ..]) => self.add_keys(Access::ALL, pattern)?,
            (_, [b'%', rest @ ..]) => {
                let (access, pattern) = access(rest)?;
                self.add_keys(access, pattern)?;
            }
            (_, [b'&', ..]) if self.all_channels => return Err(RuleError::AfterAllChannels),
            (_, [b'&', pattern @ ..]) => self.add_channels(pattern)?,
            (_, [b'+', ..]) => self.commands.apply(catalogue, true, &word[1..])?,
            (_, [b'-', ..]) => self.commands.apply(catalogue, false, &word[1..])?,
            (word, _) if catalogue.profile().has("9.1.0") => self.apply_databases(word)?,
            _ => return Err(RuleError::Syntax),
        }
        Ok(())
    }

    /// The rules that came with Valkey 9.1.
    fn apply_databases(&mut self, word: &[u8]) -> Result<(), RuleError> {
        self.databases = match word {
            b"alldbs" => Databases::All,
            b"resetdbs" => Databases::Only(Vec::new()),
            [b'd', b'b', b'=', list @ ..] => {
                let mut list =
                    list.split(|byte| *byte == b',').map(database).collect::<Result<Vec<_>, _>>()?;
                list.sort_unstable();
                list.dedup();
                Databases::Only(list)
            }
            _ => return Err(RuleError::Syntax),
        };
        Ok(())
    }

    fn set_keys(&mut self, all: bool) {
        (self.all_keys, self.keys) = (all, Vec::new());
    }

    fn set_channels(&mut self, all: bool) {
        (self.all_channels, self.channels) = (all, Vec::new());
    }

    fn add_keys(&mut self, access: Access, pattern: &[u8]) -> Result<(), RuleError> {
        if split::has_spaces(pattern) {
            return Err(RuleError::Syntax);
        }
        match self.keys.iter_mut().find(|known| known.pattern.text() == pattern) {
            Some(known) => known.access = known.access.with(access),
            None => self.keys.push(KeyPattern { pattern: Pattern::new(pattern), access }),
        }
        Ok(())
    }

    fn add_channels(&mut self, pattern: &[u8]) -> Result<(), RuleError> {
        if split::has_spaces(pattern) {
            return Err(RuleError::Syntax);
        }
        if !self.channels.iter().any(|known| known.text() == pattern) {
            self.channels.push(Pattern::new(pattern));
        }
        Ok(())
    }
}

/// Reads `R~pattern`, `W~pattern` or both letters, each once. The tilde may be missing when nothing follows.
fn access(rest: &[u8]) -> Result<(Access, &[u8]), RuleError> {
    let mut access = Access::NONE;
    let mut at = 0;
    while let Some(byte) = rest.get(at) {
        at += 1;
        match byte {
            b'r' | b'R' if !access.includes(Access::READ) => access = access.with(Access::READ),
            b'w' | b'W' if !access.includes(Access::WRITE) => access = access.with(Access::WRITE),
            b'~' => break,
            _ => return Err(RuleError::Syntax),
        }
    }
    match access {
        Access::NONE => Err(RuleError::Syntax),
        access => Ok((access, &rest[at..])),
    }
}

/// Reads the number of a database as strtol does: spaces before it, a sign.
fn database(text: &[u8]) -> Result<u32, RuleError> {
    let text = &text[text.iter().take_while(|byte| split::is_space(**byte)).count()..];
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(RuleError::Syntax);
    }
    let number =
        digits.iter().fold(0u64, |n, digit| n.saturating_mul(10).saturating_add((digit - b'0').into()));
    match u32::try_from(number) {
        Ok(number) if number <= i32::MAX as u32 && !(negative && number > 0) => Ok(number),
        _ => Err(RuleError::DatabaseOutOfRange),
    }
}
