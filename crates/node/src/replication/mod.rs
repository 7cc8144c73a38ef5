//! Replication in the running node: what connects the pure cores of the `replication` crate with threads and sockets.
//!
//! ```text
//!   workers ─ effects ─▶ Stream (tail) ─ pump ─▶ Primary + Backlog ─▶ feeder thread ─▶ replicas
//!      │                      ▲                       ▲                    ▲
//!      │ PSYNC: detach ───────┼───────────────────────┼────────────────────┘
//!      │                      │ the very same bytes   │ SnapshotStarted, in the world
//!      │                   applier thread          full-sync thread
//!      └─ REPLICAOF ─▶ Replica ─▲ (a primary's socket)
//! ```
//! - [`feeder`] owns the replicas' sockets: it carries out what [`Primary`] decides, answers WAIT, sends what sockets did not take.
//! - [`outlet`] is where the stream leaves: workers send what they wrote themselves.
//! - [`full_sync`] walks the keyspace for replicas.
//! - [`applier`] owns the socket to a primary: it carries out what [`Replica`] decides, loads and applies.
//! - [`role`] changes what the node is, in the world.
//!
//! **The cores are shared, their actions are not.** [`Primary`] and [`Replica`] stand behind a mutex each, so INFO, ROLE, WAIT,
//! REPLCONF and role changes ask and step them on whatever thread they run. What a step decides is posted to the
//! one thread that carries it out, while the core is still locked: actions happen in the order of the steps.
//!
//! **Pumping.** Whoever locks the primary moves the stream's tail into it first. So the offset and the backlog that anybody
//! sees contain all that was appended before, and in the world they are exact: that is how a snapshot gets its
//! position.
//!
//! **When the stream is on.** On a primary, while there is a backlog: from the first full synchronisation until the
//! backlog is given up. It is switched in the world. On a replica it is off, for what clients do there is nobody
//! else's business; the applier appends its primary's bytes as they are, so that sub-replicas get the same history.
//!
//! Lock ranks here: slots and the world, then the link (`Replica`), then the primary, then the stream's tail, then an
//! inbox. Nobody holds the link or the primary while waiting for anything else.

pub(crate) mod applier;
mod apply;
mod connect;
pub(crate) mod feeder;
pub(crate) mod full_sync;
mod inbox;
pub(crate) mod info;
mod load;
pub(crate) mod outlet;
mod replica_connection;
pub(crate) mod role;
mod sink;
mod words;

use crate::shared::Shared;
use config::Settings;
use engine::stream::Stream;
use engine::{Background, random_u64};
use event_loop::Relay;
use inbox::Inbox;
use keyspace::{Rank, RankedGuard, RankedMutex};
use outlet::Outlet;
use replication::primary::{Action, Event};
use replication::{History, Primary, Replica, ReplicationId, primary, replica};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The tail's buffer is not kept when it has become larger than this.
const KEPT_BUFFER_BYTES: usize = 1 << 20;

/// What the threads of a node share for replication.
pub(crate) struct Replication {
    primary: RankedMutex<Fed>,
    /// Who sends the stream.
    sending: Relay,
    link: RankedMutex<Link>,
    /// Grows with every change of the role or of the primary. What the applier has received for an earlier one is
    /// void. It changes in the world only.
    pub(crate) generation: AtomicU64,
    /// The database that the primary's stream has selected, as far as it was applied.
    pub(crate) stream_db: AtomicU16,
    pub(crate) feeder: Inbox<feeder::Message>,
    pub(crate) applier: Inbox<applier::Message>,
    pub(crate) jobs: Mutex<VecDeque<full_sync::Job>>,
    /// Since when a snapshot for replicas is made, in Unix seconds; 0 while none is.
    pub(crate) snapshot_since_s: AtomicU64,
    /// The link is to be dropped: a load that is under way is not worth its end.
    pub(crate) draining: AtomicBool,
}

/// The primary's core, where its stream leaves, and the buffer by which the tail comes to it.
pub(crate) struct Fed {
    pub(crate) primary: Primary,
    pub(crate) outlets: Vec<Outlet>,
    buffer: Vec<u8>,
}

/// The replica's core, and what it decided that the applier has not carried out yet.
pub(crate) struct Link {
    pub(crate) replica: Replica,
    pub(crate) actions: Vec<replica::Action>,
    /// The primary's Unix socket, where the link does not go to its address.
    pub(crate) socket: Option<PathBuf>,
}

impl std::fmt::Debug for Replication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replication").field("generation", &self.generation).finish_non_exhaustive()
    }
}

fn random_id() -> [u8; 20] {
    let mut bytes = [0; 20];
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&random_u64().to_le_bytes()[..chunk.len()]);
    }
    bytes
}

impl Replication {
    pub(crate) fn new(settings: &Settings) -> Replication {
        let mut random: primary::Random = Box::new(random_id);
        let history = History::new(Primary::random_id(&mut random));
        Replication {
            primary: RankedMutex::new(
                Rank::Primary,
                Fed {
                    primary: Primary::new(primary_settings(settings), history, 0, 0, random),
                    outlets: Vec::new(),
                    buffer: Vec::new(),
                },
            ),
            sending: Relay::default(),
            link: RankedMutex::new(
                Rank::Link,
                Link {
                    replica: Replica::new(replica::Settings::default()),
                    actions: Vec::new(),
                    socket: None,
                },
            ),
            generation: AtomicU64::new(0),
            stream_db: AtomicU16::new(0),
            feeder: Inbox::default(),
            applier: Inbox::default(),
            jobs: Mutex::default(),
            snapshot_since_s: AtomicU64::new(0),
            draining: AtomicBool::new(false),
        }
    }

