//! The primary's side: links to replicas, from the handshake to the stream.
//!
//! ```text
//!             REPLCONF…                SnapshotStarted            SnapshotReady      SnapshotSent
//!  Handshake ──PSYNC──▶ WaitStart ─────────────────▶ WaitEnd ──spool──▶ SendBulk ────────────▶ Online
//!      │                  ("\n")     +FULLRESYNC       │  ("\n")                                 ▲
//!      │                                               └─diskless: SnapshotReady, then first ACK─┤
//!      └──PSYNC within the backlog: +CONTINUE────────────────────────────────────────────────────┘
//! ```
//!
//! **Offset of a snapshot.** The owner reports [`Event::SnapshotStarted`] exactly when everything before the snapshot's
//! instant has been fed and nothing after it. Each replica that waits for the snapshot then gets `+FULLRESYNC` with
//! that offset and a reader pinned there, and the next effect begins with SELECT.
//!
//! **Two forms.** Diskless: the rows of the walk go to all sockets as they are made, between `$EOF:<mark>` and the
//! mark. No replica can join once it has begun. The stream follows only after the replica's first ACK, because the
//! replica expects nothing after the mark. Spool: the walk goes to a file, and `$<length>` and the file to each replica
//! when it is complete; late replicas join while it is written.
//!
//! **Chained.** A node that is itself a replica serves sub-replicas from the same backlog, fed with its own primary's
//! bytes: [`Primary::set_upstream`]. It adds nothing to the stream (no ping), and while its link is down it keeps its
//! sub-replicas alive with newlines and accepts no new one.
//!
//! **Invariant:** a link past the handshake has a reader exactly when it will get the stream behind its offset
//! (not before `+FULLRESYNC`, never with `rdb-only`).

mod info;
mod link;
mod replconf;
mod snapshot;

pub use info::{InfoHistory, InfoReplica, RoleReplica};
pub use link::{Capabilities, CloseReason, LinkState, SnapshotFilter};

use crate::{Backlog, History, ReaderId, ReplicationId};
use bytes::Bytes;
use link::Link;
use snapshot::Job;
use std::collections::BTreeMap;

/// A connection that may become a replica's: the node's client id.
pub type LinkId = u64;

/// Parameters of replication that are configured, by their Redis names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `repl-backlog-size` in bytes.
    pub backlog_bytes: u64,
    /// `repl-backlog-ttl` in milliseconds; 0 keeps the backlog for ever.
    pub backlog_ttl_ms: u64,
    /// `repl-timeout` in milliseconds.
    pub timeout_ms: u64,
    /// `repl-ping-replica-period` in milliseconds.
    pub ping_period_ms: u64,
    /// `repl-diskless-sync`.
    pub diskless: bool,
    /// `repl-diskless-sync-delay` in milliseconds.
    pub diskless_delay_ms: u64,
    /// `repl-diskless-sync-max-replicas`; 0 for no limit.
    pub diskless_max_replicas: usize,
    /// `min-replicas-max-lag` in milliseconds.
    pub good_lag_ms: u64,
    /// `client-output-buffer-limit replica`: hard limit in bytes, 0 for none.
    pub output_hard_bytes: u64,
    /// The soft limit in bytes, 0 for none.
    pub output_soft_bytes: u64,
    /// How long the soft limit may be exceeded, in milliseconds.
    pub output_soft_ms: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            backlog_bytes: 1024 * 1024,
            backlog_ttl_ms: 3_600_000,
            timeout_ms: 60_000,
            ping_period_ms: 10_000,
            diskless: true,
            diskless_delay_ms: 5_000,
            diskless_max_replicas: 0,
            good_lag_ms: 10_000,
            output_hard_bytes: 256 * 1024 * 1024,
            output_soft_bytes: 64 * 1024 * 1024,
            output_soft_ms: 60_000,
        }
    }
}

/// What a node that is itself a replica knows of its own primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upstream {
    /// There is none: this node is a primary.
    None,
    /// The link is up and the own data set valid.
    Connected,
    /// The link is down or synchronising.
    Down,
}

