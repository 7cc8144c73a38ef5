//! Connections that wait for other threads, or belong to them.

use crate::feeder::{Adopted, Message};
use crate::replicas::Replicas;
use event_loop::Transport;
use replication::primary::Event;
use session::Client;

/// A client that waited for another thread is gone.
pub fn forget_wait(replicas: &Replicas, client: u64) {
    replicas.feeder.post(Message::ForgetWait(client));
}

/// CLIENT UNBLOCK, or the deadline, of a client that waits for another thread.
pub fn end_wait(replicas: &Replicas, client: u64, error: bool) {
    replicas.feeder.post(Message::EndWait { client, error });
}

/// A client that had introduced itself as a replica is gone before it asked to synchronise.
pub fn forget_replica(replicas: &Replicas, client: u64) {
    replicas.step(Event::Closed { link: client });
}

/// CLIENT KILL of a client that no worker has: a replica, or the connection to the primary.
pub fn kill(replicas: &Replicas, client: u64) {
    replicas.feeder.post(Message::Kill(client));
    replicas.applier.post(crate::applier::Message::Kill(client));
}

/// The connection of a client that asked to synchronise goes to the feeder.
pub fn hand_over(replicas: &Replicas, mut client: Client, transport: Transport, unsent: Vec<u8>) {
    if replicas.settings().repl_disable_tcp_nodelay {
        // Without the change the link works, with more and smaller segments.
        let _ = transport.set_nodelay(false);
    }
    let received = client.inbuf.split_off(client.skip);
    let adopted = Adopted { transport, unsent, received, info: client.shared.clone() };
    replicas.feeder.post(Message::Adopt(Box::new(adopted)));
}
