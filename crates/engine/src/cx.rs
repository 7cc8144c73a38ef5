//! What a command's end asks of its worker, and the [`Host`] that runs the node's own commands.

use crate::engine::Engine;
use crate::exec::Local;
use command_table::{Command, OwnRun};
use commands::Error;
use keyspace::{Guard, SlotBusy};
use session::Client;
use std::ops::Deref;

/// Who has the engine: it runs the commands that are about the node rather than about data.
pub trait Host: Deref<Target = Engine> {
    /// Runs one of its own commands.
    fn run_own(&self, run: OwnRun, cx: OwnCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error>;

    /// Where a client of a replica that follows redirections is sent with its command.
    fn elsewhere(&self, client: &Client, command: &'static Command, is_write: bool) -> Option<Error>;
}

/// The context of a command of the node itself.
pub struct OwnCx<'c, 'g> {
    /// The thread's own things: time, settings, effects.
    pub local: &'c mut Local,
    /// Who asks.
    pub client: &'c mut Client,
    /// What is executed.
    pub command: &'static Command,
    /// The locks that its spec asked for; more than those inside EXEC.
    pub guard: Option<&'c mut Guard<'g>>,
    /// Whether it runs inside EXEC, where nothing may wait.
    pub in_exec: bool,
}

/// Why a command cannot run now. It has done nothing yet, and runs again from the start later; only a walk keeps its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspend {
    /// The gate is closed, or must be closed first.
    Gate,
    /// A slot is busy.
    Slot(SlotBusy),
    /// Clients are paused.
    Paused,
    /// The replication stream's buffer is full.
    StreamFull,
    /// Too many messages wait for a busy worker to hand them out.
    MailFull,
    /// A snapshot is capturing a large value that it would change.
    Capture,
    /// It goes through the keyspace in pieces, and others have their turn now. What it has done so far stands in the client.
    Walk,
}

/// What became of a command.
#[derive(Debug)]
pub enum Flow {
    /// It has answered, or has nothing to say.
    Done,
    /// It has done nothing and is to be run again later.
    Suspend(Suspend),
    /// It waits, as the client's `blocked` says.
    Blocked,
    /// The connection ends once its replies are sent.
    Close,
    /// The connection leaves for the feeder: it is a replica's.
    Detach,
}
