//! The state of a command that waits, and how its wait ends.

use command_table::Kept;

/// A command that has begun to wait.
#[derive(Debug)]
pub struct Begun {
    /// The command with its arguments.
    pub request: Kept,
    /// For how long it ran until then.
    pub nanoseconds: u64,
    /// Whether its call is counted when the wait is over.
    pub counts_at_end: bool,
}

/// How a wait ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Somebody ran its command anew, which took this long.
    Served {
        /// Its time.
        nanoseconds: u64,
        /// It answered with an error.
        failed: bool,
    },
    /// Its user may not run it any more. Whoever found out has counted that.
    Denied,
    /// With the reply that says that nothing came of it, or with that of who it waited for.
    Over,
    /// With an error that has nothing to do with the command.
    Refused,
}
