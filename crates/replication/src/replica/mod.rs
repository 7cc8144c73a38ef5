//! The replica's side: one link to a primary, from the connection to the applied stream.
//!
//! ```text
//!  Connect ─▶ Connecting ─▶ Handshake ─────────────────────▶ Transfer ─▶ Loading ─▶ Connected
//!     ▲                      PING, AUTH, REPLCONF…, PSYNC     $… / $EOF:   "\n"        ACK each second
//!     │                          └──────── +CONTINUE ───────────────────────────────▶  │
//!     └──── next second ◀──── error, timeout, closed ◀── Draining ◀────────────────────┘
//! ```
//!
//! **Received, applied, acknowledged.** Bytes of the stream go to the node's applier as they arrive
//! ([`Action::Apply`]). The applier reports its progress ([`Event::Applied`]) at ends of commands and never inside a
//! transaction. ACKs carry the applied offset.
//!
//! **A broken link** is not a lost history: the applier finishes what it has whole, drops the rest, and reports
//! [`Event::Drained`]; from that offset the next `PSYNC` asks to continue. Only a full synchronisation, or an
//! inconsistent stream, gives the history up.
//!
//! **Chained replicas** get from this node the very bytes it applied: the node feeds them to its own
//! [`crate::Primary`], and passes [`Action::AdoptSnapshot`] and [`Action::AdoptId`] on to it, so that both have the
//! same ids and offsets.
//!
//! **Invariant:** in state Connected, `received` is at or behind what the primary sent and at or ahead of `applied`.

mod end_mark;
mod framing;
mod handshake;
mod info;
mod transfer;

use crate::ReplicationId;
use crate::stream::push_command;
use bytes::Bytes;
use framing::Framing;
use handshake::Step;
pub use info::{InfoLink, InfoSync};
use std::ops::Range;
use transfer::Transfer;

/// How often a broken link is tried again, and how often ACKs are sent.
const CRON_PERIOD_MS: u64 = 1000;

/// What the node announces to a primary, and how long it waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// `REPLCONF listening-port`: the announced port, or the real one.
    pub port: u16,
    /// `replica-announce-ip`.
    pub announce_ip: Option<String>,
    /// `primaryauth`; empty for none.
    pub auth_password: Vec<u8>,
    /// `primaryuser`.
    pub auth_user: Option<Vec<u8>>,
    /// Version to announce by `REPLCONF version`, as Valkey 8 does; `None` for Redis.
    pub version: Option<String>,
    /// `repl-timeout` in milliseconds.
    pub timeout_ms: u64,
}

/// Where the link is, in the words of ROLE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No primary is configured.
    None,
    /// A connection is to be made.
    Connect,
    /// A connection is being made.
    Connecting,
    /// The dialogue before the data.
    Handshake,
    /// A snapshot is being received.
    Transfer,
    /// A received snapshot is being loaded.
    Loading,
    /// The stream is being applied.
    Connected,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Replicate that primary, by REPLICAOF or the control plane. `resume` is the own history with its offset,
    /// when this node was a primary or restored both: a partial synchronisation is tried from there.
    ReplicaOf {
        /// Host name or address.
        host: &'a str,
        /// Port.
        port: u16,
        /// Own id and offset.
        resume: Option<(ReplicationId, u64)>,
    },
    /// Stop being a replica; the owner promotes its [`crate::Primary`] when [`Action::Promoted`] comes.
    Promote,
    /// The connection that was asked for is made.
    Connected,
    /// Bytes came.
    Received(&'a [u8]),
    /// The connection failed or is gone.
    Closed,
    /// The applier has applied the stream up to this offset.
    Applied(u64),
    /// The applier met `REPLCONF GETACK` in the stream; everything before it was reported as applied.
    GetAck,
    /// After a closed link: the applier has applied what it had whole, up to this offset, and dropped the rest.
    Drained(u64),
    /// The snapshot is loaded (true), or could not be (false). Nothing of the stream may be applied before this
    /// event's actions are carried out. Behind an answer to SYNC, which tells no offset, counting restarts at 0.
    Loaded(bool),
    /// This node's append-only file is on disk up to this offset; makes ACKs carry FACK.
    AofSynced(u64),
    /// Time passed; at least once a second.
    Tick,
}

