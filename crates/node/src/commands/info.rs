//! INFO: everything about the node that has a number.
//!
//! A section is a function that writes lines; [`SECTIONS`] lists them in the order in which they are shown. Which lines
//! there are depends on the profile. A line for something that does not exist here (the append-only file, scripts,
//! defragmentation) has the value that it has on a real server that does not use it, since tools expect the line.

use crate::cx::NodeCommand;
use crate::cx::NodeCx;
use crate::shared::Shared;
use command_spec::*;
use commands::Error;
use engine::cx::Flow;
use engine::exec::Local;
use engine::stats::Counter;
use engine::unix_ms;
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use session::outbox::CLIENT_BYTES;
use session::{ClientShared, flag};
use std::fmt::{Display, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(super) const COMMANDS: &[NodeCommand] = &[NodeCommand::new(&INFO, info)];

/// `INFO`
const INFO: Spec = Spec {
    name: "info",
    summary: "Returns information and statistics about the node, by sections.",
    since: "1.0.0",
    group: Group::Server,
    arity: -1,
    flags: Flags::LOADING.union(Flags::STALE).union(Flags::SENTINEL),
    categories: Categories::DANGEROUS,
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    args: &[Arg::string("section").optional().multiple()],
    ..Spec::BASE
};

/// A section: its name, its heading, whether it is shown when nobody asks for it, what writes it.
struct Section {
    name: &'static str,
    heading: &'static str,
    by_default: bool,
    write: fn(&Facts<'_>, &mut Lines),
}

const fn section(
    name: &'static str,
    heading: &'static str,
    by_default: bool,
    write: fn(&Facts<'_>, &mut Lines),
) -> Section {
    Section { name, heading, by_default, write }
}

const SECTIONS: &[Section] = &[
    section("server", "Server", true, server),
    section("clients", "Clients", true, clients),
    section("memory", "Memory", true, memory_section),
    section("persistence", "Persistence", true, persistence),
    section("stats", "Stats", true, stats),
    section("replication", "Replication", true, replication),
    section("cpu", "CPU", true, cpu),
    section("modules", "Modules", true, |_, _| {}),
    section("commandstats", "Commandstats", false, commandstats),
    section("errorstats", "Errorstats", true, errorstats),
    section("latencystats", "Latencystats", false, latencystats),
    section("cluster", "Cluster", true, |_, lines| lines.put("cluster_enabled", 0)),
    section("keyspace", "Keyspace", true, keyspace_section),
];

/// What sections are written from.
struct Facts<'f> {
    shared: &'f Shared,
    local: &'f Local,
    valkey: bool,
}

/// Lines of a reply.
struct Lines(String);

impl Lines {
    fn put(&mut self, name: &str, value: impl Display) {
        let _ = write!(self.0, "{name}:{value}\r\n");
    }

    /// A value that does not exist here, by each of these names.
    fn zeros(&mut self, names: &[&str]) {
        names.iter().for_each(|name| self.put(name, 0));
    }

    /// Bytes, and the same for people.
    fn bytes(&mut self, name: &str, bytes: u64) {
        self.put(name, bytes);
        self.human(name, bytes);
    }

    fn human(&mut self, name: &str, bytes: u64) {
        let _ = write!(self.0, "{name}_human:{}\r\n", human(bytes));
    }
}

fn info(cx: &mut NodeCx<'_, '_>, argv: &[&[u8]]) -> Result<Flow, Error> {
    let asked: Vec<Vec<u8>> = argv[1..].iter().map(|arg| arg.to_ascii_lowercase()).collect();
    let named = |name: &str| asked.iter().any(|asked| asked == name.as_bytes());
    // ALL leaves out what modules add, and there are none.
    let everything = named("all") || named("everything");
    let default = asked.is_empty() || named("default");
    let facts = Facts { shared: cx.shared, local: cx.local, valkey: cx.shared.profile.is_valkey() };
    let mut lines = Lines(String::with_capacity(8 << 10));
    for section in SECTIONS {
        if everything || (default && section.by_default) || named(section.name) {
            if !lines.0.is_empty() {
                lines.0.push_str("\r\n");
            }
            let _ = write!(lines.0, "# {}\r\n", section.heading);
            (section.write)(&facts, &mut lines);
        }
    }
    cx.out().verbatim(b"txt", lines.0.as_bytes());
    Ok(Flow::Done)
}

/// Bytes for people: `918.98K`.
fn human(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "K", "M", "G", "T", "P"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let unit = ((63 - bytes.leading_zeros()) / 10).min(UNITS.len() as u32 - 1);
    format!("{:.2}{}", bytes as f64 / (1u64 << (10 * unit)) as f64, UNITS[unit as usize])
}

fn server(facts: &Facts<'_>, lines: &mut Lines) {
    let Facts { shared, local, valkey } = *facts;
    let redis_names = !valkey || local.settings.extended_redis_compatibility;
    lines.put("redis_version", shared.profile.redis_version());
    if valkey {
        lines.put("server_name", "valkey");
        lines.put("valkey_version", shared.profile.version());
    }
    lines.put("redis_git_sha1", "00000000");
    lines.put("redis_git_dirty", 0);
    lines.put("redis_build_id", 0);
    lines.put(if redis_names { "redis_mode" } else { "server_mode" }, "standalone");
    lines.put("os", operating_system());
    lines.put("arch_bits", usize::BITS);
    lines.put("monotonic_clock", "POSIX clock_gettime");
    lines.put("multiplexing_api", shared.start.backend.get().copied().unwrap_or("none"));
    if !valkey {
        lines.put("atomicvar_api", "c11-builtin");
    }
    lines.put("gcc_version", "0.0.0");
    lines.put("process_id", std::process::id());
    lines.put("process_supervised", "no");
    lines.put("run_id", &shared.start.run_id);
    lines.put("tcp_port", shared.listening.port(&local.settings));
    let now_us = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    lines.put("server_time_usec", now_us.as_micros());
    let uptime_s = shared.start.instant.elapsed().as_secs();
    lines.put("uptime_in_seconds", uptime_s);
    lines.put("uptime_in_days", uptime_s / (24 * 3600));
    let hz = shared.config().value("hz").unwrap_or_default();
    lines.put("hz", String::from_utf8_lossy(&hz));
    lines.put("configured_hz", String::from_utf8_lossy(&hz));
    lines.put("lru_clock", (unix_ms() / 1000) & 0xff_ffff);
    lines.put("executable", shared.start.executable.display());
    let config_file = shared.start.config_file.as_deref();
    lines.put("config_file", config_file.map(|path| path.display().to_string()).unwrap_or_default());
    lines.put("io_threads_active", 0);
    if valkey {
        lines.put("availability_zone", String::from_utf8_lossy(&local.settings.availability_zone));
        listeners(facts, lines);
    }
    if let Some(ms) = shared.end.due_in_ms() {
        lines.put("shutdown_in_milliseconds", ms);
    }
}

fn listeners(facts: &Facts<'_>, lines: &mut Lines) {
    let settings = &facts.local.settings;
    let mut number = 0;
    if settings.port != 0 {
        let binds: String =
            settings.bind.iter().map(|bind| format!(",bind={}", String::from_utf8_lossy(bind))).collect();
        lines.put(&format!("listener{number}"), format_args!("name=tcp{binds},port={}", settings.port));
        number += 1;
    }
    if !settings.unixsocket.is_empty() {
        let path = String::from_utf8_lossy(&settings.unixsocket);
        lines.put(&format!("listener{number}"), format_args!("name=unix,bind={path}"));
    }
}

fn operating_system() -> String {
    let Ok(name) = nix::sys::utsname::uname() else { return String::new() };
    let part = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
    format!("{} {} {}", part(name.sysname()), part(name.release()), part(name.machine()))
}

fn clients(facts: &Facts<'_>, lines: &mut Lines) {
    let Facts { shared, local, valkey } = *facts;
    let all = shared.clients.all();
    let count = |has: &dyn Fn(&Arc<ClientShared>) -> bool| all.iter().filter(|client| has(client)).count();
    let most = |of: &dyn Fn(&Arc<ClientShared>) -> u64| all.iter().map(of).max().unwrap_or(0);
    let replicas = count(&|client| client.has_flag(session::flag::REPLICA));
    lines.put("connected_clients", all.len() - replicas);
    lines.put("cluster_connections", 0);
    lines.put("maxclients", local.settings.maxclients);
    lines.put("client_recent_max_input_buffer", most(&|client| client.account.input.load(Ordering::Relaxed)));
    lines.put(
        "client_recent_max_output_buffer",
        most(&|client| client.account.output.load(Ordering::Relaxed)),
    );
    // Whose command waits for the end of a pause is blocked as well.
    let paused = count(&|client| client.has_flag(session::flag::PAUSED));
    lines.put("blocked_clients", shared.clients.blocked() + paused as u64);
    lines.put("tracking_clients", 0);
    let watched = |client: &Arc<ClientShared>| client.watched.load(Ordering::Relaxed);
    if valkey {
        let listens = |client: &Arc<ClientShared>| {
            client.channels.load(Ordering::Relaxed) + client.patterns.load(Ordering::Relaxed) > 0
        };
        lines.put("pubsub_clients", count(&listens));
        lines.put("watching_clients", count(&|client| watched(client) > 0));
    }
    lines.put("clients_in_timeout_table", shared.clients.blocked());
    if valkey {
        lines.put("total_watched_keys", all.iter().map(|client| u64::from(watched(client))).sum::<u64>());
        lines.put("total_blocking_keys", engine::waits::blocking_keys(all.iter().map(|client| &**client)));
        // No command waits for a key to go away yet.
        lines.put("total_blocking_keys_on_nokey", 0);
    }
}

fn memory_section(facts: &Facts<'_>, lines: &mut Lines) {
    let Facts { shared, local, valkey } = *facts;
    let used = memory::used_bytes();
    let (rss, peak) = (memory::rss_bytes(), shared.gauges.peak_bytes());
    let at_start = shared.start.used_bytes;
    let percent = |part: u64, whole: u64| format!("{:.2}%", part as f64 * 100.0 / whole.max(1) as f64);
    let (backlog, mut for_replicas) = replica_threads::info::buffer_memory(&shared.replicas);
    let mut clients = 0;
    for client in shared.clients.all() {
        match client.has_flag(flag::REPLICA) {
            // What it has yet to be sent lies in the history.
            true => for_replicas += CLIENT_BYTES,
            false => clients += CLIENT_BYTES + client.account.bytes(),
        }
    }
    let overhead = at_start + clients + backlog + for_replicas;
    let dataset = used.saturating_sub(overhead);
    lines.bytes("used_memory", used);
    lines.bytes("used_memory_rss", rss);
    lines.bytes("used_memory_peak", peak);
    lines.put("used_memory_peak_perc", percent(used, peak));
    lines.put("used_memory_overhead", overhead);
    lines.put("used_memory_startup", at_start);
    lines.put("used_memory_dataset", dataset);
    lines.put("used_memory_dataset_perc", percent(dataset, used.saturating_sub(at_start)));
    lines.put("allocator_allocated", used);
    lines.put("allocator_active", used);
    lines.put("allocator_resident", rss);
    if valkey {
        lines.put("allocator_muzzy", 0);
    }
    lines.bytes("total_system_memory", session::outbox::machine_memory_bytes().unwrap_or(0));
    for name in ["used_memory_lua", "used_memory_vm_eval"] {
        lines.put(name, 0);
    }
    lines.human("used_memory_lua", 0);
    lines.zeros(&[
        "used_memory_scripts_eval",
        "number_of_cached_scripts",
        "number_of_functions",
        "number_of_libraries",
        "used_memory_vm_functions",
    ]);
    lines.bytes("used_memory_vm_total", 0);
    lines.put("used_memory_functions", 0);
    lines.bytes("used_memory_scripts", 0);
    lines.bytes("maxmemory", local.settings.maxmemory_bytes);
    lines.put("maxmemory_policy", local.settings.maxmemory_policy.word());
    let ratio = |part: u64, whole: u64| format!("{:.2}", part as f64 / whole.max(1) as f64);
    let over = rss as i64 - used as i64;
    lines.put("allocator_frag_ratio", "1.00");
    lines.put("allocator_frag_bytes", 0);
    lines.put("allocator_rss_ratio", ratio(rss, used));
    lines.put("allocator_rss_bytes", over);
    lines.put("rss_overhead_ratio", "1.00");
    lines.put("rss_overhead_bytes", 0);
    lines.put("mem_fragmentation_ratio", ratio(rss, used));
    lines.put("mem_fragmentation_bytes", over);
    lines.put("mem_not_counted_for_evict", engine::maxmemory::uncounted_bytes(shared));
    lines.put("mem_replication_backlog", backlog);
    lines.put("mem_total_replication_buffers", backlog + for_replicas);
    lines.put("mem_clients_slaves", for_replicas);
    lines.put("mem_clients_normal", clients);
    lines.zeros(&["mem_cluster_links", "mem_aof_buffer"]);
    lines.put("mem_allocator", memory::allocator_name());
    if valkey {
        lines.put("mem_overhead_db_hashtable_rehashing", 0);
    }
    lines.put("active_defrag_running", 0);
    // Tables that a snapshot has yet to write are freed by its thread.
    let (handed_over, adopted) = (local.lazyfree.freeing(), shared.keyspace.adopted());
    lines.put("lazyfree_pending_objects", handed_over.pending() + adopted.pending());
    lines.put("lazyfreed_objects", handed_over.freed() + adopted.freed());
}

fn stats(facts: &Facts<'_>, lines: &mut Lines) {
    let Facts { shared, valkey, .. } = *facts;
    let sum = |counter| shared.stats.sum(counter);
    let rate = |counter| shared.gauges.per_second(counter);
    let kilobytes = |counter| format!("{:.2}", rate(counter) as f64 / 1024.0);
    lines.put("total_connections_received", sum(Counter::Connections));
    lines.put("total_commands_processed", sum(Counter::Commands));
    lines.put("instantaneous_ops_per_sec", rate(Counter::Commands));
    lines.put("total_net_input_bytes", sum(Counter::BytesIn));
    lines.put("total_net_output_bytes", sum(Counter::BytesOut));
    lines.zeros(&["total_net_repl_input_bytes", "total_net_repl_output_bytes"]);
    lines.put("instantaneous_input_kbps", kilobytes(Counter::BytesIn));
    lines.put("instantaneous_output_kbps", kilobytes(Counter::BytesOut));
    lines.put("instantaneous_input_repl_kbps", "0.00");
    lines.put("instantaneous_output_repl_kbps", "0.00");
    lines.put("rejected_connections", sum(Counter::Rejected));
    let syncs = replica_threads::info::counters(&shared.replicas);
    lines.put("sync_full", syncs.full);
    lines.put("sync_partial_ok", syncs.partial_ok);
    lines.put("sync_partial_err", syncs.partial_err);
    lines.put("expired_keys", sum(Counter::Expired));
    lines.put("expired_stale_perc", "0.00");
    lines.zeros(&["expired_time_cap_reached_count", "expire_cycle_cpu_milliseconds"]);
    lines.put("evicted_keys", sum(Counter::Evicted));
    lines.put("evicted_clients", sum(Counter::EvictedClients));
    if valkey {
        lines.put("evicted_scripts", 0);
    }
    lines.zeros(&["total_eviction_exceeded_time", "current_eviction_exceeded_time"]);
    lines.put("keyspace_hits", sum(Counter::Hits));
    lines.put("keyspace_misses", sum(Counter::Misses));
    lines.put("pubsub_channels", shared.pubsub.channel_count());
    lines.put("pubsub_patterns", shared.pubsub.pattern_count());
    lines.zeros(&["pubsubshard_channels", "latest_fork_usec", "total_forks", "migrate_cached_sockets"]);
    lines.put("slave_expires_tracked_keys", shared.own_volatile.len());
    lines.zeros(&[
        "active_defrag_hits",
        "active_defrag_misses",
        "active_defrag_key_hits",
        "active_defrag_key_misses",
        "total_active_defrag_time",
        "current_active_defrag_time",
        "tracking_total_keys",
        "tracking_total_items",
        "tracking_total_prefixes",
        "unexpected_error_replies",
    ]);
    lines.put("total_error_replies", sum(Counter::Errors));
    lines.put("dump_payload_sanitizations", 0);
    lines.put("total_reads_processed", sum(Counter::Reads));
    lines.put("total_writes_processed", sum(Counter::Writes));
    lines.zeros(&["io_threaded_reads_processed", "io_threaded_writes_processed"]);
    if valkey {
        valkey_stats(facts, lines);
    } else {
        lines.zeros(&["reply_buffer_shrinks", "reply_buffer_expands"]);
    }
}

/// The lines of section Stats that only Valkey has.
fn valkey_stats(facts: &Facts<'_>, lines: &mut Lines) {
    let shared = facts.shared;
    let sum = |counter| shared.stats.sum(counter);
    lines.zeros(&[
        "io_threaded_freed_objects",
        "io_threaded_poll_processed",
        "io_threaded_total_prefetch_batches",
        "io_threaded_total_prefetch_entries",
    ]);
    lines.put("client_query_buffer_limit_disconnections", sum(Counter::QueryLimit));
    lines.put("client_output_buffer_limit_disconnections", sum(Counter::OutputLimit));
    lines.zeros(&["reply_buffer_shrinks", "reply_buffer_expands"]);
    let ids = 0..shared.commands.by_id().len();
    let command_ns: u64 = ids.map(|id| shared.stats.command(id).nanoseconds).sum();
    lines.put("eventloop_cycles", sum(Counter::Turns));
    lines.put("eventloop_duration_sum", sum(Counter::BusyNs) / 1000);
    lines.put("eventloop_duration_cmd_sum", command_ns / 1000);
    let turns = shared.gauges.per_second(Counter::Turns);
    let busy_us = shared.gauges.per_second(Counter::BusyNs) / 1000;
    lines.put("instantaneous_eventloop_cycles_per_sec", turns);
    lines.put("instantaneous_eventloop_duration_usec", busy_us / turns.max(1));
    lines.put("acl_access_denied_auth", sum(Counter::AuthFailures));
    lines.zeros(&["acl_access_denied_cmd", "acl_access_denied_key", "acl_access_denied_channel"]);
}

fn replication(facts: &Facts<'_>, lines: &mut Lines) {
    lines.0.push_str(&replica_threads::info::section(&facts.shared.replicas));
}

fn persistence(facts: &Facts<'_>, lines: &mut Lines) {
    let shared = facts.shared;
    lines.put("loading", u8::from(shared.loading.load(Ordering::Relaxed)));
    lines.zeros(&["async_loading", "current_cow_peak", "current_cow_size", "current_cow_size_age"]);
    let info = shared.persistence.info();
    let saving = info.running.filter(|(kind, _)| *kind == snapshot::Kind::Save).map(|(_, seconds)| seconds);
    // A snapshot for replicas is one as well, whether it goes to a file or to sockets.
    let saving = saving.or_else(|| replica_threads::info::snapshot_seconds(&shared.replicas));
    let (processed, total) = info.keys;
    let percent = if total == 0 { 0.0 } else { processed as f64 * 100.0 / total as f64 };
    lines.put("current_fork_perc", format_args!("{percent:.2}"));
    lines.put("current_save_keys_processed", processed);
    lines.put("current_save_keys_total", total);
    lines.put("rdb_changes_since_last_save", info.changes);
    lines.put("rdb_bgsave_in_progress", u8::from(saving.is_some()));
    lines.put("rdb_last_save_time", info.report.last_save_s);
    lines.put("rdb_last_bgsave_status", if info.report.last_ok { "ok" } else { "err" });
    let seconds = |seconds: Option<u64>| seconds.map_or(-1, |seconds| seconds as i64);
    lines.put("rdb_last_bgsave_time_sec", seconds(info.report.last_duration_s));
    lines.put("rdb_current_bgsave_time_sec", seconds(saving));
    lines.put("rdb_saves", info.report.saves);
    lines.zeros(&["rdb_last_cow_size"]);
    let loads = &shared.persistence.load_progress;
    lines.put("rdb_last_load_keys_expired", loads.keys_expired.load(Ordering::Relaxed));
    lines.put("rdb_last_load_keys_loaded", loads.keys_loaded.load(Ordering::Relaxed));
    lines.zeros(&["aof_enabled", "aof_rewrite_in_progress", "aof_rewrite_scheduled"]);
    lines.put("aof_last_rewrite_time_sec", -1);
    lines.put("aof_current_rewrite_time_sec", -1);
    lines.put("aof_last_bgrewrite_status", "ok");
    lines.zeros(&["aof_rewrites", "aof_rewrites_consecutive_failures"]);
    lines.put("aof_last_write_status", "ok");
    lines.zeros(&["aof_last_cow_size", "module_fork_in_progress", "module_fork_last_cow_size"]);
    if shared.loading.load(Ordering::Relaxed) {
        let began_s = loads.began_s.load(Ordering::Relaxed);
        let (loaded, total) =
            (loads.loaded_bytes.load(Ordering::Relaxed), loads.total_bytes.load(Ordering::Relaxed));
        let elapsed_s = (engine::unix_ms() / 1000).saturating_sub(began_s);
        lines.put("loading_start_time", began_s);
        lines.put("loading_total_bytes", total);
        lines.put("loading_rdb_used_mem", 0);
        lines.put("loading_loaded_bytes", loaded);
        let percent = if total == 0 { 0.0 } else { loaded as f64 * 100.0 / total as f64 };
        lines.put("loading_loaded_perc", format_args!("{percent:.2}"));
        let eta_s = (elapsed_s * total.saturating_sub(loaded)).checked_div(loaded).unwrap_or(1);
        lines.put("loading_eta_seconds", eta_s);
    }
}

fn cpu(_: &Facts<'_>, lines: &mut Lines) {
    let mut times = |who: UsageWho, suffix: &str| {
        let usage: Option<Usage> = getrusage(who).ok();
        let seconds = |time: Option<nix::sys::time::TimeVal>| {
            let us = time.map_or(0, |time| time.num_microseconds());
            format!("{}.{:06}", us / 1_000_000, us % 1_000_000)
        };
        lines.put(&format!("used_cpu_sys{suffix}"), seconds(usage.map(|usage| usage.system_time())));
        lines.put(&format!("used_cpu_user{suffix}"), seconds(usage.map(|usage| usage.user_time())));
    };
    times(UsageWho::RUSAGE_SELF, "");
    times(UsageWho::RUSAGE_CHILDREN, "_children");
    // The worker that answers stands for the one thread that executes commands elsewhere.
    #[cfg(target_os = "linux")]
    times(UsageWho::RUSAGE_THREAD, "_main_thread");
}

fn commandstats(facts: &Facts<'_>, lines: &mut Lines) {
    for command in facts.shared.commands.by_id() {
        let stats = facts.shared.stats.command(command.run.id);
        if stats.calls + stats.failed + stats.rejected == 0 {
            continue;
        }
        let us = stats.nanoseconds / 1000;
        let us_per_call = if stats.calls == 0 { 0.0 } else { us as f64 / stats.calls as f64 };
        let _ = write!(
            lines.0,
            "cmdstat_{}:calls={},usec={us},usec_per_call={us_per_call:.2},rejected_calls={},failed_calls={}\r\n",
            command.run.full_name, stats.calls, stats.rejected, stats.failed
        );
    }
}

fn errorstats(facts: &Facts<'_>, lines: &mut Lines) {
    for (code, count) in facts.shared.stats.errors() {
        let _ = write!(lines.0, "errorstat_{code}:count={count}\r\n");
    }
}

fn latencystats(facts: &Facts<'_>, lines: &mut Lines) {
    let percentiles = &facts.local.settings.latency_tracking_info_percentiles;
    for command in facts.shared.commands.by_id() {
        let Some(latencies) = facts.shared.stats.latencies(command.run.id) else { continue };
        let shown: Vec<String> = percentiles
            .iter()
            .map(|&percent| format!("p{percent}={:.3}", latencies.percentile(percent) as f64 / 1000.0))
            .collect();
        lines.put(&format!("latency_percentiles_usec_{}", command.run.full_name), shown.join(","));
    }
}

fn keyspace_section(facts: &Facts<'_>, lines: &mut Lines) {
    let space = &facts.shared.keyspace;
    for db in 0..space.databases() as u16 {
        let (keys, expires) = (space.len(db), space.volatile_len(db));
        if keys > 0 {
            lines.put(&format!("db{db}"), format_args!("keys={keys},expires={expires},avg_ttl=0"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_for_people() {
        let shown = [0, 1023, 1024, 941_040, 12_062_720, 25_274_793_984].map(human);
        assert_eq!(shown, ["0B", "1023B", "1.00K", "918.98K", "11.50M", "23.54G"]);
    }
}