/// How a snapshot reaches replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotForm {
    /// Streamed to the sockets between end marks.
    Diskless,
    /// Written to a file first and sent with its length.
    Spool,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A client called REPLCONF; `args` without the command's name.
    Replconf {
        /// The client.
        link: LinkId,
        /// Arguments behind the command's name.
        args: &'a [&'a [u8]],
    },
    /// A client called PSYNC or SYNC.
    Sync {
        /// The client.
        link: LinkId,
        /// Its address as the socket has it; `REPLCONF ip-address` overrides it.
        peer_ip: &'a str,
        /// PSYNC's id and first wanted byte as sent; `None` for SYNC.
        psync: Option<(&'a [u8], &'a [u8])>,
        /// Replies to earlier commands have not left yet.
        pending_output: bool,
    },
    /// An empty line came from a replica: it is alive, and loading.
    Newline {
        /// The replica.
        link: LinkId,
    },
    /// The connection is gone.
    Closed {
        /// The client.
        link: LinkId,
    },
    /// The socket accepted that many bytes of the stream.
    Sent {
        /// The replica.
        link: LinkId,
        /// Bytes of the stream.
        bytes: u64,
    },
    /// The snapshot that [`Action::StartSnapshot`] asked for begins at this instant.
    SnapshotStarted,
    /// The snapshot is complete. Spool: its length; diskless: all bytes are handed to the sockets.
    SnapshotReady {
        /// Length in bytes; only a spool's is used.
        length: u64,
    },
    /// The snapshot failed or was aborted.
    SnapshotFailed,
    /// A spooled snapshot was sent to this replica completely.
    SnapshotSent {
        /// The replica.
        link: LinkId,
    },
    /// A diskless snapshot's bytes can't be written to this replica (true), or can again (false).
    SnapshotBlocked {
        /// The replica.
        link: LinkId,
        /// Whether the socket is full.
        blocked: bool,
    },
    /// Time passed; at least once a second.
    Tick,
}

/// What the owner has to do, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send these bytes, behind all that was queued for the link before.
    Send {
        /// The link.
        link: LinkId,
        /// Bytes of the dialogue.
        bytes: Bytes,
    },
    /// The client became a replica: its connection belongs to replication now.
    Attached {
        /// The link.
        link: LinkId,
    },
    /// Start a snapshot for replication; answer with [`Event::SnapshotStarted`] or [`Event::SnapshotFailed`].
    StartSnapshot {
        /// Its form.
        form: SnapshotForm,
        /// What to leave out.
        filter: SnapshotFilter,
    },
    /// No replica is left that wants the snapshot that just started.
    AbortSnapshot,
    /// Send the snapshot to this link, behind what was queued: a diskless one from its first byte as it is
    /// made, or the completed spool.
    SendSnapshot {
        /// The link.
        link: LinkId,
    },
    /// Send the stream to this link from its reader on: [`Primary::reader`].
    StartStream {
        /// The link.
        link: LinkId,
    },
    /// Put these bytes into the stream, as if they were an effect without a database.
    Feed(&'static [u8]),
    /// Call [`crate::StreamEncoder::forget_db`] before the next effect.
    ForgetDb,
    /// An ACK arrived: waiters may be satisfied.
    Acknowledged,
    /// This node was asked by its own primary's stream for an ACK (REPLCONF GETACK over a client).
    AcknowledgeUpstream,
    /// Close the connection once what was queued has left; no [`Event::Closed`] is needed for it.
    Close {
        /// The link.
        link: LinkId,
        /// Why, for the log.
        reason: CloseReason,
    },
    /// The backlog was given up for lack of replicas: the stream is not needed for replication now.
    BacklogReleased,
}

/// The offsets that online replicas have acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AckOffsets {
    /// Applied, a replica each.
    pub applied: Vec<u64>,
    /// In the replica's append-only file, a replica each.
    pub aof: Vec<u64>,
    /// In this node's append-only file.
    pub local_aof: u64,
}

/// Counters of synchronisations for `INFO stats`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncCounters {
    /// `sync_full`.
    pub full: u64,
    /// `sync_partial_ok`.
    pub partial_ok: u64,
    /// `sync_partial_err`.
    pub partial_err: u64,
}

/// Where random ids come from: fills 20 bytes.
pub type Random = Box<dyn FnMut() -> [u8; 20] + Send>;

/// The stream's history, its backlog and all links to replicas.
pub struct Primary {
    settings: Settings,
    history: History,
    offset: u64,
    backlog: Option<Backlog>,
    links: BTreeMap<LinkId, Link>,
    job: Option<Job>,
    upstream: Upstream,
    counters: SyncCounters,
    last_ping_ms: u64,
    last_newline_ms: u64,
    no_replicas_since_ms: u64,
    random: Random,
}

