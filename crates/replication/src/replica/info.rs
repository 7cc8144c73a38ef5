//! What INFO and ROLE show of the link to the primary.

use super::{Replica, State};

/// The link to the primary in INFO's section Replication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfoLink {
    /// `master_host`.
    pub host: String,
    /// `master_port`.
    pub port: u16,
    /// `master_link_status`.
    pub is_up: bool,
    /// `master_last_io_seconds_ago`: -1 while the link is down.
    pub last_io_seconds: i64,
    /// `slave_read_repl_offset`.
    pub received_offset: u64,
    /// `slave_repl_offset`.
    pub applied_offset: u64,
    /// `master_link_down_since_seconds`, while it is down: -1 when it was never up.
    pub down_seconds: Option<i64>,
    /// The synchronisation that is going on.
    pub sync: Option<InfoSync>,
}

/// A synchronisation in INFO's section Replication. As Redis counts: the total is -1 before the length has come, and 0
/// between end marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfoSync {
    /// `master_sync_total_bytes`.
    pub total_bytes: i64,
    /// `master_sync_read_bytes`.
    pub read_bytes: i64,
    /// `master_sync_last_io_seconds_ago`.
    pub last_io_seconds: u64,
}

impl InfoSync {
    /// `master_sync_left_bytes`.
    pub fn left_bytes(&self) -> i64 {
        self.total_bytes - self.read_bytes
    }

    /// `master_sync_perc`.
    pub fn percent(&self) -> f64 {
        if self.total_bytes > 0 { self.read_bytes as f64 * 100.0 / self.total_bytes as f64 } else { 0.0 }
    }
}

impl State {
    /// ROLE's word for the state.
    pub fn role_name(self) -> &'static str {
        match self {
            State::None => "none",
            State::Connect => "connect",
            State::Connecting => "connecting",
            State::Handshake => "handshake",
            State::Transfer | State::Loading => "sync",
            State::Connected => "connected",
        }
    }
}

impl Replica {
    /// The state to show. The node carries out decisions later than they are made: until it has adopted the data set
    /// (`is_carried_out`), clients are refused, and a link that is up still shows as synchronising.
    pub fn shown_state(&self, is_carried_out: bool) -> State {
        match self.state() {
            State::Connected if !is_carried_out => State::Loading,
            state => state,
        }
    }

    /// ROLE's offset: the applied one, -1 while the link is not [shown](Replica::shown_state) as up.
    pub fn role_offset(&self, shown: State) -> i64 {
        if shown == State::Connected { self.applied_offset() as i64 } else { -1 }
    }

    /// Host and port of the primary, while there is one.
    pub fn primary(&self) -> Option<(&str, u16)> {
        self.target.as_ref().map(|target| (target.host.as_str(), target.port))
    }

    /// What INFO says of the link, in the state that is [shown](Replica::shown_state); `None` when this node replicates nobody.
    pub fn info(&self, state: State, now_ms: u64) -> Option<InfoLink> {
        let target = self.target.as_ref()?;
        let is_up = state == State::Connected;
        let since_last_io = now_ms.saturating_sub(self.last_io_ms) / 1000;
        let down_seconds =
            || self.down_since_ms.map_or(-1, |since_ms| (now_ms.saturating_sub(since_ms) / 1000) as i64);
        let sync = || InfoSync {
            total_bytes: self.transfer_total,
            read_bytes: self.transfer_read as i64,
            last_io_seconds: since_last_io,
        };
        Some(InfoLink {
            host: target.host.clone(),
            port: target.port,
            is_up,
            last_io_seconds: if is_up { since_last_io as i64 } else { -1 },
            received_offset: self.received_offset(),
            applied_offset: self.applied_offset(),
            down_seconds: (!is_up).then(down_seconds),
            sync: matches!(state, State::Transfer | State::Loading).then(sync),
        })
    }
}
