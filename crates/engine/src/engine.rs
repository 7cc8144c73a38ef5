//! What all threads that run commands share, each part behind its own lock or made of atomics.

use crate::access::Access;
use crate::defrag::Defrag;
use crate::log::{Log, Speaker};
use crate::own_volatile::OwnVolatiles;
use crate::pause::Pauses;
use crate::peers::Connections;
use crate::slowlog::SlowLog;
use crate::stats::Stats;
use crate::stream::Stream;
use command_table::CommandTable;
use config::{Config, Loglevel, Settings};
use hashing::Hasher;
use keyspace::Keyspace;
use profile::Profile;
use session::outbox::{ALL_COMMITTED, ClientMemory};
use session::pubsub::PubSub;
use session::tracking::Tracking;
use session::{Clients, Mailbox, Message};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Threads of a node besides its workers that use the keyspace, numbered behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    /// Removes keys whose time has come.
    Expiry,
    /// Walks the keyspace for snapshots.
    Snapshot,
    /// Applies the stream of a primary, and loads.
    Applier,
    /// Walks the keyspace for replicas.
    FullSync,
    /// Moves entries out of sparse pages of memory.
    Defrag,
    /// Does what the agent of a managed node asks for.
    Agent,
    /// The owner of the node, which waits for its end and writes the last file.
    Owner,
}

/// How many [`Background`] threads there are, before the helpers.
const BACKGROUND: usize = 7;
/// Threads at most that run commands which take long.
pub const HELPERS: usize = 4;
/// Threads besides the workers.
pub const BACKGROUND_THREADS: usize = BACKGROUND + HELPERS;

/// See the module's essay.
pub struct Engine {
    /// The version that the node speaks as.
    pub profile: Profile,
    /// The data.
    pub keyspace: Arc<Keyspace>,
    /// All commands.
    pub commands: CommandTable,
    /// Who may run them.
    pub access: Access,
    config: Mutex<Config>,
    settings: RwLock<Arc<Settings>>,
    /// Grows with every change of the settings: what a worker compares with at every turn.
    pub settings_version: AtomicU64,
    /// How workers are told something, by their numbers.
    pub mailboxes: Arc<[Mailbox]>,
    /// How background threads are woken, by [`Background`].
    pub parkers: Box<[Parker]>,
    /// All clients.
    pub clients: Clients,
    /// What clients may hold.
    pub client_memory: Arc<ClientMemory>,
    /// The version is 7.2 or later: messages that a client's own command causes come behind its reply, and what MULTI has queued
    /// counts as sent; a call that waits is counted when its wait ends.
    pub since_7_2: bool,
    /// The position of the stream up to which replies may tell of writes.
    pub committed: AtomicU64,
    /// Who listens to what.
    pub pubsub: PubSub,
    /// Who keeps copies of what.
    pub tracking: Tracking,
    /// Held while the keyspace is told whether anybody does.
    pub(crate) tracking_switch: Mutex<()>,
    /// Counters and histograms.
    pub stats: Stats,
    /// Where lines go: [`Engine::log`] writes them.
    pub log: Log,
    /// Commands that took long.
    pub slowlog: Mutex<SlowLog>,
    /// Connections to other servers that are kept.
    pub connections: Connections,
    /// CLIENT PAUSE and handovers.
    pub pauses: Pauses,
    /// The order of all writes.
    pub stream: Stream,
    /// What the node is to others.
    pub role: Role,
    /// Grows in the world with every change of the role and every handover: a command that was admitted before one and
    /// enters the gate behind it is admitted anew.
    pub decisions: AtomicU64,
    /// Data is being loaded: most commands are refused.
    pub loading: AtomicBool,
    /// The last snapshot failed and `stop-writes-on-bgsave-error` is on.
    pub save_failed: AtomicBool,
    /// Keys that expire on a writable replica.
    pub own_volatile: OwnVolatiles,
    /// What active defragmentation does.
    pub defrag: Defrag,
    /// DEBUG SET-ACTIVE-EXPIRE.
    pub active_expire: AtomicBool,
    /// There were no keys that expire when the expiry thread looked last: it sleeps for long.
    pub expiry_idle: AtomicBool,
    /// DEBUG PAUSE-CRON: what is done from time to time is not.
    pub cron_paused: AtomicBool,
    /// The node is ending: threads stop.
    pub ending: AtomicBool,
}

/// What the node is to others.
#[derive(Debug, Default)]
pub struct Role {
    /// It follows a primary.
    pub is_replica: AtomicBool,
    /// The link to the primary is up and the data is complete.
    pub link_up: AtomicBool,
    /// Replicas that acknowledge in time: `min-replicas-to-write`.
    pub good_replicas: AtomicU32,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// Lets a background thread sleep until somebody wakes it by its keyspace thread number.
#[derive(Debug, Default)]
pub struct Parker {
    thread: Mutex<Option<std::thread::Thread>>,
}

impl Parker {
    /// Says which thread it is; by the thread itself.
    pub fn attach(&self) {
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(std::thread::current());
    }

