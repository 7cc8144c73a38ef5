//! The replication section of INFO.

use crate::replicas::Replicas;
use crate::replicas::now_ms;
use engine::unix_ms;
use replication::primary::{InfoHistory, InfoReplica, SyncCounters};
use replication::replica::{InfoLink, State};
use std::sync::atomic::Ordering;

/// Replication at a moment.
#[derive(Debug)]
pub struct ReplicationInfo {
    /// The node follows a primary.
    pub is_replica: bool,
    /// The link to it, as far as there is one.
    pub link: Option<InfoLink>,
    /// Replicas, in whatever state behind the handshake.
    pub connected: usize,
    /// Replicas that acknowledge in time.
    pub good: usize,
    /// One by one.
    pub replicas: Vec<InfoReplica>,
    /// The stream and its backlog.
    pub history: InfoHistory,
    /// Synchronisations so far.
    pub syncs: SyncCounters,
    /// Memory of the backlog up to its size, in bytes.
    pub backlog_bytes: u64,
    /// Memory of what replicas have yet to be sent, in bytes: their buffers are the backlog's blocks, and what these take
    /// beyond its size is theirs.
    pub buffer_bytes: u64,
}

impl ReplicationInfo {
    /// Replication now.
    pub fn now(replicas: &Replicas) -> ReplicationInfo {
        let now_ms = now_ms(replicas);
        let is_replica = replicas.role.is_replica.load(Ordering::Acquire);
        let link = is_replica.then(|| {
            let link = replicas.link();
            link.replica.info(shown_state(replicas, &link), now_ms)
        });
        let fed = replicas.primary();
        let backlog = fed.primary.backlog();
        let held = backlog.map_or(0, |backlog| backlog.memory() as u64);
        let beyond = backlog.map_or(0, |backlog| backlog.beyond_limit());
        ReplicationInfo {
            is_replica,
            link: link.flatten(),
            connected: fed.primary.connected_replicas(),
            good: fed.primary.good_replicas(now_ms),
            replicas: fed.primary.info_replicas(now_ms),
            history: fed.primary.info_history(),
            syncs: fed.primary.counters(),
            backlog_bytes: held.saturating_sub(beyond),
            buffer_bytes: replicas.stream.unsent_bytes(),
        }
    }
}

/// The state of the link to the primary that is told to others: it is up when clients are served its data.
pub fn shown_state(replicas: &Replicas, link: &crate::replicas::Link) -> State {
    link.replica.shown_state(replicas.role.link_up.load(Ordering::Acquire))
}

/// For how many seconds a snapshot for replicas has been made; `None` while none is.
pub fn snapshot_seconds(replicas: &Replicas) -> Option<u64> {
    let since_s = replicas.snapshot_since_s.load(Ordering::Relaxed);
    (since_s > 0).then(|| (unix_ms() / 1000).saturating_sub(since_s))
}
