//! How the node is. Nothing here waits for a command, a slot or the world: counters are atomics, and the locks taken are
//! those that nobody holds while waiting for anything.

use super::Managed;
use engine::unix_ms;
use replica_threads::info::shown_state;
use replication::replica::State;
use server::Server;
use std::sync::atomic::Ordering;
use supervision::{Link, Position, Status, WorkerProgress};

/// A turn of a worker is to take a millisecond: one that takes this long is in one command, or in far too many.
const LONG_TURN_MS: u64 = 100;

/// How the node is now.
pub(super) fn status(server: &Server, managed: &Managed) -> Status {
    let decided = managed.decided().clone();
    let now_ms = unix_ms();
    let link = match shown_state(&server.replicas, &server.replicas.link()) {
        State::Connected => Link::Up,
        State::Transfer | State::Loading => Link::Syncing,
        State::None | State::Connect | State::Connecting | State::Handshake => Link::Down,
    };
    let (position, connected_replicas) = {
        let fed = server.replicas.primary();
        (position_of(&fed.primary), fed.primary.acks(0).applied.len() as u64)
    };
    let databases = 0..server.keyspace.databases() as u16;
    Status {
        node: managed.node.clone(),
        pid: std::process::id(),
        epoch: decided.epoch,
        role: decided.role,
        link,
        holds_data: server.persistence.holds_data(),
        loading: server.loading.load(Ordering::Acquire) || !managed.is_loaded.load(Ordering::Acquire),
        position,
        listening: server.listening.passed(),
        writes_paused: server.pauses.hands_over(),
        workers: (0..server.workers()).map(|worker| progress(server, worker, now_ms)).collect(),
        used_memory_bytes: memory::used_bytes(),
        maxmemory_bytes: server.settings().maxmemory_bytes,
        keys: databases.map(|db| server.keyspace.len(db)).sum(),
        // Links of replication are connections too, but nobody's who would notice.
        clients: (server.clients.count() as u64)
            .saturating_sub(connected_replicas)
            .saturating_sub(u64::from(link != Link::Down)),
        endpoint_clients: server::endpoint_clients(&server.clients),
        connected_replicas,
        revision: managed.decided().revision,
    }
}

/// How far the data is.
pub(super) fn position(server: &Server) -> Position {
    position_of(&server.replicas.primary().primary)
}

fn position_of(primary: &replication::Primary) -> Position {
    Position { history: primary.history().id().as_str().to_owned(), offset: primary.offset() }
}

fn progress(server: &Server, worker: usize, now_ms: u64) -> WorkerProgress {
    let (progress, running) = server.stats.progress(worker, now_ms.saturating_sub(LONG_TURN_MS));
    let name = |id: usize| server.commands.by_id().get(id).map(|command| command.run.full_name.to_owned());
    WorkerProgress { progress, running: running.and_then(name) }
}
