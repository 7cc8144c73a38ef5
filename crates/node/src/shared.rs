//! What all threads of a node share, each part behind its own lock or made of atomics.

use crate::cron::Gauges;
use crate::cx::RunNode;
use crate::ending::Ending;
use crate::listening::Listening;
use crate::log::{Log, Speaker};
use crate::managed::Managed;
use crate::own_volatile::OwnVolatiles;
use crate::pause::Pauses;
use crate::persistence::Persistence;
use crate::replication::Replication;
use crate::slowlog::SlowLog;
use crate::stats::Stats;
use crate::stream::Stream;
use command_table::CommandTable;
use commands::Options;
use config::{Config, Loglevel, MaxmemoryPolicy, Settings};
use hashing::Hasher;
use keyspace::Keyspace;
use profile::Profile;
use session::Clients;
use session::outbox::{ALL_COMMITTED, ClientMemory};
use session::pubsub::PubSub;
use session::{Mailbox, Message};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Threads of a node besides its workers that use the keyspace, numbered behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Background {
    /// Removes keys whose time has come.
    Expiry,
    /// Walks the keyspace for snapshots.
    Snapshot,
    /// Applies the stream of a primary, and loads.
    Applier,
    /// Walks the keyspace for replicas.
    FullSync,
    /// Does what the agent of a managed node asks for.
    Agent,
    /// The owner of the node, which waits for its end and writes the last file.
    Owner,
}

/// How many [`Background`] threads there are.
pub(crate) const BACKGROUND_THREADS: usize = 6;

/// The node.
pub(crate) struct Shared {
    pub(crate) profile: Profile,
    pub(crate) keyspace: Arc<Keyspace>,
    pub(crate) commands: CommandTable,
    /// What runs the node's own commands, by [`command_table::OwnRun`].
    pub(crate) own_runs: Vec<RunNode>,
    pub(crate) config: Mutex<Config>,
    settings: RwLock<Arc<Settings>>,
    /// Grows with every change of the settings: what a worker compares with at every turn.
    pub(crate) settings_version: AtomicU64,
    pub(crate) mailboxes: Arc<[Mailbox]>,
    pub(crate) parkers: Box<[Parker]>,
    pub(crate) clients: Clients,
    pub(crate) client_memory: Arc<ClientMemory>,
    /// Messages that a client's own command causes come behind its reply: since 7.2.
    pub(crate) messages_follow_replies: bool,
    /// The position of the stream up to which replies may tell of writes.
    pub(crate) committed: AtomicU64,
    pub(crate) pubsub: PubSub,
    pub(crate) stats: Stats,
    pub(crate) gauges: Gauges,
    pub(crate) log: Log,
    pub(crate) listening: Listening,
    pub(crate) slowlog: Mutex<SlowLog>,
    pub(crate) pauses: Pauses,
    pub(crate) stream: Stream,
    pub(crate) persistence: Persistence,
    pub(crate) role: Role,
    /// Grows in the world with every change of the role and every handover: a command that was admitted before one and
    /// enters the gate behind it is admitted anew.
    pub(crate) decisions: AtomicU64,
    /// What a managed node has beyond others.
    pub(crate) managed: Option<Managed>,
    pub(crate) replication: Replication,
    pub(crate) start: Start,
    /// Data is being loaded: most commands are refused.
    pub(crate) loading: AtomicBool,
    /// The last snapshot failed and `stop-writes-on-bgsave-error` is on.
    pub(crate) save_failed: AtomicBool,
    /// Keys that expire on a writable replica.
    pub(crate) own_volatile: OwnVolatiles,
    /// DEBUG SET-ACTIVE-EXPIRE.
    pub(crate) active_expire: AtomicBool,
    /// There were no keys that expire when the expiry thread looked last: it sleeps for long.
    pub(crate) expiry_idle: AtomicBool,
    /// DEBUG PAUSE-CRON: what is done from time to time is not.
    pub(crate) cron_paused: AtomicBool,
    /// Somebody's wish that the node ends.
    pub(crate) end: Ending,
    /// The node is ending: threads stop.
    pub(crate) ending: AtomicBool,
}

/// Facts of the start.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) instant: Instant,
    /// Memory in use before any data, in bytes.
    pub(crate) used_bytes: u64,
    /// 40 hexadecimal digits, new at every start.
    pub(crate) run_id: String,
    pub(crate) executable: PathBuf,
    pub(crate) config_file: Option<PathBuf>,
    /// `io_uring`, `epoll` or `poll`.
    pub(crate) backend: std::sync::OnceLock<&'static str>,
}

/// What the node is to others.
#[derive(Debug, Default)]
pub(crate) struct Role {
    /// It follows a primary.
    pub(crate) is_replica: AtomicBool,
    /// The link to the primary is up and the data is complete.
    pub(crate) link_up: AtomicBool,
    /// Replicas that acknowledge in time: `min-replicas-to-write`.
    pub(crate) good_replicas: AtomicU32,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// Lets a background thread sleep until somebody wakes it by its keyspace thread number.
#[derive(Debug, Default)]
pub(crate) struct Parker {
    thread: Mutex<Option<std::thread::Thread>>,
}

impl Parker {
    /// Says which thread it is; by the thread itself.
    pub(crate) fn attach(&self) {
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(std::thread::current());
    }

    pub(crate) fn unpark(&self) {
        if let Some(thread) = &*self.thread.lock().unwrap_or_else(PoisonError::into_inner) {
            thread.unpark();
        }
    }
}

/// Unix time in ms.
#[inline]
pub(crate) fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Random bits from the system, for seeds and ids.
pub(crate) fn random_u64() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(Instant::now().elapsed().as_nanos())
}

