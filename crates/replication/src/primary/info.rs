//! What INFO and ROLE show of a primary's links.

use super::{LinkState, Primary};
use crate::id::ReplicationId;

/// One replica in INFO's section Replication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfoReplica {
    /// Address, announced or the socket's.
    pub ip: String,
    /// Port it listens on.
    pub port: i64,
    /// As INFO names it.
    pub state: &'static str,
    /// Acknowledged offset.
    pub offset: u64,
    /// Seconds since its last sign of life; 0 before it is online.
    pub lag_seconds: u64,
}

/// The stream and its backlog in INFO's section Replication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InfoHistory {
    /// `master_replid`.
    pub id: ReplicationId,
    /// `master_replid2`.
    pub second_id: ReplicationId,
    /// `master_repl_offset`.
    pub offset: u64,
    /// `second_repl_offset`.
    pub second_offset: i64,
    /// `repl_backlog_size`, in bytes.
    pub backlog_bytes: u64,
    /// `repl_backlog_first_byte_offset` and `repl_backlog_histlen`, while there is a backlog.
    pub backlog: Option<(u64, u64)>,
}

/// One replica in ROLE's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleReplica {
    /// Address, announced or the socket's.
    pub ip: String,
    /// Port it listens on; ROLE shows it as text.
    pub port: i64,
    /// Acknowledged offset; ROLE shows it as text.
    pub offset: u64,
}

/// How far a replica is behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Its address and the port it listens on.
    pub name: String,
    /// Bytes of the stream that it has not acknowledged.
    pub bytes: u64,
    /// Seconds since its last sign of life; 0 before it is online.
    pub seconds: u64,
    /// As INFO names it.
    pub state: &'static str,
}

impl Primary {
    /// How far each replica is behind, whatever its state.
    pub fn lags(&self, now_ms: u64) -> Vec<Lag> {
        let lag = |link: &super::Link| {
            let state = link.state.info_name()?;
            let seconds = if link.state == LinkState::Online { link.lag_seconds(now_ms) } else { 0 };
            Some(Lag {
                name: link.name(),
                bytes: self.offset.saturating_sub(link.ack_offset),
                seconds,
                state,
            })
        };
        self.links.values().filter_map(lag).collect()
    }

    /// The online replicas in ROLE's order.
    pub fn role_replicas(&self) -> Vec<RoleReplica> {
        let online = self.links.values().filter(|link| link.state == LinkState::Online);
        let role = |link: &super::Link| RoleReplica {
            ip: link.ip().to_owned(),
            port: link.listening_port,
            offset: link.ack_offset,
        };
        online.map(role).collect()
    }

    /// The replicas of INFO's section Replication, in its order.
    pub fn info_replicas(&self, now_ms: u64) -> Vec<InfoReplica> {
        let replica = |link: &super::Link| {
            let state = link.state.info_name()?;
            let lag_seconds = if link.state == LinkState::Online { link.lag_seconds(now_ms) } else { 0 };
            let (ip, port) = (link.ip().to_owned(), link.listening_port);
            Some(InfoReplica { ip, port, state, offset: link.ack_offset, lag_seconds })
        };
        self.links.values().filter_map(replica).collect()
    }

    /// What INFO's section Replication says of the stream.
    pub fn info_history(&self) -> InfoHistory {
        InfoHistory {
            id: self.history.id(),
            second_id: self.history.second_id(),
            offset: self.offset,
            second_offset: self.history.second_offset(),
            backlog_bytes: self.settings.backlog_bytes,
            backlog: self.backlog().map(|backlog| (backlog.first_byte_offset(), backlog.histlen())),
        }
    }
}