    /// The link to a primary.
    pub(crate) fn link(&self) -> RankedGuard<'_, Link> {
        self.link.lock()
    }

    /// The primary, with everything that was appended to the stream until now.
    pub(crate) fn primary(&self, stream: &Stream) -> RankedGuard<'_, Fed> {
        let mut fed = self.primary.lock();
        fed.pump(stream);
        fed.note_beyond_backlog(stream);
        fed
    }

    /// Takes an event to the primary and posts what is to be done.
    pub(crate) fn step(&self, shared: &Shared, event: Event<'_>) {
        let mut fed = self.primary(&shared.stream);
        let mut actions = Vec::new();
        fed.primary.step(event, now_ms(shared), &mut actions);
        self.post(shared, actions);
    }

    /// Posts what the primary decided; the caller holds it.
    pub(crate) fn post(&self, shared: &Shared, mut actions: Vec<Action>) {
        // Before anything else can be appended where that matters: in the world.
        actions.retain(|action| match action {
            Action::ForgetDb => {
                shared.stream.forget_db();
                false
            }
            _ => true,
        });
        if !actions.is_empty() {
            self.feeder.post(feeder::Message::Actions(actions));
        }
    }

    /// The data is about to be replaced, in the world: what its history says is true of nothing any more.
    pub(crate) fn forget_history(&self, shared: &Shared) {
        let mut fed = self.primary(&shared.stream);
        let (id, offset) = (ReplicationId::from_random(random_id()), fed.primary.offset());
        let mut actions = Vec::new();
        fed.primary.adopt_snapshot(id, offset, now_ms(shared), &mut actions);
        self.post(shared, actions);
    }

    /// Gives the full-sync thread something to do.
    pub(crate) fn order(&self, shared: &Shared, job: full_sync::Job) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).push_back(job);
        shared.parkers[Background::FullSync as usize].unpark();
    }

    /// Makes the threads look whether the node ends.
    pub(crate) fn wake(&self) {
        self.feeder.wake();
        self.applier.wake();
    }
}

impl Fed {
    fn note_beyond_backlog(&self, stream: &Stream) {
        stream.note_beyond_backlog(self.primary.backlog().map_or(0, |backlog| backlog.beyond_limit()));
    }

    fn pump(&mut self, stream: &Stream) {
        stream.take(&mut self.buffer);
        if !self.buffer.is_empty() {
            self.primary.feed_buffer(&mut self.buffer);
            if self.buffer.capacity() > KEPT_BUFFER_BYTES {
                self.buffer = Vec::new();
            }
        }
    }
}

/// The cores' clock: milliseconds since the node started.
pub(crate) fn now_ms(shared: &Shared) -> u64 {
    shared.start.instant.elapsed().as_millis() as u64
}

/// Takes over settings that changed: they hold for whatever comes next.
pub(crate) fn configure(shared: &Shared, settings: &Settings) {
    let replication = &shared.replication;
    replication.link().replica.configure(replica_settings(shared, settings));
    let mut fed = replication.primary(&shared.stream);
    fed.primary.configure(primary_settings(settings));
    let good = fed.primary.good_replicas(now_ms(shared));
    shared.role.good_replicas.store(good as u32, Ordering::Relaxed);
}

/// What is configured for the primary's side.
pub(crate) fn primary_settings(settings: &Settings) -> primary::Settings {
    let output = settings.client_output_buffer_limits[config::ClientClass::Replica as usize];
    primary::Settings {
        backlog_bytes: settings.repl_backlog_size_bytes,
        backlog_ttl_ms: settings.repl_backlog_ttl_seconds * 1000,
        timeout_ms: u64::from(settings.repl_timeout_seconds) * 1000,
        ping_period_ms: u64::from(settings.repl_ping_replica_period_seconds) * 1000,
        diskless: settings.repl_diskless_sync,
        diskless_delay_ms: u64::from(settings.repl_diskless_sync_delay_seconds) * 1000,
        diskless_max_replicas: settings.repl_diskless_sync_max_replicas as usize,
        good_lag_ms: u64::from(settings.min_replicas_max_lag_seconds) * 1000,
        output_hard_bytes: output.hard_bytes,
        output_soft_bytes: output.soft_bytes,
        output_soft_ms: output.soft_seconds * 1000,
    }
}

/// What is configured for the replica's side.
pub(crate) fn replica_settings(shared: &Shared, settings: &Settings) -> replica::Settings {
    let announced = settings.replica_announce_port;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    // A link over a Unix socket shows nothing of where the node is reached.
    let node = shared.listening.node_address();
    let ip = match settings.replica_announce_ip.as_slice() {
        b"" => node.map(|address| address.ip().to_string()),
        announced => Some(text(announced)),
    };
    replica::Settings {
        port: if announced == 0 { shared.listening.port(settings) } else { announced },
        announce_ip: ip,
        auth_password: settings.masterauth.clone(),
        auth_user: (!settings.masteruser.is_empty()).then(|| settings.masteruser.clone()),
        version: shared.profile.is_valkey().then(|| shared.profile.version().to_string()),
        timeout_ms: u64::from(settings.repl_timeout_seconds) * 1000,
    }
}
