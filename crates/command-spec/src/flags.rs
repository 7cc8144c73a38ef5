//! Flags, ACL categories and groups, under the names that `COMMAND INFO` and `ACL CAT` show.

use bitflags::bitflags;

bitflags! {
    /// Command flags.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Flags: u32 {
        /// May change the keyspace.
        const WRITE = 1;
        /// Never changes the keyspace.
        const READONLY = 1 << 1;
        /// Refused when memory is over `maxmemory`.
        const DENYOOM = 1 << 2;
        /// Administration.
        const ADMIN = 1 << 3;
        /// Publish and subscribe.
        const PUBSUB = 1 << 4;
        /// Not from scripts.
        const NOSCRIPT = 1 << 5;
        /// May block the client.
        const BLOCKING = 1 << 6;
        /// Allowed while the data set is loaded.
        const LOADING = 1 << 7;
        /// Allowed on a replica whose data is stale.
        const STALE = 1 << 8;
        /// Not shown to MONITOR.
        const SKIP_MONITOR = 1 << 9;
        /// Not kept by the slow log.
        const SKIP_SLOWLOG = 1 << 10;
        /// Implies ASKING in cluster mode.
        const ASKING = 1 << 11;
        /// Of constant or logarithmic cost.
        const FAST = 1 << 12;
        /// Allowed before authentication.
        const NO_AUTH = 1 << 13;
        /// Replicated though it writes no key.
        const MAY_REPLICATE = 1 << 14;
        /// Exists on a sentinel too.
        const SENTINEL = 1 << 15;
        /// May come without any key though it has key specs.
        const NO_MANDATORY_KEYS = 1 << 16;
        /// Guarded by a configuration switch.
        const PROTECTED = 1 << 17;
        /// Allowed while a script or another long command runs.
        const ALLOW_BUSY = 1 << 18;
        /// Not inside MULTI.
        const NO_MULTI = 1 << 19;
        /// Not during an asynchronous load.
        const NO_ASYNC_LOADING = 1 << 20;
        /// The legacy range (first key, last key, step) does not give all keys.
        const MOVABLE_KEYS = 1 << 21;
        /// Works on keys that its specs do not name.
        const TOUCHES_ARBITRARY_KEYS = 1 << 22;
    }

    /// How a command affects the handling of requests. Not shown to clients.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Behaviour: u16 {
        /// Acts at once inside MULTI instead of being queued.
        const RUNS_IN_MULTI = 1;
        /// Begins a transaction.
        const BEGINS_TRANSACTION = 1 << 1;
        /// Runs the commands that its client has queued, so it is admitted by what those do.
        const RUNS_QUEUE = 1 << 2;
        /// Its need depends on its arguments, so that inside EXEC it is the world.
        const WORLD_IN_EXEC = 1 << 3;
        /// Allowed to a RESP2 client that is subscribed to something.
        const RUNS_SUBSCRIBED = 1 << 4;
        /// Answers by notices, which CLIENT REPLY does not switch off.
        const ANSWERS_BY_NOTICES = 1 << 5;
        /// Later bytes must not be framed before it has run: it may close the connection or hand it over.
        const ENDS_FRAMING = 1 << 6;
        /// May authenticate its client, which changes the client's limits.
        const AUTHENTICATES = 1 << 7;
        /// Later commands run in the database that it names.
        const SELECTS_DATABASE = 1 << 8;
        /// In a replication stream: shows that the primary is alive, and has no other effect.
        const KEEPS_LINK_ALIVE = 1 << 9;
        /// In a replication stream: the primary configures the link.
        const CONFIGURES_LINK = 1 << 10;
        /// What CLIENT CACHING has said holds for the command behind it.
        const KEEPS_CACHING = 1 << 11;
    }

    /// ACL categories.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Categories: u32 {
        /// `@keyspace`
        const KEYSPACE = 1;
        /// `@read`
        const READ = 1 << 1;
        /// `@write`
        const WRITE = 1 << 2;
        /// `@set`
        const SET = 1 << 3;
        /// `@sortedset`
        const SORTEDSET = 1 << 4;
        /// `@list`
        const LIST = 1 << 5;
        /// `@hash`
        const HASH = 1 << 6;
        /// `@string`
        const STRING = 1 << 7;
        /// `@bitmap`
        const BITMAP = 1 << 8;
        /// `@hyperloglog`
        const HYPERLOGLOG = 1 << 9;
        /// `@geo`
        const GEO = 1 << 10;
        /// `@stream`
        const STREAM = 1 << 11;
        /// `@pubsub`
        const PUBSUB = 1 << 12;
        /// `@admin`
        const ADMIN = 1 << 13;
        /// `@fast`
        const FAST = 1 << 14;
        /// `@slow`
        const SLOW = 1 << 15;
        /// `@blocking`
        const BLOCKING = 1 << 16;
        /// `@dangerous`
        const DANGEROUS = 1 << 17;
        /// `@connection`
        const CONNECTION = 1 << 18;
        /// `@transaction`
        const TRANSACTION = 1 << 19;
        /// `@scripting`
        const SCRIPTING = 1 << 20;
    }
}

