//! The parameters that the node acts on, as typed fields.
//!
//! One line per honoured parameter: its field, its type and its name. A test walks the table and this list as data, so
//! that a row is honoured exactly when it has a field here.

use profile::Profile;

use crate::choices::{
    AclPubsubDefault, IoBackend, KeyspaceEvents, Loglevel, MaxmemoryPolicy, ProtectedAction,
    ReplDisklessLoad, SanitizeDumpPayload, ShutdownFlags,
};
use crate::table::Index;
use crate::value::{BufferLimit, PrimaryAddress, SavePoint, Value};

macro_rules! settings {
    ($($(#[$doc:meta])* $field:ident: $type:ty = $name:literal,)*) => {
        /// The values of all honoured parameters at one time. A parameter that the profile lacks is zero, false or empty.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Settings { $($(#[$doc])* pub $field: $type,)* }

        impl Settings {
            /// The parameters that have a field.
            pub const NAMES: &'static [&'static str] = &[$($name,)*];

            pub(crate) fn read(index: &Index, values: &[Value]) -> Settings {
                let value = |name: &str| index.find(name.as_bytes()).map(|entry| &values[entry.row]);
                Settings { $($field: Field::of(value($name)),)* }
            }
        }
    };
}

settings! {
    /// TCP port; 0 is none.
    port: u16 = "port",
    /// Addresses to listen on; `*` is all of IPv4, `::*` all of IPv6, a leading `-` makes failure harmless.
    bind: Vec<Vec<u8>> = "bind",
    /// Path of the Unix socket; empty is none.
    unixsocket: Vec<u8> = "unixsocket",
    /// Permissions of the Unix socket; 0 leaves them to the umask.
    unixsocketperm: u32 = "unixsocketperm",
    /// Length of the queue of connections to be accepted.
    tcp_backlog: u32 = "tcp-backlog",
    /// Seconds between keep-alive probes; 0 sends none.
    tcp_keepalive_seconds: u32 = "tcp-keepalive",
    /// Seconds after which an idle client is closed; 0 is never.
    timeout_seconds: u32 = "timeout",
    /// The greatest number of clients.
    maxclients: u32 = "maxclients",
    /// Whether a node without password and bind refuses other hosts.
    protected_mode: bool = "protected-mode",
    /// Limits on waiting replies, by [`crate::ClientClass`].
    client_output_buffer_limits: [BufferLimit; 3] = "client-output-buffer-limit",
    /// The greatest number of unexecuted bytes of a client.
    client_query_buffer_limit_bytes: u64 = "client-query-buffer-limit",
    /// The longest argument of a command.
    proto_max_bulk_len_bytes: u64 = "proto-max-bulk-len",
    /// The default user's password; empty is none.
    requirepass: Vec<u8> = "requirepass",
    /// The file of users, whose `user` lines the configuration file then lacks; empty is none.
    aclfile: Vec<u8> = "aclfile",
    /// Which channels new users may use.
    acl_pubsub_default: AclPubsubDefault = "acl-pubsub-default",
    /// How many denials ACL LOG keeps.
    acllog_max_len: u64 = "acllog-max-len",
    /// How many keys clients may keep copies of together, to be told when they are old; 0 is no limit.
    tracking_table_max_keys: u64 = "tracking-table-max-keys",
    /// Who may set protected parameters.
    enable_protected_configs: ProtectedAction = "enable-protected-configs",
    /// Who may use DEBUG.
    enable_debug_command: ProtectedAction = "enable-debug-command",

    /// Number of databases.
    databases: u32 = "databases",
    /// Memory limit in bytes; 0 is none.
    maxmemory_bytes: u64 = "maxmemory",
    /// What all clients together may hold, in bytes; negative is so many percent of `maxmemory`, 0 is no limit.
    maxmemory_clients: i64 = "maxmemory-clients",
    /// What is evicted at the limit.
    maxmemory_policy: MaxmemoryPolicy = "maxmemory-policy",
    /// How many keys are compared for one eviction.
    maxmemory_samples: u32 = "maxmemory-samples",
    /// How slowly frequency counters rise.
    lfu_log_factor: u32 = "lfu-log-factor",
    /// Minutes after which the frequency counter falls by one.
    lfu_decay_time_minutes: u32 = "lfu-decay-time",
    /// Whether eviction frees memory in the background.
    lazyfree_lazy_eviction: bool = "lazyfree-lazy-eviction",
    /// Whether expiry frees memory in the background.
    lazyfree_lazy_expire: bool = "lazyfree-lazy-expire",
    /// Whether overwriting frees memory in the background.
    lazyfree_lazy_server_del: bool = "lazyfree-lazy-server-del",
    /// Whether DEL is UNLINK.
    lazyfree_lazy_user_del: bool = "lazyfree-lazy-user-del",
    /// Whether FLUSHALL and FLUSHDB are asynchronous when they don't say.
    lazyfree_lazy_user_flush: bool = "lazyfree-lazy-user-flush",
    /// Whether entries are moved out of sparse pages of memory.
    activedefrag: bool = "activedefrag",
    /// Below so many bytes that could be freed there is no defragmentation.
    active_defrag_ignore_bytes: u64 = "active-defrag-ignore-bytes",
    /// Below so many percent of what is used there is none.
    active_defrag_threshold_lower: u32 = "active-defrag-threshold-lower",
    /// From so many percent on it uses as much of a core as it may.
    active_defrag_threshold_upper: u32 = "active-defrag-threshold-upper",
    /// The least percent of a core that it uses.
    active_defrag_cycle_min: u32 = "active-defrag-cycle-min",
    /// The most percent of a core that it uses.
    active_defrag_cycle_max: u32 = "active-defrag-cycle-max",
    /// How long it works at a time, in microseconds.
    active_defrag_cycle_us: u32 = "active-defrag-cycle-us",
    /// The most fields of a hash in a listpack.
    hash_max_listpack_entries: u64 = "hash-max-listpack-entries",
    /// The longest field or value of a hash in a listpack, in bytes.
    hash_max_listpack_value_bytes: u64 = "hash-max-listpack-value",
    /// The most members of a set that is an intset.
    set_max_intset_entries: u64 = "set-max-intset-entries",
    /// The most members of a set in a listpack.
    set_max_listpack_entries: u64 = "set-max-listpack-entries",
    /// The longest member of a set in a listpack, in bytes.
    set_max_listpack_value_bytes: u64 = "set-max-listpack-value",
    /// The most members of a sorted set in a listpack.
    zset_max_listpack_entries: u64 = "zset-max-listpack-entries",
    /// The longest member of a sorted set in a listpack, in bytes.
    zset_max_listpack_value_bytes: u64 = "zset-max-listpack-value",
    /// The most bytes of a HyperLogLog that is sparse.
    hll_sparse_max_bytes: u64 = "hll-sparse-max-bytes",
    /// The most elements of a list node; negative is a size class from -1 (4 KB) to -5 (64 KB).
    list_max_listpack_size: i32 = "list-max-listpack-size",
    /// The most bytes of a stream's node; 0 is no limit.
    stream_node_max_bytes: u64 = "stream-node-max-bytes",
    /// The most entries of a stream's node; 0 is no limit.
    stream_node_max_entries: u64 = "stream-node-max-entries",
    /// How many nodes at each end of a list stay uncompressed; 0 compresses none.
    list_compress_depth: u32 = "list-compress-depth",

    /// The working directory.
    dir: Vec<u8> = "dir",
    /// The snapshot's file name within the working directory.
    dbfilename: Vec<u8> = "dbfilename",
    /// When a snapshot is due.
    save: Vec<SavePoint> = "save",
    /// Whether strings in snapshots are compressed.
    rdbcompression: bool = "rdbcompression",
    /// Whether snapshots carry a checksum.
    rdbchecksum: bool = "rdbchecksum",
    /// Whether writes are refused after a snapshot failed.
    stop_writes_on_bgsave_error: bool = "stop-writes-on-bgsave-error",
    /// Whether a snapshot is brought to the disk as it grows.
    rdb_save_incremental_fsync: bool = "rdb-save-incremental-fsync",
    /// A pause after each key that is saved; negative is the number of keys for one microsecond.
    rdb_key_save_delay_us: i32 = "rdb-key-save-delay",
    /// A pause after each key that is loaded; negative is the number of keys for one microsecond.
    key_load_delay_us: i32 = "key-load-delay",

    /// The primary to follow from the start.
    replicaof: Option<PrimaryAddress> = "replicaof",
    /// Password for the primary; empty is none.
    masterauth: Vec<u8> = "masterauth",
    /// User for the primary; empty is the default user.
    masteruser: Vec<u8> = "masteruser",
    /// Size of the replication backlog.
    repl_backlog_size_bytes: u64 = "repl-backlog-size",
    /// Seconds after the last replica left until the backlog is freed; 0 is never.
    repl_backlog_ttl_seconds: u64 = "repl-backlog-ttl",
    /// Seconds of silence after which a replication link is dead.
    repl_timeout_seconds: u32 = "repl-timeout",
    /// Seconds between a primary's pings to its replicas.
    repl_ping_replica_period_seconds: u32 = "repl-ping-replica-period",
    /// Whether small packets to replicas may wait to be joined.
    repl_disable_tcp_nodelay: bool = "repl-disable-tcp-nodelay",
    /// Whether a full synchronisation goes straight to the socket.
    repl_diskless_sync: bool = "repl-diskless-sync",
    /// Seconds to wait for more replicas before a full synchronisation starts.
    repl_diskless_sync_delay_seconds: u32 = "repl-diskless-sync-delay",
    /// Replicas that start a full synchronisation at once; 0 waits out the delay.
    repl_diskless_sync_max_replicas: u32 = "repl-diskless-sync-max-replicas",
    /// How a replica loads a full synchronisation.
    repl_diskless_load: ReplDisklessLoad = "repl-diskless-load",
    /// Whether a replica refuses writes.
    replica_read_only: bool = "replica-read-only",
    /// Whether a replica without its primary answers reads.
    replica_serve_stale_data: bool = "replica-serve-stale-data",
    /// Whether a replica empties itself in the background.
    replica_lazy_flush: bool = "replica-lazy-flush",
    /// Whether a replica leaves eviction to its primary.
    replica_ignore_maxmemory: bool = "replica-ignore-maxmemory",
    /// Rank for promotion; 0 is never.
    replica_priority: u32 = "replica-priority",
    /// The address a replica announces; empty is its own.
    replica_announce_ip: Vec<u8> = "replica-announce-ip",
    /// The port a replica announces; 0 is its own.
    replica_announce_port: u16 = "replica-announce-port",
    /// Whether a replica is shown to monitors.
    replica_announced: bool = "replica-announced",
    /// Replicas that writes need; 0 needs none.
    min_replicas_to_write: u32 = "min-replicas-to-write",
    /// Seconds of lag up to which a replica counts.
    min_replicas_max_lag_seconds: u32 = "min-replicas-max-lag",

    /// The least severe level that is logged.
    loglevel: Loglevel = "loglevel",
    /// The log's file; empty is the standard output.
    logfile: Vec<u8> = "logfile",
    /// Whether the start shows the server, its port and its process in large letters.
    always_show_logo: bool = "always-show-logo",
    /// Whether the process leaves the terminal that started it.
    daemonize: bool = "daemonize",
    /// The file that holds the process id; empty is none, or the usual place for a process that left its terminal.
    pidfile: Vec<u8> = "pidfile",
    /// Microseconds from which a command is slow; negative logs none, 0 all.
    slowlog_log_slower_than_us: i64 = "slowlog-log-slower-than",
    /// How many slow commands are kept.
    slowlog_max_len: u64 = "slowlog-max-len",
    /// Whether latency is tracked by command.
    latency_tracking: bool = "latency-tracking",
    /// The percentiles that INFO shows.
    latency_tracking_info_percentiles: Vec<f64> = "latency-tracking-info-percentiles",
    /// Which keyspace events are published.
    notify_keyspace_events: KeyspaceEvents = "notify-keyspace-events",
    /// Whether HELLO and INFO call the server Redis.
    extended_redis_compatibility: bool = "extended-redis-compatibility",
    /// The availability zone that INFO shows.
    availability_zone: Vec<u8> = "availability-zone",
    /// What SIGINT does.
    shutdown_on_sigint: ShutdownFlags = "shutdown-on-sigint",
    /// What SIGTERM does.
    shutdown_on_sigterm: ShutdownFlags = "shutdown-on-sigterm",
    /// Seconds a shutdown waits for replicas that lag.
    shutdown_timeout_seconds: u32 = "shutdown-timeout",

    /// Worker threads; 0 is one a core.
    workers: u32 = "workers",
    /// Connections gather on as few workers as keep up.
    gather_connections: bool = "gather-connections",
    /// The event loops' system call interface.
    io_backend: IoBackend = "io-backend",
    /// The server that the node speaks as.
    engine: Profile = "engine",
    /// A client that writes to a read-only replica is disconnected.
    close_on_replica_write: bool = "close-on-replica-write",
    /// The id of a managed node; empty is a stand-alone node.
    managed_node: Vec<u8> = "managed-node",
    /// What a managed node tells of the parameters that its agent has given it.
    managed_revision: Vec<u8> = "managed-revision",
    /// Path of the private socket of a managed node.
    private_socket: Vec<u8> = "private-socket",
}

/// A type that a field may have. A missing value comes from a profile that lacks the parameter.
trait Field {
    fn of(value: Option<&Value>) -> Self;
}

macro_rules! field {
    ($type:ty, $pattern:pat => $value:expr, $missing:expr) => {
        impl Field for $type {
            fn of(value: Option<&Value>) -> $type {
                match value {
                    None => $missing,
                    Some($pattern) => $value,
                    Some(other) => unreachable!("a field's type fits its parameter: {other:?}"),
                }
            }
        }
    };
}

macro_rules! integer_fields {
    ($($type:ty)*) => {
        $(field!($type, Value::Integer(n) => (*n).try_into().expect("the bounds of the row fit the field"), 0);)*
    };
}

macro_rules! choice_fields {
    ($($type:ty)*) => {
        $(field!($type, Value::Choice(index) => <$type>::at(*index), <$type>::at(0));)*
    };
}

integer_fields!(u16 u32 u64 i32 i64);
choice_fields!(AclPubsubDefault IoBackend Loglevel MaxmemoryPolicy ProtectedAction ReplDisklessLoad SanitizeDumpPayload);
field!(bool, Value::Bool(value) => *value, false);
field!(Vec<u8>, Value::Text(text) => text.clone(), Vec::new());
field!(Vec<Vec<u8>>, Value::Addresses(addresses) => addresses.clone(), Vec::new());
field!(Vec<SavePoint>, Value::Save(points) => points.clone(), Vec::new());
field!(Vec<f64>, Value::Percentiles(numbers) => numbers.clone(), Vec::new());
field!([BufferLimit; 3], Value::BufferLimits(limits) => *limits, [BufferLimit::default(); 3]);
field!(KeyspaceEvents, Value::KeyspaceEvents(events) => *events, KeyspaceEvents::default());
field!(ShutdownFlags, Value::Flags(bits) => ShutdownFlags(*bits), ShutdownFlags::default());
field!(Option<PrimaryAddress>, Value::Primary(primary) => primary.clone(), None);

impl Field for Profile {
    fn of(value: Option<&Value>) -> Profile {
        let Some(Value::Text(name)) = value else { unreachable!("every profile has the parameter") };
        String::from_utf8_lossy(name).parse().expect("the name was checked when it was set")
    }
}
