//! What a command of the node itself may touch.

use crate::shared::Shared;
use command_table::Command;
use commands::Error;
use engine::cx::Flow;
use engine::exec::Local;
use keyspace::Guard;
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