/// What the owner has to do, in order. Ranges are of the bytes of the [`Event::Received`] at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open a connection; answer with [`Event::Connected`] or [`Event::Closed`].
    Connect {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// Send to the primary.
    Send(Bytes),
    /// Close the connection; no [`Event::Closed`] is needed for it.
    Close(LinkError),
    /// Apply what is whole, drop the rest, then report [`Event::Drained`].
    Drain,
    /// Try again at that time: a [`Event::Tick`] then will ask for a connection.
    ScheduleReconnect {
        /// Milliseconds of the owner's clock.
        at_ms: u64,
    },
    /// A snapshot begins to arrive; the own data is about to be replaced.
    LoadBegin {
        /// Its length; `None` between end marks.
        length: Option<u64>,
    },
    /// Bytes of the snapshot that were held back from earlier chunks.
    LoadHeld(Bytes),
    /// Bytes of the snapshot, of the bytes at hand.
    LoadChunk(Range<usize>),
    /// The snapshot is whole; load it and answer with [`Event::Loaded`].
    LoadEnd,
    /// Discard the load that [`Action::LoadBegin`] began.
    LoadAborted,
    /// Bytes of the stream, of the bytes at hand, in pieces of any size; they may come while the load goes on and
    /// then wait for [`Event::Loaded`] (the owner may stop receiving meanwhile).
    Apply {
        /// Where in the bytes at hand.
        range: Range<usize>,
        /// Offset of the range's last byte.
        end_offset: u64,
    },
    /// The node's history is now this one: pass on to [`crate::Primary::adopt_snapshot`].
    AdoptSnapshot {
        /// The primary's id.
        id: ReplicationId,
        /// The snapshot's offset.
        offset: u64,
    },
    /// The primary continued under this id: pass on to [`crate::Primary::adopt_id`].
    AdoptId(ReplicationId),
    /// The state changed.
    StateChanged(State),
    /// This node has no primary now.
    Promoted,
}

/// Why a link was given up, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkError {
    /// Nothing came for `repl-timeout`.
    TimedOut,
    /// The primary answered this to PING, AUTH or PSYNC, or in place of a snapshot.
    Refused(String),
    /// The primary can't serve now (`-NOMASTERLINK`, `-LOADING`).
    TryLater(String),
    /// The received bytes are not a replication dialogue.
    Protocol(String),
    /// The snapshot could not be loaded.
    LoadFailed,
    /// This node was told to replicate somebody else, or nobody.
    Reconfigured,
}

#[derive(Debug)]
enum Phase {
    Connect,
    Connecting,
    Handshake(Step),
    Transfer(Transfer),
    /// The stream may begin before the load has ended; the applier keeps it behind the load.
    Loading {
        framing: Framing,
        ack_at_once: bool,
    },
    Connected(Framing),
}

#[derive(Debug)]
struct Target {
    host: String,
    port: u16,
}

/// The link to a primary.
#[derive(Debug)]
pub struct Replica {
    settings: Settings,
    target: Option<Target>,
    phase: Phase,
    /// The history that the next PSYNC offers to continue.
    resume: Option<(ReplicationId, u64)>,
    /// The id and offset the primary promised with its snapshot.
    promised: Option<(ReplicationId, u64)>,
    /// The primary knows only SYNC: no ACKs.
    pre_psync: bool,
    draining: bool,
    received: u64,
    applied: u64,
    aof_synced: Option<u64>,
    line: Vec<u8>,
    transfer_total: i64,
    transfer_read: u64,
    connect_at_ms: u64,
    last_io_ms: u64,
    last_cron_ms: u64,
    down_since_ms: Option<u64>,
}

impl Replica {
    /// A node without a primary.
    pub fn new(settings: Settings) -> Replica {
        Replica {
            settings,
            target: None,
            phase: Phase::Connect,
            resume: None,
            promised: None,
            pre_psync: false,
            draining: false,
            received: 0,
            applied: 0,
            aof_synced: None,
            line: Vec::new(),
            transfer_total: 0,
            transfer_read: 0,
            connect_at_ms: 0,
            last_io_ms: 0,
            last_cron_ms: 0,
            down_since_ms: None,
        }
    }

    /// Takes an event at `now_ms` and appends what has to be done.
    pub fn step(&mut self, event: Event<'_>, now_ms: u64, actions: &mut Vec<Action>) {
        let before = self.state();
        match event {
            Event::ReplicaOf { host, port, resume } => self.replica_of(host, port, resume, now_ms, actions),
            Event::Promote => self.promote(now_ms, actions),
            Event::Connected => self.connected(now_ms, actions),
            Event::Received(bytes) => self.received(bytes, now_ms, actions),
            Event::Closed => self.lost(now_ms, actions),
            Event::Applied(offset) => self.applied = self.applied.max(offset.min(self.received)),
            Event::GetAck => self.acknowledge(actions),
            Event::Drained(offset) => self.drained(offset, now_ms, actions),
            Event::Loaded(loaded) => self.loaded(loaded, now_ms, actions),
            Event::AofSynced(offset) => self.aof_synced = Some(offset),
            Event::Tick => self.tick(now_ms, actions),
        }
        let state = self.state();
        if state != before {
            actions.push(Action::StateChanged(state));
        }
    }

