//! What INFO tells of replication.

use crate::replicas::Replicas;
use crate::replicas::now_ms;
use engine::unix_ms;
use replication::primary::{InfoProfile, SyncCounters};
use replication::replica::State;
use std::fmt::Write;
use std::sync::atomic::Ordering;

/// The lines of INFO's section Replication, without its heading.
pub fn section(replicas: &Replicas) -> String {
    let settings = replicas.settings();
    let now_ms = now_ms(replicas);
    let mut info = String::new();
    if replicas.role.is_replica.load(Ordering::Acquire) {
        info.push_str("role:slave\r\n");
        info.push_str(&link(replicas, now_ms));
        let _ = write!(
            info,
            "slave_priority:{}\r\nslave_read_only:{}\r\nreplica_announced:{}\r\n",
            settings.replica_priority,
            u8::from(settings.replica_read_only),
            u8::from(settings.replica_announced),
        );
    } else {
        info.push_str("role:master\r\n");
    }
    let profile = if replicas.profile.is_valkey() { InfoProfile::Valkey } else { InfoProfile::Redis };
    let fed = replicas.primary();
    let shown = fed.primary.info_replicas(profile, now_ms);
    let (connected, lines) = shown.split_once("\r\n").unwrap_or((&shown, ""));
    let _ = write!(info, "{connected}\r\n");
    if settings.min_replicas_to_write > 0 && settings.min_replicas_max_lag_seconds > 0 {
        let _ = write!(info, "min_slaves_good_slaves:{}\r\n", fed.primary.good_replicas(now_ms));
    }
    info.push_str(lines);
    if replicas.profile.is_valkey() {
        // Partial resynchronisation over two channels, which is never offered.
        info.push_str("replicas_waiting_psync:0\r\n");
    }
    info.push_str("master_failover_state:no-failover\r\n");
    info.push_str(&fed.primary.info_history());
    info
}

/// The state of the link to the primary that is told to others: it is up when clients are served its data.
pub fn shown_state(replicas: &Replicas, link: &crate::replicas::Link) -> State {
    link.replica.shown_state(replicas.role.link_up.load(Ordering::Acquire))
}

/// The lines about the link to the primary.
fn link(replicas: &Replicas, now_ms: u64) -> String {
    let link = replicas.link();
    let mut info = link.replica.info(shown_state(replicas, &link), now_ms);
    drop(link);
    if replicas.profile.is_valkey()
        && let Some(at) = info.find("slave_repl_offset:")
        && let Some(end) = info[at..].find("\r\n")
    {
        info.insert_str(at + end + 2, "replicas_repl_buffer_size:0\r\nreplicas_repl_buffer_peak:0\r\n");
    }
    info
}

/// `sync_full`, `sync_partial_ok` and `sync_partial_err` of INFO's section Stats.
pub fn counters(replicas: &Replicas) -> SyncCounters {
    replicas.primary().primary.counters()
}

/// `mem_replication_backlog` and `mem_clients_slaves` of INFO's section Memory, in bytes: replicas' buffers are the backlog's
/// blocks, and what these take beyond its size is theirs.
pub fn buffer_memory(replicas: &Replicas) -> (u64, u64) {
    let fed = replicas.primary();
    let held = fed.primary.backlog().map_or(0, |backlog| backlog.memory() as u64);
    let beyond = fed.primary.backlog().map_or(0, |backlog| backlog.beyond_limit());
    (held.saturating_sub(beyond), replicas.stream.unsent_bytes())
}

/// For how many seconds a snapshot for replicas has been made; `None` while none is.
pub fn snapshot_seconds(replicas: &Replicas) -> Option<u64> {
    let since_s = replicas.snapshot_since_s.load(Ordering::Relaxed);
    (since_s > 0).then(|| (unix_ms() / 1000).saturating_sub(since_s))
}
