//! Which commands a selector allows: the bits that decide, and the rules that made them.

use crate::bits::CommandBits;
use crate::catalogue::{Catalogue, Command};
use crate::{CommandId, RuleError, minimise, split};
use command_spec::Categories;
use std::collections::BTreeMap;

/// A rule as it was given: `+get`, `-config|set`, `+@read`, `+select|0`; lower-case.
#[derive(Debug, Clone, PartialEq, Eq)]
struct CommandRule {
    allows: bool,
    name: Box<[u8]>,
}

impl CommandRule {
    fn text(&self) -> Vec<u8> {
        [if self.allows { b"+" } else { b"-" }, &*self.name].concat()
    }
}

/// What may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permissions {
    bits: CommandBits,
    /// All bits are set, and nothing has to be looked up.
    all: bool,
    /// In their order, each once: a rule takes back what it repeats or covers. Redis 7.0 does not keep them, and describes the bits
    /// instead; here they also explain decisions.
    rules: Vec<CommandRule>,
    /// The first arguments with which a command that is not allowed may run all the same.
    first_arguments: BTreeMap<CommandId, Vec<Box<[u8]>>>,
}

impl Permissions {
    pub(crate) const fn none() -> Permissions {
        Permissions {
            bits: CommandBits::NONE,
            all: false,
            rules: Vec::new(),
            first_arguments: BTreeMap::new(),
        }
    }

    /// All commands or none, those of the future included.
    pub(crate) fn set_all(&mut self, allowed: bool) {
        *self = Permissions::none();
        if allowed {
            (self.bits, self.all) = (CommandBits::ALL, true);
        }
    }

    pub(crate) fn all(&self) -> bool {
        self.all
    }

    pub(crate) fn bits(&self) -> &CommandBits {
        &self.bits
    }

    pub(crate) fn first_arguments(&self, id: CommandId) -> &[Box<[u8]>] {
        self.first_arguments.get(&id).map_or(&[], Vec::as_slice)
    }

    /// Applies `+name`, `-name` or either with a category; `rule` is a C string.
    pub(crate) fn apply(
        &mut self,
        catalogue: &Catalogue,
        allows: bool,
        name: &[u8],
    ) -> Result<(), RuleError> {
        match name {
            [b'@', category @ ..] => {
                let of = Categories::from_name_of(category).ok_or(RuleError::Unknown)?;
                self.record(allows, name);
                self.set_category(catalogue, of, allows);
            }
            _ if allows && name.contains(&b'|') => self.allow_part(catalogue, name)?,
            _ => {
                let command = catalogue.find(name).ok_or(RuleError::Unknown)?;
                self.record(allows, command.full_name.as_bytes());
                self.set(catalogue, command, allows);
            }
        }
        self.all = self.bits == CommandBits::ALL;
        Ok(())
    }

    /// `+container|subcommand`, or `+command|argument`: the command, where that is its first argument.
    fn allow_part(&mut self, catalogue: &Catalogue, name: &[u8]) -> Result<(), RuleError> {
        let bar = name.iter().rposition(|byte| *byte == b'|').expect("it has one");
        let (whole, part) = (&name[..bar], &name[bar + 1..]);
        let command = catalogue.find(whole).ok_or(RuleError::Unknown)?;
        if command.container.is_some() {
            return Err(RuleError::FirstArgumentOfSubcommand);
        }
        // What a description can't hold would be lost with the next restart.
        if part.is_empty() || part.iter().any(|byte| split::is_space(*byte)) {
            return Err(RuleError::Syntax);
        }
        if command.subcommands.is_empty() {
            let arguments = self.first_arguments.entry(command.id).or_default();
            if !arguments.iter().any(|known| known.eq_ignore_ascii_case(part)) {
                // Only the description of 7.0 shows it as it was given.
                let lower = catalogue.profile().has("7.2.0");
                arguments.push(if lower { part.to_ascii_lowercase().into() } else { part.into() });
            }
        } else {
            let subcommand = catalogue.find(name).ok_or(RuleError::Unknown)?;
            self.set(catalogue, subcommand, true);
        }
        self.record(true, name);
        Ok(())
    }

    /// A container stands for its subcommands.
    pub(crate) fn set(&mut self, catalogue: &Catalogue, command: &Command, allowed: bool) {
        self.bits.set(command.id, allowed);
        self.first_arguments.remove(&command.id);
        for subcommand in catalogue.subcommands(command) {
            self.bits.set(subcommand.id, allowed);
        }
    }

    pub(crate) fn set_category(&mut self, catalogue: &Catalogue, category: Categories, allowed: bool) {
        for command in catalogue.iter().filter(|command| command.categories.intersects(category)) {
            self.set(catalogue, command, allowed);
        }
    }

    /// A rule takes the place of an equal one and of those for parts of its command.
    fn record(&mut self, allows: bool, name: &[u8]) {
        let name = name.to_ascii_lowercase();
        self.rules.retain(|rule| match rule.name.strip_prefix(&*name) {
            Some(rest) => !rest.is_empty() && rest[0] != b'|',
            None => true,
        });
        self.rules.push(CommandRule { allows, name: name.into() });
    }

    #[inline]
    pub(crate) fn allow(&self, command: &Command, argv: &[&[u8]]) -> bool {
        self.all
            || self.bits.has(command.id)
            || command.no_auth
            || self.first_argument(command, argv).is_some()
    }

    fn first_argument(&self, command: &Command, argv: &[&[u8]]) -> Option<&[u8]> {
        let first = split::until_zero(argv.get(1)?);
        let allowed = self.first_arguments.get(&command.id)?;
        allowed.iter().map(|argument| &**argument).find(|argument| argument.eq_ignore_ascii_case(first))
    }

    /// The rule that decides about a command.
    pub(crate) fn deciding(&self, catalogue: &Catalogue, command: &Command, argv: &[&[u8]]) -> Vec<u8> {
        if !self.bits.has(command.id)
            && let Some(argument) = self.first_argument(command, argv)
        {
            return [b"+", command.full_name.as_bytes(), b"|", argument].concat();
        }
        let container = command.container.map(|id| catalogue.command(id));
        let covers = |rule: &&CommandRule| {
            [Some(command), container].into_iter().flatten().any(|of| match &*rule.name {
                [b'@', category @ ..] => Categories::from_name_of(category)
                    .is_some_and(|category| of.categories.intersects(category)),
                name => name == of.full_name.as_bytes(),
            })
        };
        let last = self.rules.iter().rev().find(covers);
        last.map_or_else(|| self.beginning().as_bytes().to_vec(), CommandRule::text)
    }

    fn beginning(&self) -> &'static str {
        if self.bits.has_future() { "+@all" } else { "-@all" }
    }

    /// The rules that make these permissions, as a version describes them.
    pub(crate) fn describe(&self, catalogue: &Catalogue) -> Vec<Vec<u8>> {
        let mut rules = vec![self.beginning().as_bytes().to_vec()];
        if catalogue.profile().has("7.2.0") {
            rules.extend(self.rules.iter().map(CommandRule::text));
        } else {
            minimise::rules(catalogue, self, &mut rules);
        }
        rules
    }
}