    /// Replaces the settings; they count from the next handshake on.
    pub fn configure(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Where the link is.
    pub fn state(&self) -> State {
        match (&self.target, &self.phase) {
            (None, _) => State::None,
            (_, Phase::Connect) => State::Connect,
            (_, Phase::Connecting) => State::Connecting,
            (_, Phase::Handshake(_)) => State::Handshake,
            (_, Phase::Transfer(_)) => State::Transfer,
            (_, Phase::Loading { .. }) => State::Loading,
            (_, Phase::Connected(_)) => State::Connected,
        }
    }

    /// History and offset of the data set that is arriving or arrived last; `None` if the primary gave neither.
    pub fn promised(&self) -> Option<(ReplicationId, u64)> {
        self.promised
    }

    /// Offset of the last byte received: `slave_read_repl_offset`.
    pub fn received_offset(&self) -> u64 {
        self.received
    }

    /// Offset of the last byte applied: `slave_repl_offset`.
    pub fn applied_offset(&self) -> u64 {
        self.applied
    }

    fn replica_of(
        &mut self,
        host: &str,
        port: u16,
        resume: Option<(ReplicationId, u64)>,
        now_ms: u64,
        actions: &mut Vec<Action>,
    ) {
        let was_primary = self.target.is_none();
        self.hang_up(LinkError::Reconfigured, now_ms, actions);
        self.target = Some(Target { host: host.to_owned(), port });
        if was_primary && !self.draining {
            self.resume = resume;
            self.applied = resume.map_or(0, |(_, offset)| offset);
            self.received = self.applied;
        }
        self.down_since_ms.get_or_insert(now_ms);
        self.connect_at_ms = now_ms;
        self.connect_if_due(now_ms, actions);
    }

    fn promote(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        if self.target.is_none() {
            return;
        }
        self.hang_up(LinkError::Reconfigured, now_ms, actions);
        self.target = None;
        self.down_since_ms = None;
        // The owner drains first: its Primary's offset is then what was applied.
        if !self.draining {
            self.resume = None;
            actions.push(Action::Promoted);
        }
    }

    fn connected(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        if !matches!(self.phase, Phase::Connecting) {
            return;
        }
        self.last_io_ms = now_ms;
        self.line.clear();
        self.phase = Phase::Handshake(Step::Ping);
        send_command(actions, &[b"PING"]);
    }

    fn received(&mut self, bytes: &[u8], now_ms: u64, actions: &mut Vec<Action>) {
        if !bytes.is_empty() {
            self.last_io_ms = now_ms;
        }
        let mut at = 0;
        while at < bytes.len() {
            match &mut self.phase {
                Phase::Handshake(_) => at += self.handshake_bytes(&bytes[at..], now_ms, actions),
                Phase::Transfer(_) => at = self.transfer_bytes(bytes, at, now_ms, actions),
                Phase::Loading { .. } | Phase::Connected(_) => {
                    self.stream_bytes(bytes, at, now_ms, actions);
                    return;
                }
                Phase::Connect | Phase::Connecting => return,
            }
        }
    }

    fn stream_bytes(&mut self, bytes: &[u8], at: usize, now_ms: u64, actions: &mut Vec<Action>) {
        let (Phase::Connected(framing) | Phase::Loading { framing, .. }) = &mut self.phase else { return };
        let mut ranges = Vec::new();
        let scanned = framing.scan(&bytes[at..], &mut ranges);
        for range in ranges {
            self.received += range.len() as u64;
            let range = at + range.start..at + range.end;
            actions.push(Action::Apply { range, end_offset: self.received });
        }
        if scanned.is_err() {
            // What was continued is not what was expected: only a full synchronisation is sure to be right.
            self.fail(LinkError::Protocol("the stream is corrupt".to_owned()), now_ms, actions);
            self.resume = None;
        }
    }

    fn loaded(&mut self, loaded: bool, now_ms: u64, actions: &mut Vec<Action>) {
        if !matches!(self.phase, Phase::Loading { .. }) {
            return;
        }
        if !loaded {
            self.resume = None;
            self.fail(LinkError::LoadFailed, now_ms, actions);
            return;
        }
        let Phase::Loading { framing, ack_at_once } = std::mem::replace(&mut self.phase, Phase::Connect)
        else {
            return;
        };
        self.phase = Phase::Connected(framing);
        let (id, offset) = self.promised.take().unwrap_or((ReplicationId::NONE, 0));
        self.resume = (!self.pre_psync).then_some((id, offset));
        self.down_since_ms = None;
        self.last_io_ms = now_ms;
        self.last_cron_ms = now_ms;
        actions.push(Action::AdoptSnapshot { id, offset });
        if ack_at_once {
            self.acknowledge(actions);
        }
    }

    fn tick(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        if self.target.is_none() {
            return;
        }
        let silent_ms = now_ms.saturating_sub(self.last_io_ms);
        let alive = matches!(self.phase, Phase::Connect | Phase::Loading { .. });
        if !alive && silent_ms > self.settings.timeout_ms {
            self.fail(LinkError::TimedOut, now_ms, actions);
            return;
        }
        self.connect_if_due(now_ms, actions);
        if now_ms.saturating_sub(self.last_cron_ms) < CRON_PERIOD_MS {
            return;
        }
        self.last_cron_ms = now_ms;
        match self.phase {
            Phase::Connected(_) => self.acknowledge(actions),
            Phase::Loading { .. } => actions.push(Action::Send(Bytes::from_static(b"\n"))),
            _ => {}
        }
    }

    fn connect_if_due(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        let Some(target) = &self.target else { return };
        if matches!(self.phase, Phase::Connect) && !self.draining && now_ms >= self.connect_at_ms {
            actions.push(Action::Connect { host: target.host.clone(), port: target.port });
            self.phase = Phase::Connecting;
            self.last_io_ms = now_ms;
        }
    }

    /// `REPLCONF ACK`, with FACK once the append-only file reports.
    fn acknowledge(&self, actions: &mut Vec<Action>) {
        if self.pre_psync || !matches!(self.phase, Phase::Connected(_)) {
            return;
        }
        let mut digits = itoa::Buffer::new();
        let applied = digits.format(self.applied).as_bytes();
        let mut synced_digits = itoa::Buffer::new();
        match self.aof_synced {
            None => send_command(actions, &[b"REPLCONF", b"ACK", applied]),
            Some(synced) => {
                let synced = synced_digits.format(synced).as_bytes();
                send_command(actions, &[b"REPLCONF", b"ACK", applied, b"FACK", synced]);
            }
        }
    }

    /// The connection is gone without our doing.
    fn lost(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        let was_connected = matches!(self.phase, Phase::Connected(_));
        self.leave_phase(now_ms, actions);
        // A link that worked is tried again at once, as Redis does; others wait for the next second.
        self.retry(now_ms + if was_connected { 0 } else { CRON_PERIOD_MS }, now_ms, actions);
    }

    /// Gives up the connection.
    fn fail(&mut self, error: LinkError, now_ms: u64, actions: &mut Vec<Action>) {
        self.hang_up(error, now_ms, actions);
        self.retry(now_ms + CRON_PERIOD_MS, now_ms, actions);
    }

    fn hang_up(&mut self, error: LinkError, now_ms: u64, actions: &mut Vec<Action>) {
        if !matches!(self.phase, Phase::Connect) {
            actions.push(Action::Close(error));
            self.leave_phase(now_ms, actions);
        }
    }

    fn retry(&mut self, at_ms: u64, now_ms: u64, actions: &mut Vec<Action>) {
        if self.target.is_none() {
            return;
        }
        self.connect_at_ms = at_ms;
        if at_ms > now_ms {
            actions.push(Action::ScheduleReconnect { at_ms });
        }
        self.connect_if_due(now_ms, actions);
    }

    fn leave_phase(&mut self, now_ms: u64, actions: &mut Vec<Action>) {
        match std::mem::replace(&mut self.phase, Phase::Connect) {
            Phase::Connected(_) => {
                self.draining = true;
                self.down_since_ms = Some(now_ms);
                actions.push(Action::Drain);
            }
            Phase::Transfer(_) | Phase::Loading { .. } => {
                self.promised = None;
                actions.push(Action::LoadAborted);
            }
            Phase::Connect | Phase::Connecting | Phase::Handshake(_) => {}
        }
    }

    fn drained(&mut self, offset: u64, now_ms: u64, actions: &mut Vec<Action>) {
        if !std::mem::take(&mut self.draining) {
            return;
        }
        self.applied = offset;
        self.received = offset;
        if let Some((_, resume_offset)) = &mut self.resume {
            *resume_offset = offset;
        }
        match self.target {
            None => {
                self.resume = None;
                actions.push(Action::Promoted);
            }
            Some(_) => self.connect_if_due(now_ms, actions),
        }
    }
}

fn send_command(actions: &mut Vec<Action>, args: &[&[u8]]) {
    let mut bytes = Vec::new();
    push_command(&mut bytes, args);
    actions.push(Action::Send(bytes.into()));
}