/// The order in which `COMMAND INFO` lists flags, with their names there; flags without a name are internal.
const FLAG_NAMES: &[(Flags, &str)] = &[
    (Flags::WRITE, "write"),
    (Flags::READONLY, "readonly"),
    (Flags::DENYOOM, "denyoom"),
    (Flags::ADMIN, "admin"),
    (Flags::PUBSUB, "pubsub"),
    (Flags::NOSCRIPT, "noscript"),
    (Flags::BLOCKING, "blocking"),
    (Flags::LOADING, "loading"),
    (Flags::STALE, "stale"),
    (Flags::SKIP_MONITOR, "skip_monitor"),
    (Flags::SKIP_SLOWLOG, "skip_slowlog"),
    (Flags::ASKING, "asking"),
    (Flags::FAST, "fast"),
    (Flags::NO_AUTH, "no_auth"),
    (Flags::MAY_REPLICATE, "may_replicate"),
    (Flags::NO_MANDATORY_KEYS, "no_mandatory_keys"),
    (Flags::NO_ASYNC_LOADING, "no_async_loading"),
    (Flags::NO_MULTI, "no_multi"),
    (Flags::MOVABLE_KEYS, "movablekeys"),
    (Flags::ALLOW_BUSY, "allow_busy"),
];

impl Flags {
    /// The names that `COMMAND INFO` shows, in its order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        FLAG_NAMES.iter().filter(move |(flag, _)| self.contains(*flag)).map(|&(_, name)| name)
    }
}

/// Categories in the order of `ACL CAT`, with their names.
const CATEGORY_NAMES: &[(Categories, &str)] = &[
    (Categories::KEYSPACE, "keyspace"),
    (Categories::READ, "read"),
    (Categories::WRITE, "write"),
    (Categories::SET, "set"),
    (Categories::SORTEDSET, "sortedset"),
    (Categories::LIST, "list"),
    (Categories::HASH, "hash"),
    (Categories::STRING, "string"),
    (Categories::BITMAP, "bitmap"),
    (Categories::HYPERLOGLOG, "hyperloglog"),
    (Categories::GEO, "geo"),
    (Categories::STREAM, "stream"),
    (Categories::PUBSUB, "pubsub"),
    (Categories::ADMIN, "admin"),
    (Categories::FAST, "fast"),
    (Categories::SLOW, "slow"),
    (Categories::BLOCKING, "blocking"),
    (Categories::DANGEROUS, "dangerous"),
    (Categories::CONNECTION, "connection"),
    (Categories::TRANSACTION, "transaction"),
    (Categories::SCRIPTING, "scripting"),
];

impl Categories {
    /// The names without `@`, in the order of `ACL CAT`.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        CATEGORY_NAMES.iter().filter(move |(category, _)| self.contains(*category)).map(|&(_, name)| name)
    }

    /// The category of this name (without `@`).
    pub fn from_name_of(name: &[u8]) -> Option<Categories> {
        CATEGORY_NAMES
            .iter()
            .find(|(_, known)| known.as_bytes().eq_ignore_ascii_case(name))
            .map(|&(category, _)| category)
    }

    /// What a command's flags say about its categories.
    pub const fn implied_by(flags: Flags) -> Categories {
        let mut all = Categories::empty();
        if flags.contains(Flags::WRITE) {
            all = all.union(Categories::WRITE);
        }
        // SELECT and friends read no data: read-only commands of the scripting group are not data reads either.
        if flags.contains(Flags::READONLY) {
            all = all.union(Categories::READ);
        }
        if flags.contains(Flags::ADMIN) {
            all = all.union(Categories::ADMIN).union(Categories::DANGEROUS);
        }
        if flags.contains(Flags::PUBSUB) {
            all = all.union(Categories::PUBSUB);
        }
        if flags.contains(Flags::FAST) {
            all = all.union(Categories::FAST);
        } else {
            all = all.union(Categories::SLOW);
        }
        if flags.contains(Flags::BLOCKING) {
            all = all.union(Categories::BLOCKING);
        }
        all
    }
}

/// The family a command belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Group {
    Generic,
    String,
    List,
    Set,
    SortedSet,
    Hash,
    PubSub,
    Transactions,
    Connection,
    Server,
    Scripting,
    HyperLogLog,
    Cluster,
    Sentinel,
    Geo,
    Stream,
    Bitmap,
}

impl Group {
    /// The name in `COMMAND DOCS`.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::List => "list",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::Hash => "hash",
            Group::PubSub => "pubsub",
            Group::Transactions => "transactions",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Scripting => "scripting",
            Group::HyperLogLog => "hyperloglog",
            Group::Cluster => "cluster",
            Group::Sentinel => "sentinel",
            Group::Geo => "geo",
            Group::Stream => "stream",
            Group::Bitmap => "bitmap",
        }
    }
}