/// What is needed to make a [`Shared`].
pub(crate) struct Ingredients {
    pub(crate) config: Config,
    pub(crate) workers: usize,
    pub(crate) log: Log,
    pub(crate) executable: PathBuf,
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) managed: Option<Managed>,
}

impl Shared {
    pub(crate) fn new(ingredients: Ingredients) -> Shared {
        let Ingredients { config, workers, log, executable, config_file, managed } = ingredients;
        let profile = config.profile();
        let settings = config.settings().clone();
        let threads = workers + BACKGROUND_THREADS;
        let (commands, own_runs) = CommandTable::new(profile, crate::commands::all());
        let stats = Stats::new(threads, commands.by_id().len());
        stats.track_latency(settings.latency_tracking);
        let run_id = (0..5).map(|_| format!("{:016x}", random_u64())).collect::<String>()[..40].to_owned();
        Shared {
            profile,
            keyspace: Arc::new(Keyspace::new(settings.databases as usize, threads)),
            commands,
            own_runs,
            slowlog: Mutex::new(SlowLog::default()),
            stats,
            gauges: Gauges::default(),
            log,
            listening: Listening::default(),
            mailboxes: (0..workers).map(|_| Mailbox::default()).collect(),
            parkers: (0..BACKGROUND_THREADS).map(|_| Parker::default()).collect(),
            clients: Clients::default(),
            client_memory: Arc::new(ClientMemory::new(&settings)),
            messages_follow_replies: profile.has("7.2.0"),
            committed: AtomicU64::new(ALL_COMMITTED),
            pubsub: PubSub::new(Hasher::of_process()),
            pauses: Pauses::default(),
            stream: Stream::new(profile),
            persistence: Persistence::new(),
            role: Role::default(),
            decisions: AtomicU64::new(0),
            managed,
            replication: Replication::new(&settings),
            start: Start {
                instant: Instant::now(),
                used_bytes: memory::used_bytes(),
                run_id,
                executable,
                config_file,
                backend: std::sync::OnceLock::new(),
            },
            loading: AtomicBool::new(false),
            save_failed: AtomicBool::new(false),
            own_volatile: OwnVolatiles::default(),
            active_expire: AtomicBool::new(true),
            expiry_idle: AtomicBool::new(false),
            cron_paused: AtomicBool::new(false),
            end: Ending::default(),
            ending: AtomicBool::new(false),
            settings: RwLock::new(settings),
            settings_version: AtomicU64::new(1),
            config: Mutex::new(config),
        }
    }

    /// Whether any key expires.
    pub(crate) fn has_volatile_keys(&self) -> bool {
        (0..self.keyspace.databases() as u16).any(|db| self.keyspace.volatile_len(db) > 0)
    }

    /// Number of workers.
    pub(crate) fn workers(&self) -> usize {
        self.mailboxes.len()
    }

    /// The keyspace's number of a background thread.
    pub(crate) fn thread_of(&self, background: Background) -> usize {
        self.workers() + background as usize
    }

    /// The settings now.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The configuration, for CONFIG.
    pub(crate) fn config(&self) -> MutexGuard<'_, Config> {
        self.config.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the configuration's settings those of the node; every worker looks at them at its next turn.
    pub(crate) fn publish_settings(&self, config: &Config) {
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = config.settings().clone();
        self.log.set_level(config.settings().loglevel);
        self.client_memory.configure(config.settings());
        crate::replication::configure(self, config.settings());
        self.stats.track_latency(config.settings().latency_tracking);
        self.settings_version.fetch_add(1, Ordering::Release);
        self.look();
    }

    /// Writes a line of the log.
    pub(crate) fn log(&self, level: Loglevel, message: impl std::fmt::Display) {
        let is_replica = self.role.is_replica.load(Ordering::Relaxed);
        self.log.write(if is_replica { Speaker::Replica } else { Speaker::Primary }, level, message);
    }

    /// Makes every worker look again.
    pub(crate) fn look(&self) {
        self.mailboxes.iter().for_each(|mailbox| mailbox.post(Message::Look));
    }

    /// Whether a worker other than this thread has so many messages to hand out that no more are to be caused.
    #[inline]
    pub(crate) fn is_mail_full(&self, thread: usize) -> bool {
        self.mailboxes.iter().enumerate().any(|(worker, mailbox)| worker != thread && mailbox.is_full())
    }

    /// Wakes a thread by its keyspace number: what the keyspace calls.
    pub(crate) fn wake(&self, thread: usize) {
        match self.mailboxes.get(thread) {
            Some(mailbox) => mailbox.post(Message::Look),
            None => self.parkers[thread - self.workers()].unpark(),
        }
    }
}

/// The parameters that data commands depend on.
pub(crate) fn options(settings: &Settings, profile: Profile, packed_threshold: usize) -> Options {
    let mut options = Options::of(profile);
    options.limits.list_max_listpack_size = settings.list_max_listpack_size.into();
    options.limits.list_compress_depth = settings.list_compress_depth;
    options.limits.list_packed_threshold = packed_threshold;
    options.limits.hash_max_listpack_entries = settings.hash_max_listpack_entries as usize;
    options.limits.hash_max_listpack_value = settings.hash_max_listpack_value_bytes as usize;
    options.max_string_bytes = settings.proto_max_bulk_len_bytes as usize;
    options.lazy_user_del = settings.lazyfree_lazy_user_del;
    options.lazy_server_del = settings.lazyfree_lazy_server_del;
    options.rdb_compression = settings.rdbcompression;
    options.lfu =
        matches!(settings.maxmemory_policy, MaxmemoryPolicy::AllkeysLfu | MaxmemoryPolicy::VolatileLfu);
    options
}
