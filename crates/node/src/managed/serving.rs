//! The private socket's connections: a thread each, for a request may take its time while another connection asks for the
//! status.

use super::Managed;
use super::connections::MAX_CONNECTIONS;
use super::requests::answer;
use config::Loglevel;
use engine::lazyfree::LazyFree;
use engine::panics::abort_after;
use event_loop::{Acceptor, Listener, Peer, Transport};
use server::Server;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use supervision::{Connection, Error, Refusal, Reply, Request, UNSAVED_SINCE};

/// The private socket's, among the listeners of its acceptor.
pub(super) const NUMBER: usize = 0;

/// Serves the private socket from now on.
///
/// # Errors
/// When the system refuses the thread.
pub(crate) fn start(
    server: &Arc<Server>,
    managed: &Arc<Managed>,
    lazyfree: &LazyFree,
    listener: Listener,
) -> io::Result<()> {
    // The acceptor is the managed node's own.
    let weak = (Arc::downgrade(server), Arc::downgrade(managed));
    let lazyfree = lazyfree.clone();
    let accepted = move |transport: Transport, _: Peer| {
        if let (Some(server), Some(managed)) = (weak.0.upgrade(), weak.1.upgrade())
            && let Err(error) = take(&server, &managed, &lazyfree, transport.into())
        {
            server.log(Loglevel::Warning, format_args!("A connection of the private socket failed: {error}"));
        }
    };
    let acceptor = Acceptor::start(Vec::new(), accepted)?;
    let listener = acceptor.add(listener, NUMBER)?;
    managed.private_socket.accepts((acceptor, listener));
    Ok(())
}

/// Takes a connection over, or drops it when there are too many.
fn take(server: &Arc<Server>, managed: &Arc<Managed>, lazyfree: &LazyFree, fd: OwnedFd) -> io::Result<()> {
    let stream = UnixStream::from(fd);
    stream.set_nonblocking(false)?;
    let mut open = managed.connections.open();
    if open.closed || open.streams.len() >= MAX_CONNECTIONS {
        return Ok(());
    }
    open.threads.retain(|thread| !thread.is_finished());
    let number = open.next;
    open.next += 1;
    open.streams.insert(number, stream.try_clone()?);
    let (theirs, node, lazyfree) = (server.clone(), managed.clone(), lazyfree.clone());
    let run = move || {
        let served = std::panic::catch_unwind(AssertUnwindSafe(|| serve(&theirs, &node, &lazyfree, stream)));
        if let Err(panic) = served {
            abort_after(&theirs, "agent", panic.as_ref());
        }
        node.connections.leave(number);
    };
    match std::thread::Builder::new().name("agent".into()).spawn(run) {
        Ok(thread) => open.threads.push(thread),
        Err(error) => {
            open.streams.remove(&number);
            return Err(error);
        }
    }
    Ok(())
}

/// Answers one request after the other, until the agent closes the connection or says what cannot be understood.
fn serve(server: &Server, managed: &Managed, lazyfree: &LazyFree, stream: UnixStream) {
    let mut connection = Connection::new(stream);
    loop {
        let (request, descriptors) = match connection.receive::<Request>() {
            Ok(received) => received,
            Err(Error::Malformed(why)) => {
                let refusal = Reply::Refused(Refusal::Invalid(why));
                // What follows in the connection is not understood either.
                let _ = connection.send(&refusal, &[]);
                return;
            }
            Err(_) => return,
        };
        let mut answer = answer(server, managed, lazyfree, request, descriptors);
        if connection.peer_version() < UNSAVED_SINCE
            && let Reply::Refused(unsaved @ Refusal::Unsaved(_)) = &answer.reply
        {
            answer.reply = Reply::Refused(Refusal::Invalid(unsaved.to_string()));
        }
        let fds: Vec<_> = answer.descriptors.iter().map(AsFd::as_fd).collect();
        if connection.send(&answer.reply, &fds).is_err() {
            return;
        }
    }
}
