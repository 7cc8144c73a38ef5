//! Other servers, as a command sees them. MIGRATE alone does: every other data command stays inside the node.
//!
//! Who has connections to give implements [`Peers`]; here nobody knows what they are made of.

use std::fmt::Debug;
use std::time::Duration;

/// Why nothing more goes to a server, or comes from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// It was silent for too long.
    TimedOut,
    /// The connection has ended, or was refused.
    Closed,
    /// The server's name has no address.
    Nowhere,
}

/// Gives connections to other servers.
pub trait Peers: Debug {
    /// A connection to a server: one that is kept from before, or a new one. Nothing on it waits longer than `timeout`.
    ///
    /// # Errors
    /// Nobody accepts a connection there, or not in time.
    fn connect<'p>(&'p self, host: &[u8], port: &[u8], timeout: Duration)
    -> Result<Box<dyn Peer + 'p>, Lost>;
}

/// A connection to another server. It is closed when it is dropped.
pub trait Peer {
    /// The database that was selected on it.
    fn db(&self) -> Option<i64>;

    /// Sends bytes, all of them.
    ///
    /// # Errors
    /// The server does not take them.
    fn send(&mut self, bytes: &[u8]) -> Result<(), Lost>;

    /// Receives a line, without its end.
    ///
    /// # Errors
    /// None comes.
    fn line(&mut self) -> Result<Vec<u8>, Lost>;

    /// Keeps the connection for the next command that needs it, with the database that is selected on it now, if that is known.
    fn keep(self: Box<Self>, db: Option<i64>);
}
