//! What INFO and ROLE show of the link to the primary.

use super::{Replica, State};

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
    /// The state to show. Who carries out what was decided is behind: until the data set is adopted (`is_carried_out`), clients
    /// are refused, and a link that is up is still being synchronised.
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

    /// The lines from `master_host` to `slave_repl_offset` of INFO's section Replication, with those that only a
    /// broken link has behind; empty when this node replicates nobody. The link is in the state that is
    /// [shown](Replica::shown_state).
    pub fn info(&self, state: State, now_ms: u64) -> String {
        let Some(target) = &self.target else { return String::new() };
        let up = state == State::Connected;
        let syncing = matches!(state, State::Transfer | State::Loading);
        let last_io = if up { (now_ms.saturating_sub(self.last_io_ms) / 1000) as i64 } else { -1 };
        let mut info = format!(
            "master_host:{}\r\nmaster_port:{}\r\nmaster_link_status:{}\r\nmaster_last_io_seconds_ago:{last_io}\r\n\
             master_sync_in_progress:{}\r\nslave_read_repl_offset:{}\r\nslave_repl_offset:{}\r\n",
            target.host,
            target.port,
            if up { "up" } else { "down" },
            u8::from(syncing),
            self.received_offset(),
            self.applied_offset(),
        );
        if syncing {
            info.push_str(&self.info_sync(now_ms));
        }
        if !up {
            let down = self.down_since_ms.map_or(-1, |since| (now_ms.saturating_sub(since) / 1000) as i64);
            info.push_str(&format!("master_link_down_since_seconds:{down}\r\n"));
        }
        info
    }

    fn info_sync(&self, now_ms: u64) -> String {
        // As Redis counts: -1 before the length has come, 0 between end marks, and the rest accordingly.
        let (total, read) = (self.transfer_total, self.transfer_read as i64);
        let left = total - read;
        let percent = if total > 0 { read as f64 * 100.0 / total as f64 } else { 0.0 };
        let last_io = now_ms.saturating_sub(self.last_io_ms) / 1000;
        format!(
            "master_sync_total_bytes:{total}\r\nmaster_sync_read_bytes:{read}\r\nmaster_sync_left_bytes:{left}\r\n\
             master_sync_perc:{percent:.2}\r\nmaster_sync_last_io_seconds_ago:{last_io}\r\n"
        )
    }
}
