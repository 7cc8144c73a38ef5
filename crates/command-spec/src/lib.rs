//! What a command is, as data.
//!
//! A [`Spec`] is a plain `const` that stands directly above the command's handler. Everything about a command is
//! derived from it: dispatch and arity errors, which slots to lock ([`Need`]), which arguments are keys ([`keys`]), ACL
//! categories, `COMMAND INFO`, `COMMAND DOCS`, replication and the documentation.
//!
//! The crate knows nothing of handlers: [`Command`] pairs a spec with whatever its table runs.

#![forbid(unsafe_code)]

mod arg;
mod flags;
pub mod keys;
mod reach;
mod shape;
mod table;

pub use arg::{Arg, ArgFlags, ArgKind};
pub use flags::{Behaviour, Categories, Flags, Group};
pub use keys::{BeginSearch, FindKeys, KeyFlags, KeySpec, OptionList};
pub use reach::{Channels, Reach};
pub use shape::Shape;
pub use table::{Command, RenameError, Table};

/// What a command needs locked while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Nothing of the keyspace.
    None,
    /// The slots of its keys, taken together in ascending order.
    Keys,
    /// The whole keyspace, but one slot at a time: `KEYS`, `SCAN`, `DBSIZE`.
    SlotBySlot,
    /// Everything at once: no other command runs meanwhile.
    World,
}

/// One command or subcommand.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// Lower-case name; of a subcommand its own name alone (`get` of `config|get`).
    pub name: &'static str,
    /// One line in our words.
    pub summary: &'static str,
    /// The version that introduced it.
    pub since: &'static str,
    /// The version that deprecated it, and what replaces it.
    pub deprecated: Option<(&'static str, &'static str)>,
    /// The family it belongs to.
    pub group: Group,
    /// Its cost, as the documentation states it.
    pub complexity: &'static str,
    /// Why the cost may grow with the square of its input; `None` for nearly all commands, which must not.
    pub quadratic: Option<&'static str>,
    /// Number of arguments with the name; negative: at least that many.
    pub arity: i32,
    /// Command flags.
    pub flags: Flags,
    /// How it affects the handling of requests.
    pub behaviour: Behaviour,
    /// ACL categories beyond those that follow from the flags.
    pub categories: Categories,
    /// Hints for proxies and clients, lower-case.
    pub tips: &'static [&'static str],
    /// Where its keys are.
    pub keys: &'static [KeySpec],
    /// What happens to keys with variable flags unless a word is among the arguments.
    pub variable: Option<Variable>,
    /// Where its channels are.
    pub channels: Channels,
    /// Which databases it works in.
    pub reach: Reach,
    /// The grammar of its arguments.
    pub args: &'static [Arg],
    /// What it answers.
    pub reply: Shape,
    /// What must be locked.
    pub need: Need,
    /// Words, lower-case, behind the first key: with one of them it works on keys that only their values name, and needs the world.
    pub world_words: &'static [&'static str],
    /// Where earlier versions differed: the version that brought this spec's behaviour, and the change that restores
    /// what came before. An older profile refuses, shows and allows what its version did.
    pub before: &'static [(&'static str, Change)],
}

/// What happens to keys with [`KeyFlags::VARIABLE_FLAGS`] when none of these words is among the arguments.
#[derive(Debug, Clone, Copy)]
pub struct Variable {
    /// The words, lower-case.
    pub unless: &'static [&'static str],
    /// The first argument that may be one of them.
    pub from: usize,
    /// What happens to the keys then.
    pub flags: KeyFlags,
}

/// Makes a spec what it was in an earlier version.
pub type Change = fn(&mut Spec);

impl Spec {
    /// What a spec starts from: a generic command that touches no keys.
    pub const BASE: Spec = Spec {
        name: "",
        summary: "",
        since: "1.0.0",
        deprecated: None,
        group: Group::Server,
        complexity: "O(1)",
        quadratic: None,
        arity: 1,
        flags: Flags::empty(),
        behaviour: Behaviour::empty(),
        categories: Categories::empty(),
        tips: &[],
        keys: &[],
        variable: None,
        channels: Channels::None,
        reach: Reach::Data,
        args: &[],
        reply: Shape::Never,
        need: Need::None,
        world_words: &[],
        before: &[],
    };

    /// Whether this number of arguments, name included, is right.
    #[inline]
    pub const fn arity_fits(&self, arguments: usize) -> bool {
        if self.arity >= 0 {
            arguments == self.arity as usize
        } else {
            arguments >= self.arity.unsigned_abs() as usize
        }
    }

    /// What happens to a key with these flags, given the arguments.
    pub fn actual_flags<A: AsRef<[u8]>>(&self, argv: &[A], flags: KeyFlags) -> KeyFlags {
        let Some(variable) = self.variable.filter(|_| flags.contains(KeyFlags::VARIABLE_FLAGS)) else {
            return flags;
        };
        let is_word =
            |arg: &A| variable.unless.iter().any(|word| arg.as_ref().eq_ignore_ascii_case(word.as_bytes()));
        match argv.iter().skip(variable.from).any(is_word) {
            true => flags.difference(KeyFlags::VARIABLE_FLAGS),
            false => variable.flags,
        }
    }

    /// What must be locked, given the arguments.
    pub fn actual_need<A: AsRef<[u8]>>(&self, argv: &[A]) -> Need {
        let is_word =
            |arg: &A| self.world_words.iter().any(|word| arg.as_ref().eq_ignore_ascii_case(word.as_bytes()));
        let first = 2;
        match !self.world_words.is_empty() && argv.iter().skip(first).any(is_word) {
            true => Need::World,
            false => self.need,
        }
    }

    /// Whether the command may change the keyspace.
    #[inline]
    pub const fn is_write(&self) -> bool {
        self.flags.contains(Flags::WRITE)
    }

    /// The categories with those that follow from flags, as `COMMAND INFO` and ACL rules use them.
    pub const fn all_categories(&self) -> Categories {
        self.categories.union(Categories::implied_by(self.flags))
    }
}
