//! The closed sets of words that some parameters take, in the order in which the error message lists them.

/// Makes an enum of words: its names as a slice for the table, and the way back from a position in that slice.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// The words, in the order of the variants.
            pub const WORDS: &'static [&'static str] = &[$($word,)*];
            const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The word of this variant.
            pub const fn word(self) -> &'static str {
                Self::WORDS[self as usize]
            }

            pub(crate) fn at(index: usize) -> $name {
                Self::ALL[index]
            }
        }
    };
}

words! {
    /// What is removed when `maxmemory` is reached.
    MaxmemoryPolicy {
        /// The least recently used of the keys with an expiry.
        VolatileLru = "volatile-lru",
        /// The least frequently used of the keys with an expiry.
        VolatileLfu = "volatile-lfu",
        /// Any of the keys with an expiry.
        VolatileRandom = "volatile-random",
        /// Those that expire soonest.
        VolatileTtl = "volatile-ttl",
        /// The least recently used of all keys.
        AllkeysLru = "allkeys-lru",
        /// The least frequently used of all keys.
        AllkeysLfu = "allkeys-lfu",
        /// Any key.
        AllkeysRandom = "allkeys-random",
        /// Nothing: writes that need memory answer OOM.
        Noeviction = "noeviction",
    }
}

impl MaxmemoryPolicy {
    /// Whether only keys with an expiry are removed.
    pub const fn is_volatile(self) -> bool {
        matches!(
            self,
            MaxmemoryPolicy::VolatileLru
                | MaxmemoryPolicy::VolatileLfu
                | MaxmemoryPolicy::VolatileRandom
                | MaxmemoryPolicy::VolatileTtl
        )
    }

    /// Whether access clocks are counters of frequency.
    pub const fn is_lfu(self) -> bool {
        matches!(self, MaxmemoryPolicy::AllkeysLfu | MaxmemoryPolicy::VolatileLfu)
    }
}

words! {
    /// The least severe level that is logged.
    Loglevel {
        /// Everything.
        Debug = "debug",
        /// Rarely useful detail.
        Verbose = "verbose",
        /// What one wants in production.
        Notice = "notice",
        /// Only what is important.
        Warning = "warning",
        /// Not a line (Valkey).
        Nothing = "nothing",
    }
}
words! {
    /// Who may use a protected command or set a protected parameter.
    ProtectedAction {
        /// Nobody.
        No = "no",
        /// Everybody.
        Yes = "yes",
        /// Connections from this host only.
        Local = "local",
    }
}
words! {
    /// How a replica takes a full synchronisation that comes without a file.
    ReplDisklessLoad {
        /// Through a file on disk.
        Disabled = "disabled",
        /// Straight from the socket when the keyspace is empty.
        OnEmptyDb = "on-empty-db",
        /// Straight from the socket beside the old keyspace, which is swapped out at the end.
        Swapdb = "swapdb",
    }
}
words! {
    /// How thoroughly DUMP payloads and RDB files are checked before use.
    SanitizeDumpPayload {
        /// Only their checksum.
        No = "no",
        /// Fully, always.
        Yes = "yes",
        /// Fully when they come from clients without the `skip-sanitize-payload` flag.
        Clients = "clients",
    }
}
words! {
    /// The channels a new ACL user may use.
    AclPubsubDefault {
        /// All of them.
        Allchannels = "allchannels",
        /// None of them.
        Resetchannels = "resetchannels",
    }
}
words! {
    /// Which system call interface the event loops use.
    IoBackend {
        /// `io_uring` where the kernel permits it, else `epoll`.
        Auto = "auto",
        /// `io_uring`, or refuse to start.
        IoUring = "io_uring",
        /// `epoll`.
        Epoll = "epoll",
    }
}

/// Words of parameters that are not acted on, so that they need no type.
pub(crate) mod lists {
    pub(crate) const APPENDFSYNC: &[&str] = &["everysec", "always", "no"];
    pub(crate) const LOGLEVEL_REDIS: &[&str] = &["debug", "verbose", "notice", "warning"];
    pub(crate) const OOM_SCORE_ADJ: &[&str] = &["no", "yes", "relative", "absolute"];
    pub(crate) const SUPERVISED: &[&str] = &["upstart", "systemd", "auto", "no"];
    pub(crate) const SYSLOG_FACILITY: &[&str] =
        &["user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"];
    pub(crate) const ENDPOINT_TYPE: &[&str] = &["ip", "hostname", "unknown-endpoint"];
    pub(crate) const PROPAGATION_ERROR: &[&str] = &["ignore", "panic", "panic-on-replicas"];
    pub(crate) const TLS_AUTH_CLIENTS: &[&str] = &["no", "yes", "optional"];
    pub(crate) const TLS_AUTH_CLIENTS_USER: &[&str] = &["CN", "URI", "off"];
    pub(crate) const LOG_FORMAT: &[&str] = &["legacy", "logfmt", "json"];
    pub(crate) const LOG_TIMESTAMP_FORMAT: &[&str] = &["legacy", "iso8601", "milliseconds"];
    pub(crate) const CLUSTER_CONFIG_SAVE: &[&str] = &["sync", "best-effort"];
    pub(crate) const RDB_VERSION_CHECK: &[&str] = &["strict", "relaxed"];
}