impl Primary {
    /// A primary whose history so far is `history` up to `offset`; no backlog until a replica comes.
    pub fn new(settings: Settings, history: History, offset: u64, now_ms: u64, random: Random) -> Primary {
        Primary {
            settings,
            history,
            offset,
            backlog: None,
            links: BTreeMap::new(),
            job: None,
            upstream: Upstream::None,
            counters: SyncCounters::default(),
            last_ping_ms: now_ms,
            last_newline_ms: now_ms,
            no_replicas_since_ms: now_ms,
            random,
        }
    }

    /// A first id for [`History::new`], from the same source as later ones.
    pub fn random_id(random: &mut Random) -> ReplicationId {
        ReplicationId::from_random(random())
    }

    /// Takes an event at `now_ms` and appends what has to be done.
    pub fn step(&mut self, event: Event<'_>, now_ms: u64, actions: &mut Vec<Action>) {
        match event {
            Event::Replconf { link, args } => self.replconf(link, args, now_ms, actions),
            Event::Sync { link, peer_ip, psync, pending_output } => {
                self.sync(link, peer_ip, psync, pending_output, now_ms, actions);
            }
            Event::Newline { link } => {
                if let Some(link) = self.links.get_mut(&link) {
                    link.ack_ms = now_ms;
                }
            }
            Event::Closed { link } => self.drop_link(link, now_ms, actions),
            Event::Sent { link, bytes } => self.sent(link, bytes),
            Event::SnapshotStarted => self.snapshot_started(actions),
            Event::SnapshotReady { length } => self.snapshot_ready(length, now_ms, actions),
            Event::SnapshotFailed => self.snapshot_failed(now_ms, actions),
            Event::SnapshotSent { link } => self.snapshot_sent(link, now_ms, actions),
            Event::SnapshotBlocked { link, blocked } => {
                if let Some(link) = self.links.get_mut(&link) {
                    link.blocked_since_ms = blocked.then_some(link.blocked_since_ms.unwrap_or(now_ms));
                }
            }
            Event::Tick => self.tick(now_ms, actions),
        }
    }

    /// Appends bytes to the stream and returns the offset of the last one.
    pub fn feed(&mut self, bytes: &[u8]) -> u64 {
        self.offset += bytes.len() as u64;
        if let Some(backlog) = &mut self.backlog {
            backlog.append(bytes);
        }
        self.offset
    }

    /// The same with a buffer, which is empty afterwards and may be another one ([`Backlog::append_buffer`]).
    pub fn feed_buffer(&mut self, buffer: &mut Vec<u8>) -> u64 {
        self.offset += buffer.len() as u64;
        match &mut self.backlog {
            Some(backlog) => {
                backlog.append_buffer(buffer);
            }
            None => buffer.clear(),
        }
        self.offset
    }

    /// [`Event::Sent`], which asks for nothing to be done.
    pub fn sent(&mut self, link: LinkId, bytes: u64) {
        if let (Some(reader), Some(backlog)) = (self.reader(link), &mut self.backlog) {
            backlog.advance(reader, bytes);
        }
    }

    /// `master_repl_offset`.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The ids of the history.
    pub fn history(&self) -> History {
        self.history
    }

    /// The backlog, while there is one.
    pub fn backlog(&self) -> Option<&Backlog> {
        self.backlog.as_ref()
    }

    /// The reader of a link that gets the stream.
    pub fn reader(&self, link: LinkId) -> Option<ReaderId> {
        self.links.get(&link)?.reader
    }

    /// What a link is called in logs: its address and the port it listens on.
    pub fn link_name(&self, link: LinkId) -> Option<String> {
        self.links.get(&link).map(Link::name)
    }

    /// The state of a link; `None` for a client that never spoke of replication.
    pub fn link_state(&self, link: LinkId) -> Option<LinkState> {
        self.links.get(&link).map(|link| link.state)
    }

    /// Links whose replica gets the stream now, for the sender's loop.
    pub fn streaming(&self) -> impl Iterator<Item = (LinkId, ReaderId)> {
        self.links
            .iter()
            .filter(|(_, link)| link.streams())
            .filter_map(|(id, link)| Some((*id, link.reader?)))
    }

