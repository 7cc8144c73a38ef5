//! The grammar of a command's arguments, as `COMMAND DOCS` shows it.

use bitflags::bitflags;

/// The type of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgKind {
    /// Any string.
    String,
    /// An integer.
    Integer,
    /// A floating-point number.
    Double,
    /// A key, of the spec with this index.
    Key(u8),
    /// A pattern; of keys of the spec with this index, if any.
    Pattern(Option<u8>),
    /// A Unix time.
    UnixTime,
    /// The token alone.
    PureToken,
    /// Exactly one of the arguments within.
    OneOf,
    /// All the arguments within.
    Block,
}

impl ArgKind {
    /// The name in `COMMAND DOCS`.
    pub const fn name(self) -> &'static str {
        match self {
            ArgKind::String => "string",
            ArgKind::Integer => "integer",
            ArgKind::Double => "double",
            ArgKind::Key(_) => "key",
            ArgKind::Pattern(_) => "pattern",
            ArgKind::UnixTime => "unix-time",
            ArgKind::PureToken => "pure-token",
            ArgKind::OneOf => "oneof",
            ArgKind::Block => "block",
        }
    }
}

bitflags! {
    /// How often an argument may occur.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct ArgFlags: u8 {
        /// May be left out.
        const OPTIONAL = 1;
        /// May be repeated.
        const MULTIPLE = 2;
        /// Each repetition carries the token again.
        const MULTIPLE_TOKEN = 4;
    }
}

/// One argument.
#[derive(Debug, Clone, Copy)]
pub struct Arg {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ArgKind,
    /// The literal before it, or alone for a pure token; empty when there is none.
    pub token: &'static str,
    /// How often it may occur.
    pub flags: ArgFlags,
    /// The version that introduced it; empty when as old as the command.
    pub since: &'static str,
    /// What a block or a choice holds.
    pub inner: &'static [Arg],
}

impl Arg {
    /// An argument that must occur exactly once.
    pub const fn new(name: &'static str, kind: ArgKind) -> Arg {
        Arg { name, kind, token: "", flags: ArgFlags::empty(), since: "", inner: &[] }
    }

    /// A string.
    pub const fn string(name: &'static str) -> Arg {
        Arg::new(name, ArgKind::String)
    }

    /// An integer.
    pub const fn integer(name: &'static str) -> Arg {
        Arg::new(name, ArgKind::Integer)
    }

    /// The key of the first key spec.
    pub const fn key(name: &'static str) -> Arg {
        Arg::new(name, ArgKind::Key(0))
    }

    /// A literal word.
    pub const fn word(name: &'static str, token: &'static str) -> Arg {
        Arg::new(name, ArgKind::PureToken).token(token)
    }

    /// One of several.
    pub const fn one_of(name: &'static str, inner: &'static [Arg]) -> Arg {
        let mut arg = Arg::new(name, ArgKind::OneOf);
        arg.inner = inner;
        arg
    }

    /// Several in a row.
    pub const fn block(name: &'static str, inner: &'static [Arg]) -> Arg {
        let mut arg = Arg::new(name, ArgKind::Block);
        arg.inner = inner;
        arg
    }

    /// With a literal before it.
    pub const fn token(mut self, token: &'static str) -> Arg {
        self.token = token;
        self
    }

    /// May be left out.
    pub const fn optional(mut self) -> Arg {
        self.flags = self.flags.union(ArgFlags::OPTIONAL);
        self
    }

    /// May be repeated.
    pub const fn multiple(mut self) -> Arg {
        self.flags = self.flags.union(ArgFlags::MULTIPLE);
        self
    }

    /// Each repetition carries the token.
    pub const fn multiple_token(mut self) -> Arg {
        self.flags = self.flags.union(ArgFlags::MULTIPLE).union(ArgFlags::MULTIPLE_TOKEN);
        self
    }

    /// Came later than the command.
    pub const fn since(mut self, version: &'static str) -> Arg {
        self.since = version;
        self
    }
}
