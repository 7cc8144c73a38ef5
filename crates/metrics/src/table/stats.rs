//! Section Stats.

use crate::facts::Facts;
use crate::metric::{Kind, Metric, Unit, Value, absent, counter, gauge, never, none_of};
use engine::stats::Counter;
use engine::unix_ms;

const NO_SHARDED_CHANNELS: &str = "There are no channels of shards.";
const NO_FORK: &str = "No copy of the process is made.";
const NO_IO_THREADS: &str = "There are no I/O threads beside the workers.";
const NO_REPLY_BUFFER: &str = "Clients have no reply buffer of a fixed size.";
pub(crate) const INPUT: [Counter; 2] = [Counter::BytesIn, Counter::BytesFromPrimary];
pub(crate) const OUTPUT: [Counter; 2] = [Counter::BytesOut, Counter::BytesToReplicas];
const ZERO: Value = Value::two_digits(0.0);

pub(crate) const METRICS: &[Metric] = &[
    counter("total_connections_received", Unit::Count, "Connections that were accepted.", |f| {
        f.sum(Counter::Connections).into()
    })
    .cloudwatch("NewConnections"),
    counter("total_commands_processed", Unit::Count, "Commands that were executed.", |f| {
        f.sum(Counter::Commands).into()
    })
    .cloudwatch("ProcessedCommands"),
    gauge("instantaneous_ops_per_sec", Unit::PerSecond, "Commands a second.", |f| {
        f.per_second(Counter::Commands).into()
    }),
    counter("total_net_input_bytes", Unit::Bytes, "Bytes received, replication included.", |f| {
        INPUT.map(|counter| f.sum(counter)).iter().sum::<u64>().into()
    }),
    counter("total_net_output_bytes", Unit::Bytes, "Bytes sent, replication included.", |f| {
        OUTPUT.map(|counter| f.sum(counter)).iter().sum::<u64>().into()
    }),
    counter("total_net_repl_input_bytes", Unit::Bytes, "Bytes received from the primary.", |f| {
        f.sum(Counter::BytesFromPrimary).into()
    }),
    counter("total_net_repl_output_bytes", Unit::Bytes, "Bytes sent to replicas.", |f| {
        f.sum(Counter::BytesToReplicas).into()
    }),
    gauge("instantaneous_input_kbps", Unit::KilobytesPerSecond, "Received, replication included.", |f| {
        kilobytes(f, &INPUT)
    }),
    gauge("instantaneous_output_kbps", Unit::KilobytesPerSecond, "Sent, replication included.", |f| {
        kilobytes(f, &OUTPUT)
    }),
    gauge("instantaneous_input_repl_kbps", Unit::KilobytesPerSecond, "Received from the primary.", |f| {
        kilobytes(f, &[Counter::BytesFromPrimary])
    }),
    gauge("instantaneous_output_repl_kbps", Unit::KilobytesPerSecond, "Sent to replicas.", |f| {
        kilobytes(f, &[Counter::BytesToReplicas])
    }),
    counter("rejected_connections", Unit::Count, "Connections that were refused for maxclients.", |f| {
        f.sum(Counter::Rejected).into()
    })
    .cloudwatch("RejectedConnections"),
    counter("sync_full", Unit::Count, "Full synchronisations of replicas.", |f| {
        f.replication().syncs.full.into()
    }),
    counter("sync_partial_ok", Unit::Count, "Partial synchronisations of replicas.", |f| {
        f.replication().syncs.partial_ok.into()
    }),
    counter("sync_partial_err", Unit::Count, "Partial synchronisations that were not possible.", |f| {
        f.replication().syncs.partial_err.into()
    }),
    counter("expired_keys", Unit::Count, "Keys that expired.", |f| f.sum(Counter::Expired).into())
        .cloudwatch("Reclaimed"),
    counter("expired_fields", Unit::Count, "Fields of hashes that expired.", |f| {
        f.sum(Counter::ExpiredFields).into()
    })
    .since(9, 0),
    absent(
        "expired_stale_perc",
        Kind::Gauge,
        Unit::Percent,
        "Active expiry goes through all keys that are due, and takes no samples.",
        ZERO,
    ),
    absent(
        "expired_keys_with_volatile_items_stale_perc",
        Kind::Gauge,
        Unit::Percent,
        "Active expiry goes through all fields that are due, and takes no samples.",
        ZERO,
    )
    .since(9, 0),
    never(
        "expired_time_cap_reached_count",
        Unit::Count,
        "Active expiry has a thread of its own, which no limit of time ends early.",
    ),
    counter("expire_cycle_cpu_milliseconds", Unit::Milliseconds, "Time that active expiry took.", |f| {
        (f.sum(Counter::ExpiryNs) / 1_000_000).into()
    }),
    counter("evicted_keys", Unit::Count, "Keys that were evicted.", |f| f.sum(Counter::Evicted).into())
        .cloudwatch("Evictions"),
    counter("evicted_clients", Unit::Count, "Clients that were closed for what all clients hold.", |f| {
        f.sum(Counter::EvictedClients).into()
    }),
    never("evicted_scripts", Unit::Count, "There are no scripts.").since(8, 0),
    counter(
        "total_eviction_exceeded_time",
        Unit::Milliseconds,
        "For how long more memory was used than maxmemory allows.",
        |f| f.server.stats.exceeded.total_ms(unix_ms()).into(),
    ),
    gauge(
        "current_eviction_exceeded_time",
        Unit::Milliseconds,
        "For how long that has been so; 0 while there is room.",
        |f| f.server.stats.exceeded.current_ms(unix_ms()).into(),
    ),
    counter("keyspace_hits", Unit::Count, "Look-ups that found their key.", |f| f.sum(Counter::Hits).into())
        .cloudwatch("CacheHits"),
    counter("keyspace_misses", Unit::Count, "Look-ups that did not find it.", |f| {
        f.sum(Counter::Misses).into()
    })
    .cloudwatch("CacheMisses"),
    gauge("pubsub_channels", Unit::Count, "Channels that somebody listens to.", |f| {
        f.server.pubsub.channel_count().into()
    })
    .cloudwatch("PubSubChannels"),
    gauge("pubsub_patterns", Unit::Count, "Patterns that somebody listens by.", |f| {
        f.server.pubsub.pattern_count().into()
    }),
    none_of("pubsubshard_channels", Unit::Count, NO_SHARDED_CHANNELS).cloudwatch("PubSubShardChannels"),
    none_of("latest_fork_usec", Unit::Microseconds, NO_FORK),
    never("total_forks", Unit::Count, NO_FORK),
    gauge("migrate_cached_sockets", Unit::Count, "Connections to other servers that MIGRATE keeps.", |f| {
        f.server.connections.len().into()
    }),
    gauge("slave_expires_tracked_keys", Unit::Count, "Keys of a writable replica that expire.", |f| {
        f.server.own_volatile.len().into()
    }),
    counter("active_defrag_hits", Unit::Count, "Blocks of memory that defragmentation moved.", |f| {
        f.sum(Counter::DefragHits).into()
    })
    .cloudwatch("ActiveDefragHits"),
    never("active_defrag_misses", Unit::Count, "No move that defragmentation begins is given up."),
    counter("active_defrag_key_hits", Unit::Count, "Keys that defragmentation moved.", |f| {
        f.sum(Counter::DefragKeyHits).into()
    }),
    counter(
        "active_defrag_key_misses",
        Unit::Count,
        "Keys that defragmentation left where they were.",
        |f| f.sum(Counter::DefragKeyMisses).into(),
    ),
    counter("total_active_defrag_time", Unit::Milliseconds, "Time that defragmentation worked.", |f| {
        (f.sum(Counter::DefragNs) / 1_000_000).into()
    }),
    gauge(
        "current_active_defrag_time",
        Unit::Milliseconds,
        "For how long defragmentation has been running; 0 while it does not.",
        |f| f.server.defrag.current_ms(unix_ms()).into(),
    ),
    gauge("tracking_total_keys", Unit::Count, "Keys of which clients keep copies.", |f| {
        f.server.tracking.keys().into()
    })
    .cloudwatch("KeysTracked"),
    gauge(
        "tracking_total_items",
        Unit::Count,
        "Keys of which clients keep copies, each as often as it is kept.",
        |f| f.server.tracking.items().into(),
    ),
    gauge(
        "tracking_total_prefixes",
        Unit::Count,
        "Different prefixes of keys that clients are told of.",
        |f| f.server.tracking.prefixes().into(),
    ),
    counter(
        "unexpected_error_replies",
        Unit::Count,
        "Commands of the primary's stream that could not be applied.",
        |f| f.sum(Counter::Inapplicable).into(),
    ),
    counter("total_error_replies", Unit::Count, "Error replies.", |f| f.sum(Counter::Errors).into())
        .cloudwatch("ErrorCount"),
    never("dump_payload_sanitizations", Unit::Count, "Every payload is checked, and none is checked twice."),
    counter("total_reads_processed", Unit::Count, "Read events.", |f| f.sum(Counter::Reads).into()),
    counter("total_writes_processed", Unit::Count, "Buffers that were sent.", |f| {
        f.sum(Counter::Writes).into()
    }),
    never("io_threaded_reads_processed", Unit::Count, NO_IO_THREADS),
    never("io_threaded_writes_processed", Unit::Count, NO_IO_THREADS),
    never("io_threaded_freed_objects", Unit::Count, NO_IO_THREADS).since(8, 0),
    never("io_threaded_poll_processed", Unit::Count, NO_IO_THREADS).since(8, 0),
    never("io_threaded_total_prefetch_batches", Unit::Count, NO_IO_THREADS).since(8, 0),
    never("io_threaded_total_prefetch_entries", Unit::Count, NO_IO_THREADS).since(8, 0),
    counter(
        "client_query_buffer_limit_disconnections",
        Unit::Count,
        "Clients that were closed for their query buffers.",
        |f| f.sum(Counter::QueryLimit).into(),
    )
    .since(8, 0),
    counter(
        "client_output_buffer_limit_disconnections",
        Unit::Count,
        "Clients that were closed for their output buffers.",
        |f| f.sum(Counter::OutputLimit).into(),
    )
    .since(8, 0),
    never("reply_buffer_shrinks", Unit::Count, NO_REPLY_BUFFER),
    never("reply_buffer_expands", Unit::Count, NO_REPLY_BUFFER),
    counter("eventloop_cycles", Unit::Count, "Turns of event loops.", |f| f.sum(Counter::Turns).into())
        .since(7, 2),
    counter("eventloop_duration_sum", Unit::Microseconds, "Time that turns took.", |f| {
        (f.sum(Counter::BusyNs) / 1000).into()
    })
    .since(7, 2),
    counter("eventloop_duration_cmd_sum", Unit::Microseconds, "Time that commands took.", |f| {
        let commands = 0..f.server.commands.by_id().len();
        (commands.map(|id| f.server.stats.command(id).nanoseconds).sum::<u64>() / 1000).into()
    })
    .since(7, 2),
    gauge("instantaneous_eventloop_cycles_per_sec", Unit::PerSecond, "Turns of event loops a second.", |f| {
        f.per_second(Counter::Turns).into()
    })
    .since(7, 2),
    gauge("instantaneous_eventloop_duration_usec", Unit::Microseconds, "Time that a turn takes.", |f| {
        (f.per_second(Counter::BusyNs) / 1000 / f.per_second(Counter::Turns).max(1)).into()
    })
    .since(7, 2),
    counter("acl_access_denied_auth", Unit::Count, "Refusals for a wrong or missing password.", |f| {
        f.sum(Counter::AuthFailures).into()
    })
    .since(7, 2)
    .cloudwatch("AuthenticationFailures"),
    counter("acl_access_denied_cmd", Unit::Count, "Commands that the rules of users denied.", |f| {
        f.sum(Counter::DeniedCommands).into()
    })
    .since(7, 2)
    .cloudwatch("CommandAuthorizationFailures"),
    counter("acl_access_denied_key", Unit::Count, "Commands that were denied for a key.", |f| {
        f.sum(Counter::DeniedKeys).into()
    })
    .since(7, 2)
    .cloudwatch("KeyAuthorizationFailures"),
    counter("acl_access_denied_channel", Unit::Count, "Commands that were denied for a channel.", |f| {
        f.sum(Counter::DeniedChannels).into()
    })
    .since(7, 2)
    .cloudwatch("ChannelAuthorizationFailures"),
    counter("acl_access_denied_db", Unit::Count, "Commands that were denied for a database.", |f| {
        f.sum(Counter::DeniedDatabases).into()
    })
    .since(9, 1),
];

fn kilobytes(facts: &Facts<'_>, counters: &[Counter]) -> Value {
    let bytes: u64 = counters.iter().map(|&counter| facts.per_second(counter)).sum();
    Value::two_digits(bytes as f64 / 1024.0)
}
