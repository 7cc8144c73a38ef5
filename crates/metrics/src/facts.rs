//! What rows read from: the node, and sums that several rows share.
//!
//! A sum is made when the first row asks for it and kept for the rest, so that the lines of one INFO fit each other, and a
//! section costs what it needs.

use config::Settings;
use engine::lazyfree::LazyFree;
use engine::stats::Counter;
use keyspace::Freeing;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use persistence::PersistenceInfo;
use replica_threads::info::ReplicationInfo;
use server::Server;
use session::flag;
use session::outbox::CLIENT_BYTES;
use std::cell::OnceCell;
use std::sync::atomic::Ordering;

/// The node at a moment.
pub struct Facts<'f> {
    pub(crate) server: &'f Server,
    settings: &'f Settings,
    lazyfree: &'f LazyFree,
    clients: OnceCell<ClientSums>,
    memory: OnceCell<MemorySums>,
    persistence: OnceCell<PersistenceInfo>,
    replication: OnceCell<ReplicationInfo>,
}

/// What is summed up over all clients.
#[derive(Debug, Default)]
pub(crate) struct ClientSums {
    /// Clients that are no replicas.
    pub(crate) connected: u64,
    /// Clients whose command waits for the end of a pause.
    pub(crate) paused: u64,
    /// Clients that listen to channels or patterns.
    pub(crate) listening: u64,
    /// Clients that watch keys.
    pub(crate) watching: u64,
    /// Keys that they watch.
    pub(crate) watched_keys: u64,
    /// Keys that they wait for.
    pub(crate) awaited_keys: u64,
    /// The longest input buffer.
    pub(crate) longest_input_bytes: u64,
    /// The longest output buffer.
    pub(crate) longest_output_bytes: u64,
    /// What clients hold that are no replicas.
    pub(crate) normal_bytes: u64,
    /// What replicas hold, without what they have yet to be sent, which lies in the history.
    pub(crate) replica_bytes: u64,
}

/// Memory, in bytes.
#[derive(Debug)]
pub(crate) struct MemorySums {
    /// What is allocated.
    pub(crate) used: u64,
    /// What the system has given.
    pub(crate) resident: u64,
    /// The most that was allocated at once.
    pub(crate) peak: u64,
    /// What is no data.
    pub(crate) overhead: u64,
    /// Replicas' share of it.
    pub(crate) replicas: u64,
}

impl MemorySums {
    /// What is data.
    pub(crate) fn dataset(&self) -> u64 {
        self.used.saturating_sub(self.overhead)
    }
}

impl<'f> Facts<'f> {
    /// What there is to know, by the settings that a thread goes by and the thread that frees large values.
    pub fn new(server: &'f Server, settings: &'f Settings, lazyfree: &'f LazyFree) -> Facts<'f> {
        Facts {
            server,
            settings,
            lazyfree,
            clients: OnceCell::new(),
            memory: OnceCell::new(),
            persistence: OnceCell::new(),
            replication: OnceCell::new(),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        self.settings
    }

    /// Whether something added in `since` exists in this profile.
    pub(crate) fn has(&self, since: &str) -> bool {
        self.server.profile.has(since)
    }

    /// Unix ms.
    pub(crate) fn now_ms(&self) -> u64 {
        engine::unix_ms()
    }

    pub(crate) fn is_valkey(&self) -> bool {
        self.server.profile.is_valkey()
    }

    /// A counter, summed up over all threads.
    pub(crate) fn sum(&self, counter: Counter) -> u64 {
        self.server.stats.sum(counter)
    }

    /// What a counter grows by in a second.
    pub(crate) fn per_second(&self, counter: Counter) -> u64 {
        self.server.gauges.per_second(counter)
    }

    pub(crate) fn clients(&self) -> &ClientSums {
        self.clients.get_or_init(|| {
            let all = self.server.clients.all();
            let mut sums = ClientSums {
                awaited_keys: engine::waits::blocking_keys(all.iter().map(|client| &**client)) as u64,
                ..ClientSums::default()
            };
            for client in &all {
                let (input, output) = (&client.account.input, &client.account.output);
                sums.longest_input_bytes = sums.longest_input_bytes.max(input.load(Ordering::Relaxed));
                sums.longest_output_bytes = sums.longest_output_bytes.max(output.load(Ordering::Relaxed));
                let channels = client.channels.load(Ordering::Relaxed);
                let patterns = client.patterns.load(Ordering::Relaxed);
                sums.listening += u64::from(channels > 0 || patterns > 0);
                let watched = client.watched.load(Ordering::Relaxed);
                sums.watching += u64::from(watched > 0);
                sums.watched_keys += u64::from(watched);
                sums.paused += u64::from(client.has_flag(flag::PAUSED));
                if client.has_flag(flag::REPLICA) {
                    sums.replica_bytes += CLIENT_BYTES;
                } else {
                    sums.connected += 1;
                    sums.normal_bytes += CLIENT_BYTES + client.account.bytes();
                }
            }
            sums
        })
    }

    pub(crate) fn memory(&self) -> &MemorySums {
        self.memory.get_or_init(|| {
            let (clients, replication) = (self.clients(), self.replication());
            let replicas = replication.buffer_bytes + clients.replica_bytes;
            MemorySums {
                used: memory::used_bytes(),
                resident: memory::rss_bytes(),
                peak: self.server.gauges.peak_bytes(),
                overhead: self.server.start.used_bytes
                    + clients.normal_bytes
                    + replication.backlog_bytes
                    + replicas,
                replicas,
            }
        })
    }

    pub(crate) fn persistence(&self) -> &PersistenceInfo {
        self.persistence.get_or_init(|| self.server.persistence.info())
    }

    pub(crate) fn replication(&self) -> &ReplicationInfo {
        self.replication.get_or_init(|| ReplicationInfo::now(&self.server.replicas))
    }

    /// Objects that the thread which frees large values has; and tables that a snapshot has yet to write, which its
    /// thread frees.
    pub(crate) fn freeing(&self) -> [&Freeing; 2] {
        [self.lazyfree.freeing(), self.server.keyspace.adopted()]
    }

    /// For how many seconds a file or a snapshot for replicas has been made.
    pub(crate) fn saving_seconds(&self) -> Option<u64> {
        let running = self.persistence().running.filter(|(kind, _)| *kind == snapshot::Kind::Save);
        running
            .map(|(_, seconds)| seconds)
            .or_else(|| replica_threads::info::snapshot_seconds(&self.server.replicas))
    }

    pub(crate) fn is_loading(&self) -> bool {
        self.server.loading.load(Ordering::Relaxed)
    }

    /// Processor time so far.
    pub(crate) fn usage(&self, of: UsageWho) -> Option<Usage> {
        getrusage(of).ok()
    }
}
