//! The state that the threads share, and the configuration of the cores.

use crate::address::OwnAddress;
use crate::inbox::Inbox;
use crate::outlet::Outlet;
use crate::reached::Reached;
use config::{Config, Settings};
use engine::stream::Stream;
use engine::{Background, Engine, random_u64};
use event_loop::Relay;
use keyspace::{Rank, RankedGuard, RankedMutex};
use persistence::Persistence;
use replication::primary::{Action, Event};
use replication::{History, Primary, Replica, ReplicationId, primary, replica};
use std::collections::VecDeque;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The tail's buffer is not kept when it has become larger than this.
const KEPT_BUFFER_BYTES: usize = 1 << 20;

/// What the threads of a node share for replication.
pub struct Replicas {
    engine: Arc<Engine>,
    /// What is written to files and read back.
    pub persistence: Arc<Persistence>,
    /// Where the node is reached.
    pub own_address: Arc<OwnAddress>,
    /// Who waits for a position of the stream to be applied.
    pub reached: Reached,
    started: Instant,
    pub(crate) primary: RankedMutex<Fed>,
    /// Who sends the stream.
    pub(crate) sending: Relay,
    link: RankedMutex<Link>,
    /// Grows with every change of the role or of the primary. What the applier has received for an earlier one is
    /// void. It changes in the world only.
    pub generation: AtomicU64,
    /// The database that the primary's stream has selected, as far as it was applied.
    pub stream_db: AtomicU16,
    /// What the feeder is told.
    pub feeder: Inbox<crate::feeder::Message>,
    /// What the applier is told.
    pub applier: Inbox<crate::applier::Message>,
    /// What the full-sync thread is to do.
    pub jobs: Mutex<VecDeque<crate::full_sync::Job>>,
    /// Since when a snapshot for replicas is made, in Unix seconds; 0 while none is.
    pub snapshot_since_s: AtomicU64,
    /// The link is to be dropped: a load that is under way is not worth its end.
    pub draining: AtomicBool,
}

/// The primary's core, where its stream leaves, and the buffer by which the tail comes to it.
pub struct Fed {
    /// The core.
    pub primary: Primary,
    /// One for each replica that gets the stream.
    pub outlets: Vec<Outlet>,
    buffer: Vec<u8>,
}

/// The replica's core, and what it decided that the applier has not carried out yet.
pub struct Link {
    /// The core.
    pub replica: Replica,
    /// What it decided and nobody carried out yet.
    pub actions: Vec<replica::Action>,
    /// The primary's Unix socket, where the link does not go to its address.
    pub socket: Option<PathBuf>,
}

impl Deref for Replicas {
    type Target = Engine;

    #[inline]
    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl std::fmt::Debug for Replicas {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replicas").field("generation", &self.generation).finish_non_exhaustive()
    }
}

fn random_id() -> [u8; 20] {
    let mut bytes = [0; 20];
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(&random_u64().to_le_bytes()[..chunk.len()]);
    }
    bytes
}

impl Replicas {
    /// Of a node that follows nobody and that nobody follows.
    pub fn new(persistence: Arc<Persistence>, engine: Arc<Engine>, own_address: Arc<OwnAddress>) -> Replicas {
        let settings = &*engine.settings();
        let mut random: primary::Random = Box::new(random_id);
        let history = History::new(Primary::random_id(&mut random));
        let primary = Primary::new(primary_settings(settings), history, 0, 0, random);
        Replicas {
            engine,
            persistence,
            own_address,
            reached: Reached::default(),
            started: Instant::now(),
            primary: RankedMutex::new(
                Rank::Primary,
                Fed { primary, outlets: Vec::new(), buffer: Vec::new() },
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

    /// Makes the configuration's settings those of the node.
    pub fn publish_settings(&self, config: &Config) {
        configure(self, config.settings());
        self.engine.publish_settings(config);
    }

    /// The link to a primary.
    pub fn link(&self) -> RankedGuard<'_, Link> {
        self.link.lock()
    }

    /// The primary, with everything that was appended to the stream until now.
    pub fn primary(&self) -> RankedGuard<'_, Fed> {
        let mut fed = self.primary.lock();
        fed.pump(&self.stream);
        fed.note_beyond_backlog(&self.stream);
        fed
    }

    /// Takes an event to the primary and posts what is to be done.
    pub fn step(&self, event: Event<'_>) {
        let mut fed = self.primary();
        let mut actions = Vec::new();
        fed.primary.step(event, now_ms(self), &mut actions);
        self.post(actions);
    }

    /// Posts what the primary decided; the caller holds it.
    pub fn post(&self, mut actions: Vec<Action>) {
        // Before anything else can be appended where that matters: in the world.
        actions.retain(|action| match action {
            Action::ForgetDb => {
                self.stream.forget_db();
                false
            }
            _ => true,
        });
        if !actions.is_empty() {
            self.feeder.post(crate::feeder::Message::Actions(actions));
        }
    }

    /// The data is about to be replaced, in the world: what its history says is true of nothing any more.
    pub fn forget_history(&self) {
        let mut fed = self.primary();
        let (id, offset) = (ReplicationId::from_random(random_id()), fed.primary.offset());
        let mut actions = Vec::new();
        fed.primary.adopt_snapshot(id, offset, now_ms(self), &mut actions);
        self.post(actions);
    }

    /// Gives the full-sync thread something to do.
    pub fn order(&self, job: crate::full_sync::Job) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).push_back(job);
        self.parkers[Background::FullSync as usize].unpark();
    }

    /// Makes the threads look whether the node ends.
    pub fn wake(&self) {
        self.feeder.wake();
        self.applier.wake();
    }
}

impl Fed {
    pub(crate) fn note_beyond_backlog(&self, stream: &Stream) {
        stream.note_beyond_backlog(self.primary.backlog().map_or(0, |backlog| backlog.beyond_limit()));
    }

    pub(crate) fn pump(&mut self, stream: &Stream) {
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
pub fn now_ms(replicas: &Replicas) -> u64 {
    replicas.started.elapsed().as_millis() as u64
}

/// Takes over settings that changed: they hold for whatever comes next.
pub fn configure(replicas: &Replicas, settings: &Settings) {
    replicas.link().replica.configure(replica_settings(replicas, settings));
    let mut fed = replicas.primary();
    fed.primary.configure(primary_settings(settings));
    let good = fed.primary.good_replicas(now_ms(replicas));
    replicas.role.good_replicas.store(good as u32, Ordering::Relaxed);
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
pub(crate) fn replica_settings(replicas: &Replicas, settings: &Settings) -> replica::Settings {
    let announced = settings.replica_announce_port;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    // A link over a Unix socket shows nothing of where the node is reached.
    let node = replicas.own_address.get();
    let ip = match settings.replica_announce_ip.as_slice() {
        b"" => node.map(|address| address.ip().to_string()),
        announced => Some(text(announced)),
    };
    replica::Settings {
        port: if announced == 0 { node.map_or(settings.port, |address| address.port()) } else { announced },
        announce_ip: ip,
        auth_password: settings.masterauth.clone(),
        auth_user: (!settings.masteruser.is_empty()).then(|| settings.masteruser.clone()),
        version: replicas.profile.has("8.0.0").then(|| replicas.profile.version().to_string()),
        timeout_ms: u64::from(settings.repl_timeout_seconds) * 1000,
    }
}