    /// Wakes it.
    pub fn unpark(&self) {
        if let Some(thread) = &*self.thread.lock().unwrap_or_else(PoisonError::into_inner) {
            thread.unpark();
        }
    }
}

/// Unix time in ms.
#[inline]
pub fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Random bits from the system, for seeds and ids.
pub fn random_u64() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(Instant::now().elapsed().as_nanos())
}

impl Engine {
    /// An engine without data, with a server's commands, for so many workers.
    pub fn new(config: Config, commands: CommandTable, workers: usize, log: Log) -> Engine {
        let profile = config.profile();
        let settings = config.settings().clone();
        let threads = workers + BACKGROUND_THREADS;
        let stats = Stats::new(threads, commands.by_id().len());
        stats.track_latency(settings.latency_tracking);
        Engine {
            profile,
            keyspace: Arc::new(Keyspace::new(settings.databases as usize, threads)),
            access: Access::new(profile, &commands, &settings),
            commands,
            slowlog: Mutex::new(SlowLog::new(profile)),
            stats,
            log,
            mailboxes: (0..workers).map(|_| Mailbox::default()).collect(),
            parkers: (0..BACKGROUND_THREADS).map(|_| Parker::default()).collect(),
            clients: Clients::default(),
            client_memory: Arc::new(ClientMemory::new(&settings)),
            since_7_2: profile.has("7.2.0"),
            committed: AtomicU64::new(ALL_COMMITTED),
            pubsub: PubSub::new(Hasher::of_process()),
            tracking: Tracking::new(Hasher::of_process()),
            tracking_switch: Mutex::new(()),
            connections: Connections::default(),
            pauses: Pauses::default(),
            stream: Stream::new(profile),
            role: Role::default(),
            decisions: AtomicU64::new(0),
            loading: AtomicBool::new(false),
            save_failed: AtomicBool::new(false),
            own_volatile: OwnVolatiles::default(),
            defrag: Defrag::default(),
            active_expire: AtomicBool::new(true),
            expiry_idle: AtomicBool::new(false),
            cron_paused: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            settings: RwLock::new(settings),
            settings_version: AtomicU64::new(1),
            config: Mutex::new(config),
        }
    }

    /// Whether any key expires, or any field of a hash.
    pub fn has_volatile_keys(&self) -> bool {
        (0..self.keyspace.databases() as u16).any(|db| self.is_volatile(db))
    }

    /// Whether a key of the database expires, or a field of a hash.
    pub(crate) fn is_volatile(&self, db: u16) -> bool {
        self.keyspace.volatile_len(db) > 0 || self.keyspace.volatile_hashes(db) > 0
    }

    /// Number of workers.
    pub fn workers(&self) -> usize {
        self.mailboxes.len()
    }

    /// The keyspace's number of a background thread.
    pub fn thread_of(&self, background: Background) -> usize {
        self.workers() + background as usize
    }

    /// The keyspace's number of a helper.
    pub fn thread_of_helper(&self, helper: usize) -> usize {
        assert!(helper < HELPERS, "there are {HELPERS} helpers");
        self.workers() + BACKGROUND + helper
    }

    /// The settings now.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The configuration, for CONFIG.
    pub fn config(&self) -> MutexGuard<'_, Config> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the configuration's settings those of the node; every worker looks at them at its next turn.
    pub fn publish_settings(&self, config: &Config) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = config.settings().clone();
        self.log.set_level(config.settings().loglevel);
        self.client_memory.configure(config.settings());
        self.stats.track_latency(config.settings().latency_tracking);
        if config.settings().maxmemory_bytes == 0 {
            // No admission looks any more.
            self.stats.exceeded.end(unix_ms());
        }
        self.settings_version.fetch_add(1, Ordering::Release);
        self.look();
        // While it is off its thread sleeps for long.
        self.parkers[Background::Defrag as usize].unpark();
    }

    /// Writes a line of the log.
    pub fn log(&self, level: Loglevel, message: impl std::fmt::Display) {
        let is_replica = self.role.is_replica.load(Ordering::Relaxed);
        self.log.write(if is_replica { Speaker::Replica } else { Speaker::Primary }, level, message);
    }

    /// Makes every worker look again.
    pub fn look(&self) {
        self.mailboxes.iter().for_each(|mailbox| mailbox.post(Message::Look));
    }

    /// Whether a worker other than this thread has so many messages to hand out that no more are to be caused.
    #[inline]
    pub fn is_mail_full(&self, thread: usize) -> bool {
        self.mailboxes.iter().enumerate().any(|(worker, mailbox)| worker != thread && mailbox.is_full())
    }

    /// Wakes a thread by its keyspace number: what the keyspace calls.
    pub fn wake(&self, thread: usize) {
        match self.mailboxes.get(thread) {
            Some(mailbox) => mailbox.post(Message::Look),
            None => self.parkers[thread - self.workers()].unpark(),
        }
    }
}