/// What a signal does, as a set: the words of `shutdown-on-sigint` and `shutdown-on-sigterm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShutdownFlags(pub u32);

impl ShutdownFlags {
    /// The words and their bits. `default` is the empty set.
    pub const WORDS: &'static [(&'static str, u32)] =
        &[("default", 0), ("save", 1), ("nosave", 2), ("now", 4), ("force", 8)];
    /// Save even without save points.
    pub const SAVE: u32 = 1;
    /// Do not save even with save points.
    pub const NOSAVE: u32 = 2;
    /// Do not wait for replicas that lag.
    pub const NOW: u32 = 4;
    /// Go on when saving fails.
    pub const FORCE: u32 = 8;

    /// Whether the given bit is in the set.
    pub const fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }
}

/// Which keyspace events are published: the letters of `notify-keyspace-events` as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyspaceEvents(pub u32);

impl KeyspaceEvents {
    /// `K`: publish to `__keyspace@<db>__:<key>`.
    pub const KEYSPACE: u32 = 1 << 0;
    /// `E`: publish to `__keyevent@<db>__:<event>`.
    pub const KEYEVENT: u32 = 1 << 1;
    /// `g`: commands of no one type (DEL, EXPIRE, RENAME).
    pub const GENERIC: u32 = 1 << 2;
    /// `$`: strings.
    pub const STRING: u32 = 1 << 3;
    /// `l`: lists.
    pub const LIST: u32 = 1 << 4;
    /// `s`: sets.
    pub const SET: u32 = 1 << 5;
    /// `h`: hashes.
    pub const HASH: u32 = 1 << 6;
    /// `z`: sorted sets.
    pub const ZSET: u32 = 1 << 7;
    /// `x`: a key expired.
    pub const EXPIRED: u32 = 1 << 8;
    /// `e`: a key was evicted.
    pub const EVICTED: u32 = 1 << 9;
    /// `t`: streams.
    pub const STREAM: u32 = 1 << 10;
    /// `m`: a key was looked for and not found.
    pub const KEY_MISS: u32 = 1 << 11;
    /// `d`: types of modules.
    pub const MODULE: u32 = 1 << 13;
    /// `n`: a key came into being.
    pub const NEW: u32 = 1 << 14;
    /// `A`: everything except `m` and `n`.
    pub const ALL: u32 = Self::GENERIC
        | Self::STRING
        | Self::LIST
        | Self::SET
        | Self::HASH
        | Self::ZSET
        | Self::EXPIRED
        | Self::EVICTED
        | Self::STREAM
        | Self::MODULE;

    /// The letters within `A`, and `n`, in the order in which they are written.
    const CLASSES: [(u8, u32); 11] = [
        (b'g', Self::GENERIC),
        (b'$', Self::STRING),
        (b'l', Self::LIST),
        (b's', Self::SET),
        (b'h', Self::HASH),
        (b'z', Self::ZSET),
        (b'x', Self::EXPIRED),
        (b'e', Self::EVICTED),
        (b't', Self::STREAM),
        (b'd', Self::MODULE),
        (b'n', Self::NEW),
    ];
    const OTHERS: [(u8, u32); 3] = [(b'K', Self::KEYSPACE), (b'E', Self::KEYEVENT), (b'm', Self::KEY_MISS)];

    /// Reads the letters; `None` when one is unknown.
    pub fn parse(text: &[u8]) -> Option<KeyspaceEvents> {
        text.iter().try_fold(KeyspaceEvents(0), |events, letter| {
            let all = [(b'A', Self::ALL)];
            let known = Self::CLASSES.iter().chain(&Self::OTHERS).chain(&all);
            let (_, bit) = known.into_iter().find(|(known, _)| known == letter)?;
            Some(KeyspaceEvents(events.0 | bit))
        })
    }

    /// Writes the letters as CONFIG GET does; with `A` the letter `n` is not written, as the real server does.
    pub fn letters(self) -> String {
        let mut letters = String::new();
        let push = |letters: &mut String, list: &[(u8, u32)]| {
            list.iter()
                .filter(|(_, bit)| self.has(*bit))
                .for_each(|(letter, _)| letters.push(char::from(*letter)));
        };
        if self.0 & Self::ALL == Self::ALL {
            letters.push('A');
        } else {
            push(&mut letters, &Self::CLASSES);
        }
        push(&mut letters, &Self::OTHERS);
        letters
    }

    /// Whether any of the given bits is set.
    pub const fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }
}