    /// Replaces the settings.
    pub fn configure(&mut self, settings: Settings) {
        if let Some(backlog) = &mut self.backlog {
            backlog.resize(settings.backlog_bytes);
        }
        self.settings = settings;
    }

    /// Says whether this node is a replica itself, and the state of its own link.
    pub fn set_upstream(&mut self, upstream: Upstream) {
        self.upstream = upstream;
    }

    /// Makes sure that there is a backlog, without changing the ids: before this node becomes a replica with its
    /// own past as what it offers, so that sub-replicas and it can resume.
    pub fn ensure_backlog(&mut self) {
        if self.backlog.is_none() {
            self.backlog = Some(Backlog::new(self.offset, self.settings.backlog_bytes));
        }
    }

    /// Promotion: continues under a new id, keeping the old one as the second. Replicas are closed so that they
    /// reconnect and learn the new id; they continue from the second.
    pub fn promote(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        let id = ReplicationId::from_random((self.random)());
        self.history.shift(id, self.offset);
        self.upstream = Upstream::None;
        self.no_replicas_since_ms = now_ms;
        self.close_all(CloseReason::HistoryChanged, now_ms, actions);
        actions.push(Action::ForgetDb);
    }

    /// This node's own primary answered with a full synchronisation: the old history is gone, and the stream continues
    /// after `offset`.
    pub fn adopt_snapshot(&mut self, id: ReplicationId, offset: u64, now_ms: u64, actions: &mut Vec<Action>) {
        self.close_all(CloseReason::HistoryChanged, now_ms, actions);
        self.history.reset(id);
        self.offset = offset;
        self.backlog = Some(Backlog::new(offset, self.settings.backlog_bytes));
    }

    /// This node's own primary continued under another id.
    pub fn adopt_id(&mut self, id: ReplicationId, now_ms: u64, actions: &mut Vec<Action>) {
        if id != self.history.id() {
            self.history.shift(id, self.offset);
            self.close_all(CloseReason::HistoryChanged, now_ms, actions);
        }
    }

    /// Begins a history of another name at the same place, for tests of replication: replicas that are there stay, others
    /// need a full synchronisation.
    pub fn change_id(&mut self) {
        let id = Primary::random_id(&mut self.random);
        self.history.reset(id);
    }

    /// Closes every replica's connection.
    pub fn close_all(&mut self, reason: CloseReason, now_ms: u64, actions: &mut Vec<Action>) {
        for id in self.replica_ids(|_| true) {
            self.close(id, reason, now_ms, actions);
        }
    }

    /// What online replicas have acknowledged, and `local_aof`, the offset in the own append-only file.
    pub fn acks(&self, local_aof: u64) -> AckOffsets {
        let online = || self.links.values().filter(|link| link.state == LinkState::Online);
        AckOffsets {
            applied: online().map(|link| link.ack_offset).collect(),
            aof: online().map(|link| link.aof_offset).collect(),
            local_aof,
        }
    }

    /// Online replicas whose last ACK is at most `min-replicas-max-lag` old.
    pub fn good_replicas(&self, now_ms: u64) -> usize {
        let good = |link: &&Link| {
            link.state == LinkState::Online && link.lag_seconds(now_ms) * 1000 <= self.settings.good_lag_ms
        };
        self.links.values().filter(good).count()
    }

    /// Replicas, in whatever state behind the handshake: `connected_slaves`.
    pub fn connected_replicas(&self) -> usize {
        self.links.values().filter(|link| link.state != LinkState::Handshake).count()
    }

    /// Counters of synchronisations.
    pub fn counters(&self) -> SyncCounters {
        self.counters
    }

    /// CONFIG RESETSTAT: counts synchronisations anew.
    pub fn reset_counters(&mut self) {
        self.counters = SyncCounters::default();
    }

    fn replica_ids(&self, wanted: impl Fn(&Link) -> bool) -> Vec<LinkId> {
        let replica = |link: &Link| link.state != LinkState::Handshake && wanted(link);
        self.links.iter().filter(|(_, link)| replica(link)).map(|(id, _)| *id).collect()
    }

    fn close(&mut self, id: LinkId, reason: CloseReason, now_ms: u64, actions: &mut Vec<Action>) {
        actions.push(Action::Close { link: id, reason });
        self.drop_link(id, now_ms, actions);
    }

