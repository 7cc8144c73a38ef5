//! What a command of the node itself may touch, and what may become of a command.

use crate::exec::Local;
use crate::shared::Shared;
use command_table::Command;
use commands::Error;
use keyspace::{Guard, SlotBusy};
use resp::Writer;
use session::{Blocked, Client, TimeoutReply, WaitFor};

/// The handler of a command that is about the node rather than about data.
pub(crate) type RunNode = fn(&mut NodeCx<'_, '_>, &[&[u8]]) -> Result<Flow, Error>;

/// A command of the node itself, before it is in the table.
pub(crate) type NodeCommand = command_spec::Command<RunNode>;

/// The context of a command of the node.
pub(crate) struct NodeCx<'c, 'g> {
    /// The node.
    pub(crate) shared: &'c Shared,
    /// The worker's own things: time, settings, effects.
    pub(crate) local: &'c mut Local,
    /// Who asks.
    pub(crate) client: &'c mut Client,
    /// What is executed.
    pub(crate) command: &'static Command,
    /// The locks that its spec asked for; more than those inside EXEC.
    pub(crate) guard: Option<&'c mut Guard<'g>>,
    /// Whether it runs inside EXEC, where nothing may wait.
    pub(crate) in_exec: bool,
}

impl<'g> NodeCx<'_, 'g> {
    /// The client waits for an answer of another thread: the number of the wait, which the answer names.
    pub(crate) fn wait_elsewhere(&mut self) -> u64 {
        let wait = self.local.next_wait;
        self.local.next_wait += 1;
        let (on, timeout) = (WaitFor::Elsewhere, TimeoutReply::Null);
        self.client.blocked = Some(Box::new(Blocked { on, wait, deadline_ms: None, timeout, begun: None }));
        wait
    }

    /// The reply.
    #[inline]
    pub(crate) fn out(&mut self) -> Writer<'_> {
        self.client.writer()
    }

    /// The locks of a command whose spec asks for some.
    ///
    /// # Panics
    /// When the spec asks for none.
    pub(crate) fn guard(&mut self) -> &mut Guard<'g> {
        self.guard.as_deref_mut().expect("the command's spec asks for locks")
    }
}

/// Why a command cannot run now. It has done nothing yet, and runs again from the start later; only a walk keeps its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suspend {
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
pub(crate) enum Flow {
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
