//! What a command that is about the server may touch.

use crate::server::Server;
use command_table::Command;
use commands::Error;
use engine::cx::Flow;
use engine::exec::Local;
use keyspace::Guard;
use resp::Writer;
use session::{Blocked, Client, TimeoutReply, WaitFor};

/// The handler of a command that is about the server rather than about data.
pub type RunServer = fn(&mut ServerCx<'_, '_>, &[&[u8]]) -> Result<Flow, Error>;

/// A command that is about the server, before it is in the table.
pub type ServerCommand = command_spec::Command<RunServer>;

/// The context of a command that is about the server.
pub struct ServerCx<'c, 'g> {
    /// The server.
    pub server: &'c Server,
    /// The worker's own things: time, settings, effects.
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

impl<'g> ServerCx<'_, 'g> {
    /// The client waits for an answer of another thread: the number of the wait, which the answer names.
    pub fn wait_elsewhere(&mut self) -> u64 {
        let wait = self.local.next_wait;
        self.local.next_wait += 1;
        let (on, timeout) = (WaitFor::Elsewhere, TimeoutReply::Null);
        self.client.blocked = Some(Box::new(Blocked { on, wait, deadline_ms: None, timeout, begun: None }));
        wait
    }

    /// The reply.
    #[inline]
    pub fn out(&mut self) -> Writer<'_> {
        self.client.writer()
    }

    /// The locks of a command whose spec asks for some.
    ///
    /// # Panics
    /// When the spec asks for none.
    #[inline]
    pub fn guard(&mut self) -> &mut Guard<'g> {
        self.guard.as_deref_mut().expect("the command's spec asks for locks")
    }
}
