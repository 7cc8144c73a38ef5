//! One link to a replica: what the replica announced, and its progress.

use crate::ReaderId;

/// How far a link is; the names INFO shows are in [`LinkState::info_name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// A client that sent REPLCONF and has not asked to synchronise.
    Handshake,
    /// It waits for a snapshot to begin.
    WaitStart,
    /// Its snapshot is being made (spool) or streamed (diskless).
    WaitEnd,
    /// The spooled snapshot is being sent.
    SendBulk,
    /// It has its data set and gets the stream.
    Online,
}

impl LinkState {
    /// The state's name in INFO; `None` for a client that is no replica yet.
    pub fn info_name(self) -> Option<&'static str> {
        match self {
            LinkState::Handshake => None,
            LinkState::WaitStart | LinkState::WaitEnd => Some("wait_bgsave"),
            LinkState::SendBulk => Some("send_bulk"),
            LinkState::Online => Some("online"),
        }
    }
}

/// What a replica can do, by `REPLCONF capa`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// `eof`: it takes a snapshot between end marks.
    pub eof: bool,
    /// `psync2`: it understands an id behind `+CONTINUE`.
    pub psync2: bool,
}

/// What a replica's snapshot must be like: what it leaves out, by `REPLCONF rdb-filter-only`, and its form, by `REPLCONF version`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SnapshotFilter {
    /// Leave out keys.
    pub exclude_data: bool,
    /// Leave out function libraries.
    pub exclude_functions: bool,
    /// The replica is Valkey 9 or later, and reads the form of file that is Valkey's own.
    pub reads_valkey: bool,
}

impl SnapshotFilter {
    /// Whether anything is left out.
    pub fn filters(self) -> bool {
        self.exclude_data || self.exclude_functions
    }
}

/// Why a replica's connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// No sign of life for `repl-timeout`.
    TimedOut,
    /// More unsent bytes than `client-output-buffer-limit replica` allows.
    OutputLimit,
    /// The snapshot failed.
    SnapshotFailed,
    /// The snapshot was all it wanted.
    SnapshotOnly,
    /// It sent a command on the replication link that would have to be answered there.
    WouldReply,
    /// The ids changed; the replica must reconnect and learn them.
    HistoryChanged,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) state: LinkState,
    pub(super) peer_ip: String,
    pub(super) announced_ip: Option<String>,
    pub(super) listening_port: i64,
    pub(super) capabilities: Capabilities,
    pub(super) filter: SnapshotFilter,
    pub(super) rdb_only: bool,
    /// It used SYNC: it sends no ACK, gets no offset and never times out.
    pub(super) pre_psync: bool,
    /// It got a diskless snapshot and has not acknowledged it.
    pub(super) stream_on_ack: bool,
    pub(super) reader: Option<ReaderId>,
    pub(super) ack_offset: u64,
    pub(super) aof_offset: u64,
    pub(super) ack_ms: u64,
    pub(super) attached_ms: u64,
    pub(super) blocked_since_ms: Option<u64>,
    pub(super) soft_limit_since_ms: Option<u64>,
}

impl Link {
    pub(super) fn new(now_ms: u64) -> Link {
        Link {
            state: LinkState::Handshake,
            peer_ip: String::new(),
            announced_ip: None,
            listening_port: 0,
            capabilities: Capabilities::default(),
            filter: SnapshotFilter::default(),
            rdb_only: false,
            pre_psync: false,
            stream_on_ack: false,
            reader: None,
            ack_offset: 0,
            aof_offset: 0,
            ack_ms: now_ms,
            attached_ms: now_ms,
            blocked_since_ms: None,
            soft_limit_since_ms: None,
        }
    }

    pub(super) fn ip(&self) -> &str {
        self.announced_ip.as_deref().unwrap_or(&self.peer_ip)
    }

    /// Its name in logs.
    pub(super) fn name(&self) -> String {
        match self.listening_port {
            0 => format!("{}:<unknown-replica-port>", self.ip()),
            port => format!("{}:{port}", self.ip()),
        }
    }

    pub(super) fn streams(&self) -> bool {
        self.state == LinkState::Online && !self.stream_on_ack
    }

    pub(super) fn lag_seconds(&self, now_ms: u64) -> u64 {
        now_ms.saturating_sub(self.ack_ms) / 1000
    }
}