    fn drop_link(&mut self, id: LinkId, now_ms: u64, actions: &mut Vec<Action>) {
        let Some(link) = self.links.remove(&id) else { return };
        if let (Some(reader), Some(backlog)) = (link.reader, &mut self.backlog) {
            backlog.close_reader(reader);
        }
        if link.state == LinkState::Handshake {
            return;
        }
        self.abort_snapshot_without_takers(link.state, actions);
        if self.connected_replicas() == 0 {
            self.no_replicas_since_ms = now_ms;
        }
    }

    fn tick(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        self.ping(now_ms, actions);
        self.newlines(now_ms, actions);
        self.disconnect_late(now_ms, actions);
        self.release_backlog(now_ms, actions);
        self.start_snapshot_if_due(now_ms, actions);
    }

    fn ping(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        if now_ms.saturating_sub(self.last_ping_ms) < self.settings.ping_period_ms {
            return;
        }
        self.last_ping_ms = now_ms;
        if self.upstream == Upstream::None && self.connected_replicas() > 0 {
            actions.push(Action::Feed(crate::PING));
        }
    }

    /// Newlines keep replicas alive that wait for a snapshot or for an upstream; they are not part of the stream.
    fn newlines(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        if now_ms.saturating_sub(self.last_newline_ms) < 1000 {
            return;
        }
        self.last_newline_ms = now_ms;
        let diskless = self.job.as_ref().is_some_and(|job| job.form == SnapshotForm::Diskless);
        let upstream_down = self.upstream == Upstream::Down;
        for link in self.replica_ids(|link| match link.state {
            LinkState::WaitStart => true,
            LinkState::WaitEnd => !diskless,
            LinkState::Online => upstream_down && link.streams(),
            LinkState::SendBulk | LinkState::Handshake => false,
        }) {
            actions.push(Action::Send { link, bytes: Bytes::from_static(b"\n") });
        }
    }

    fn disconnect_late(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        let timeout_ms = self.settings.timeout_ms;
        let late = |since_ms: u64| now_ms.saturating_sub(since_ms) > timeout_ms;
        for id in self.replica_ids(|link| match link.state {
            LinkState::Online => !link.pre_psync && late(link.ack_ms),
            LinkState::WaitEnd => link.blocked_since_ms.is_some_and(late),
            _ => false,
        }) {
            self.close(id, CloseReason::TimedOut, now_ms, actions);
        }
        for id in self.replica_ids(|link| link.reader.is_some()) {
            if self.over_output_limit(id, now_ms) {
                self.close(id, CloseReason::OutputLimit, now_ms, actions);
            }
        }
    }

    /// The limits count a replica's unsent bytes. A hard limit below `repl-backlog-size` acts as that size: those
    /// bytes are held anyway, and a replica that may resume from them must not be cut off for them.
    fn over_output_limit(&mut self, id: LinkId, now_ms: u64) -> bool {
        let settings = &self.settings;
        let (Some(backlog), Some(link)) = (&self.backlog, self.links.get_mut(&id)) else { return false };
        let Some(reader) = link.reader else { return false };
        let unsent = backlog.unsent(reader);
        let over = |limit: u64| limit > 0 && unsent >= limit;
        let hard_bytes = settings.output_hard_bytes;
        if hard_bytes > 0 && over(hard_bytes.max(settings.backlog_bytes)) {
            return true;
        }
        if !over(settings.output_soft_bytes) {
            link.soft_limit_since_ms = None;
            return false;
        }
        let since_ms = *link.soft_limit_since_ms.get_or_insert(now_ms);
        now_ms.saturating_sub(since_ms) > settings.output_soft_ms
    }

    /// A primary without replicas for a long time gives up the backlog, and its id with it: it stops counting offsets,
    /// so the id would name two histories. A replica keeps both, because it may be promoted.
    fn release_backlog(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        let ttl_ms = self.settings.backlog_ttl_ms;
        if self.connected_replicas() == 0
            && ttl_ms > 0
            && self.backlog.is_some()
            && self.upstream == Upstream::None
            && now_ms.saturating_sub(self.no_replicas_since_ms) > ttl_ms
        {
            self.history.reset(ReplicationId::from_random((self.random)()));
            self.backlog = None;
            actions.push(Action::BacklogReleased);
        }
    }
}
