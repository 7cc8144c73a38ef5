//! Section Persistence.

use crate::facts::Facts;
use crate::metric::{Kind, Metric, Unit, Value, absent, counter, gauge, gauge_if, never, none_of};
use engine::unix_ms;
use std::sync::atomic::{AtomicU64, Ordering};

const NO_AOF: &str = "There is no append-only file.";
const NO_FORK: &str = "A snapshot is taken without a copy of the process.";
const NO_MODULES: &str = "There are no modules.";
const NONE: Value = Value::Signed(-1);
const OK: Value = Value::State { is: true, yes: "ok", no: "err" };

pub(crate) const METRICS: &[Metric] = &[
    gauge("loading", Unit::Flag, "Whether data is being loaded.", |f| f.is_loading().into()),
    none_of("async_loading", Unit::Flag, "No old data is served while new data is loaded."),
    none_of("current_cow_peak", Unit::Bytes, NO_FORK),
    none_of("current_cow_size", Unit::Bytes, NO_FORK),
    none_of("current_cow_size_age", Unit::Seconds, NO_FORK),
    gauge("current_fork_perc", Unit::Percent, "How much of the running snapshot is written.", |f| {
        let (processed, total) = f.persistence().keys;
        percent(processed, total)
    }),
    gauge("current_save_keys_processed", Unit::Count, "Keys that the running snapshot has written.", |f| {
        f.persistence().keys.0.into()
    }),
    gauge("current_save_keys_total", Unit::Count, "Keys that the running snapshot is to write.", |f| {
        f.persistence().keys.1.into()
    }),
    gauge("rdb_changes_since_last_save", Unit::Count, "Changes since the last file.", |f| {
        f.persistence().changes.into()
    }),
    gauge(
        "rdb_bgsave_in_progress",
        Unit::Flag,
        "Whether a snapshot is being written, to a file or to replicas.",
        |f| f.saving_seconds().is_some().into(),
    )
    .cloudwatch("SaveInProgress"),
    gauge("rdb_last_save_time", Unit::UnixSeconds, "When the last file was written.", |f| {
        f.persistence().report.last_save_s.into()
    }),
    gauge("rdb_last_bgsave_status", Unit::Flag, "Whether the last file was written to its end.", |f| {
        Value::State { is: f.persistence().report.last_ok, yes: "ok", no: "err" }
    }),
    gauge("rdb_last_bgsave_time_sec", Unit::Seconds, "How long the last file took.", |f| {
        Value::or_none(f.persistence().report.last_duration_s)
    }),
    gauge("rdb_current_bgsave_time_sec", Unit::Seconds, "How long the running snapshot has taken.", |f| {
        Value::or_none(f.saving_seconds())
    }),
    counter("rdb_saves", Unit::Count, "Files that were written.", |f| f.persistence().report.saves.into()),
    none_of("rdb_last_cow_size", Unit::Bytes, NO_FORK),
    gauge("rdb_last_load_keys_expired", Unit::Count, "Keys of the last load that had expired.", |f| {
        loads(f, |loads| &loads.keys_expired).into()
    }),
    gauge("rdb_last_load_keys_loaded", Unit::Count, "Keys of the last load.", |f| {
        loads(f, |loads| &loads.keys_loaded).into()
    }),
    none_of("aof_enabled", Unit::Flag, NO_AOF),
    none_of("aof_rewrite_in_progress", Unit::Flag, NO_AOF),
    none_of("aof_rewrite_scheduled", Unit::Flag, NO_AOF),
    absent("aof_last_rewrite_time_sec", Kind::Gauge, Unit::Seconds, NO_AOF, NONE),
    absent("aof_current_rewrite_time_sec", Kind::Gauge, Unit::Seconds, NO_AOF, NONE),
    absent("aof_last_bgrewrite_status", Kind::Gauge, Unit::Flag, NO_AOF, OK),
    never("aof_rewrites", Unit::Count, NO_AOF),
    none_of("aof_rewrites_consecutive_failures", Unit::Count, NO_AOF),
    absent("aof_last_write_status", Kind::Gauge, Unit::Flag, NO_AOF, OK),
    none_of("aof_last_cow_size", Unit::Bytes, NO_AOF),
    none_of("module_fork_in_progress", Unit::Flag, NO_MODULES),
    none_of("module_fork_last_cow_size", Unit::Bytes, NO_MODULES),
    gauge_if("loading_start_time", Unit::UnixSeconds, "When the load began.", |f| {
        while_loading(f, |f| loads(f, |loads| &loads.began_s).into())
    }),
    gauge_if("loading_total_bytes", Unit::Bytes, "Bytes of the file; 0 when that is not known.", |f| {
        while_loading(f, |f| loads(f, |loads| &loads.total_bytes).into())
    }),
    gauge_if("loading_rdb_used_mem", Unit::Bytes, "Memory of the server that wrote the file.", |f| {
        while_loading(f, |f| loads(f, |loads| &loads.writer_bytes).into())
    }),
    gauge_if("loading_loaded_bytes", Unit::Bytes, "Bytes that are loaded.", |f| {
        while_loading(f, |f| loads(f, |loads| &loads.loaded_bytes).into())
    }),
    gauge_if("loading_loaded_perc", Unit::Percent, "How much of the file is loaded.", |f| {
        while_loading(f, |f| {
            percent(loads(f, |loads| &loads.loaded_bytes), loads(f, |loads| &loads.total_bytes))
        })
    }),
    gauge_if("loading_eta_seconds", Unit::Seconds, "How long the rest takes at this pace.", |f| {
        while_loading(f, seconds_left)
    }),
];

fn loads(facts: &Facts<'_>, of: fn(&persistence::LoadProgress) -> &AtomicU64) -> u64 {
    of(&facts.server.persistence.load_progress).load(Ordering::Relaxed)
}

fn while_loading(facts: &Facts<'_>, read: fn(&Facts<'_>) -> Value) -> Option<Value> {
    facts.is_loading().then(|| read(facts))
}

fn seconds_left(facts: &Facts<'_>) -> Value {
    let (loaded, total) =
        (loads(facts, |loads| &loads.loaded_bytes), loads(facts, |loads| &loads.total_bytes));
    let elapsed_s = (unix_ms() / 1000).saturating_sub(loads(facts, |loads| &loads.began_s));
    (elapsed_s * total.saturating_sub(loaded)).checked_div(loaded).unwrap_or(1).into()
}

/// How much of the whole is done; of nothing, none.
fn percent(part: u64, whole: u64) -> Value {
    Value::two_digits(if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 })
}
