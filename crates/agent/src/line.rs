//! A connection for the requests of one step, which another thread may break.
//!
//! A step that waits for a node's answer must stop when the node is killed, and the kernel closes a dying process's sockets late. So
//! other threads know the socket of a waiting step, and shut it down on this side.

use crate::node::Node;
use fleet::step::{Process, StepError};
use std::io;
use std::net::Shutdown;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use supervision::{Connection, Error, Position, Reply, Request, Status};

/// The socket that is in use, and whether there may be another.
#[derive(Debug, Default)]
pub(crate) struct Switch(Mutex<Wires>);

#[derive(Debug, Default)]
struct Wires {
    off: bool,
    used: Option<UnixStream>,
}

impl Switch {
    /// Ends a wait. The step may dial again.
    pub(crate) fn interrupt(&self) {
        if let Some(stream) = self.lock().used.take() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Ends a wait, and lets nobody dial.
    pub(crate) fn turn_off(&self) {
        self.lock().off = true;
        self.interrupt();
    }

    pub(crate) fn turn_on(&self) {
        self.lock().off = false;
    }

    pub(crate) fn is_off(&self) -> bool {
        self.lock().off
    }

    fn lock(&self) -> MutexGuard<'_, Wires> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An open connection to a node.
pub(crate) struct Line<'a> {
    switch: &'a Switch,
    connection: Connection,
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        self.switch.lock().used = None;
    }
}

impl Line<'_> {
    /// To a node whose process is there.
    pub(crate) fn dial(node: &Node) -> Result<Line<'_>, StepError> {
        if matches!(node.seen().process, Process::Absent | Process::Ended) {
            return Err(StepError::NodeGone);
        }
        let stream = node.place.connect().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => StepError::NodeGone,
            _ => StepError::Failed(format!("the private socket: {error}")),
        })?;
        let known = stream.try_clone().map_err(|error| StepError::Failed(error.to_string()))?;
        let mut wires = node.switch.lock();
        if wires.off {
            return Err(StepError::NodeGone);
        }
        wires.used = Some(known);
        Ok(Line { switch: &node.switch, connection: Connection::new(stream) })
    }

    /// One request and its answer.
    pub(crate) fn call(
        &mut self,
        request: &Request,
        descriptors: &[BorrowedFd<'_>],
        limit: Duration,
    ) -> Result<(Reply, Vec<OwnedFd>), StepError> {
        self.connection.set_timeout(Some(limit)).map_err(|error| StepError::Failed(error.to_string()))?;
        self.connection.send(request, descriptors).map_err(failure)?;
        match self.connection.receive().map_err(failure)? {
            (Reply::Refused(refusal), _) => Err(StepError::Refused(refusal)),
            answered => Ok(answered),
        }
    }

    /// A request that is answered by [`Reply::Done`].
    pub(crate) fn order(&mut self, request: &Request, limit: Duration) -> Result<(), StepError> {
        match self.call(request, &[], limit)?.0 {
            Reply::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// A request that is answered by a position.
    pub(crate) fn position(&mut self, request: &Request, limit: Duration) -> Result<Position, StepError> {
        match self.call(request, &[], limit)?.0 {
            Reply::Position(position) => Ok(position),
            other => Err(unexpected(&other)),
        }
    }

    /// What the node speaks, as far as it has said on this line.
    pub(crate) fn peer_version(&self) -> u32 {
        self.connection.peer_version()
    }

    pub(crate) fn status(&mut self, limit: Duration) -> Result<Status, StepError> {
        match self.call(&Request::Status, &[], limit)?.0 {
            Reply::Status(status) => Ok(*status),
            other => Err(unexpected(&other)),
        }
    }
}

pub(crate) fn unexpected(reply: &Reply) -> StepError {
    let what = match reply {
        Reply::Status(_) => "its status",
        Reply::Measured(_) => "what it measures",
        Reply::Done => "that it is done",
        Reply::Position(_) => "a position",
        Reply::Listeners(_) => "its listeners",
        Reply::Refused(_) => "a refusal",
    };
    StepError::Failed(format!("the node answered with {what}, which does not fit the request"))
}

fn failure(error: Error) -> StepError {
    match error {
        Error::Closed => StepError::NodeGone,
        Error::TimedOut => StepError::Failed("the node did not answer in time".into()),
        other => StepError::Failed(other.to_string()),
    }
}
