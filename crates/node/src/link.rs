//! Connections that wait for other threads, or belong to them.

use crate::replication::feeder::{Adopted, Message};
use crate::shared::Shared;
use replication::primary::Event;
use session::Client;
use std::os::fd::OwnedFd;

/// A client that waited for another thread is gone.
pub(crate) fn forget_wait(shared: &Shared, client: u64) {
    shared.replication.feeder.post(Message::ForgetWait(client));
}

/// CLIENT UNBLOCK, or the deadline, of a client that waits for another thread.
pub(crate) fn end_wait(shared: &Shared, client: u64, error: bool) {
    shared.replication.feeder.post(Message::EndWait { client, error });
}

/// A client that had introduced itself as a replica is gone before it asked to synchronise.
pub(crate) fn forget_replica(shared: &Shared, client: u64) {
    shared.replication.step(shared, Event::Closed { link: client });
}

/// CLIENT KILL of a client that no worker has: a replica, or the connection to the primary.
pub(crate) fn kill(shared: &Shared, client: u64) {
    shared.replication.feeder.post(Message::Kill(client));
    shared.replication.applier.post(crate::replication::applier::Message::Kill(client));
}

/// The connection of a client that asked to synchronise goes to the feeder.
pub(crate) fn hand_over(shared: &Shared, mut client: Client, fd: OwnedFd, unsent: Vec<u8>) {
    if shared.settings().repl_disable_tcp_nodelay && !client.shared.is_unix {
        // Without the change the link works, with more and smaller segments.
        let _ = event_loop::set_nodelay(&fd, false);
    }
    let received = client.inbuf.split_off(client.skip);
    let adopted = Adopted { fd, unsent, received, info: client.shared.clone() };
    shared.replication.feeder.post(Message::Adopt(Box::new(adopted)));
}
