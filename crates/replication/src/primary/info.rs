//! What INFO and ROLE show of a primary's links.

use super::{LinkState, Primary};
use std::fmt::Write;

/// Which server's INFO is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InfoProfile {
    /// Redis 7.0: the fields that Redis and Valkey share.
    Redis,
    /// Valkey 8.0: each replica's line names the type of its link.
    Valkey,
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

    /// `connected_slaves` and a line for each replica, of INFO's section Replication.
    pub fn info_replicas(&self, profile: InfoProfile, now_ms: u64) -> String {
        let mut info = format!("connected_slaves:{}\r\n", self.connected_replicas());
        let mut number = 0;
        for link in self.links.values() {
            let Some(state) = link.state.info_name() else { continue };
            let lag = if link.state == LinkState::Online { link.lag_seconds(now_ms) } else { 0 };
            let (ip, port, offset) = (link.ip(), link.listening_port, link.ack_offset);
            let kind = if profile == InfoProfile::Valkey { ",type=replica" } else { "" };
            let _ = write!(
                info,
                "slave{number}:ip={ip},port={port},state={state},offset={offset},lag={lag}{kind}\r\n"
            );
            number += 1;
        }
        info
    }

    /// The lines from `master_replid` to `repl_backlog_histlen`, the end of INFO's section Replication.
    pub fn info_history(&self) -> String {
        let (history, backlog) = (&self.history, self.backlog());
        format!(
            "master_replid:{}\r\nmaster_replid2:{}\r\nmaster_repl_offset:{}\r\nsecond_repl_offset:{}\r\n\
             repl_backlog_active:{}\r\nrepl_backlog_size:{}\r\nrepl_backlog_first_byte_offset:{}\r\n\
             repl_backlog_histlen:{}\r\n",
            history.id(),
            history.second_id(),
            self.offset,
            history.second_offset(),
            u8::from(backlog.is_some()),
            self.settings.backlog_bytes,
            backlog.map_or(0, |backlog| backlog.first_byte_offset()),
            backlog.map_or(0, |backlog| backlog.histlen()),
        )
    }
}
