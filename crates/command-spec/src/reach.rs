//! What a command touches besides keys: channels and databases.

/// Which arguments are channels that the command publishes to or listens to. Who leaves a channel needs no right to it, so the
/// arguments of UNSUBSCRIBE are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channels {
    /// None.
    None,
    /// The first.
    First,
    /// All.
    All,
    /// All, and each is a pattern.
    Patterns,
}

impl Channels {
    /// How many arguments behind the name are channels.
    pub const fn at_most(self) -> usize {
        match self {
            Channels::None => 0,
            Channels::First => 1,
            Channels::All | Channels::Patterns => usize::MAX,
        }
    }
}

/// Which databases a command works in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The one that its client has selected if it has keys, or is of the categories `@keyspace`, `@read` or `@write`; none otherwise.
    Data,
    /// Each of them.
    Everywhere,
    /// Those at these arguments, if all are numbers of databases; and the selected one too, or not.
    Named {
        /// The arguments.
        arguments: &'static [usize],
        /// Whether it works in the selected one too.
        selected: bool,
    },
    /// The selected one, and those behind the option DB from this argument on.
    Options {
        /// The first argument that may be an option.
        from: usize,
    },
}
