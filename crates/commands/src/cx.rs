//! What a command may access.

use crate::{Effort, Peers, Piece};
use config::Settings;
use keyspace::{AccessClock, EventClass, Expiry, Keys, Lfu};
use number::DoubleText;
use profile::Profile;
use resp::Writer;
use structures::Limits;

/// The context of one command.
#[derive(Debug)]
pub struct Cx<'c, 'g> {
    /// The keys of its database, under its locks; also the time and the effects.
    pub keys: Keys<'c, 'g>,
    /// Its reply. An error is returned, never written.
    pub out: Writer<'c>,
    /// The parameters of the node.
    pub settings: &'c Settings,
    /// What is derived from them, and what is not a parameter.
    pub options: &'c Options,
    /// Random numbers.
    pub random: &'c mut Random,
    /// How long it may take.
    pub effort: Effort,
    /// Other servers.
    pub peers: &'c dyn Peers,
    /// Whether it may block: not inside MULTI or a script.
    pub may_block: bool,
    /// Whether it may read keys that no argument names.
    pub may_read_all_keys: bool,
    /// The piece of a walk that runs: without one, a walk runs to its end.
    pub piece: Option<Piece<'c>>,
    /// The key that became ready, when a blocked command is run again because of it.
    pub ready: Option<&'c [u8]>,
}

/// What data commands depend on besides the parameters. It is made anew when the settings change.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which server this is.
    pub profile: Profile,
    /// Thresholds of compact encodings, as the settings have them.
    pub limits: Limits,
    /// Whether the checksum of DUMP payloads is verified; DEBUG can switch this off.
    pub verify_payloads: bool,
    /// What access clocks are under the eviction policy.
    pub clock: AccessClock,
}

impl Options {
    /// The options of a profile and its settings, before DEBUG changes any.
    pub fn new(profile: Profile, settings: &Settings) -> Options {
        Options {
            profile,
            limits: limits(settings, profile),
            verify_payloads: true,
            clock: access_clock(settings),
        }
    }
}

/// What access clocks are under the eviction policy.
pub fn access_clock(settings: &Settings) -> AccessClock {
    match settings.maxmemory_policy.is_lfu() {
        false => AccessClock::Lru,
        true => AccessClock::Lfu(Lfu {
            log_factor: settings.lfu_log_factor,
            decay_min: settings.lfu_decay_time_minutes,
        }),
    }
}

/// Thresholds of compact encodings, in the terms of the structures.
pub fn limits(settings: &Settings, profile: Profile) -> Limits {
    Limits {
        list_max_listpack_size: settings.list_max_listpack_size.into(),
        list_compress_depth: settings.list_compress_depth,
        hash_max_listpack_entries: settings.hash_max_listpack_entries as usize,
        hash_max_listpack_value: settings.hash_max_listpack_value_bytes as usize,
        set_max_intset_entries: settings.set_max_intset_entries as usize,
        // Versions whose sets have no listpacks lack the parameters, which are 0 then.
        set_max_listpack_entries: settings.set_max_listpack_entries as usize,
        set_max_listpack_value: settings.set_max_listpack_value_bytes as usize,
        zset_max_listpack_entries: settings.zset_max_listpack_entries as usize,
        zset_max_listpack_value: settings.zset_max_listpack_value_bytes as usize,
        score_text: if profile.has("7.2.0") { DoubleText::Shortest } else { DoubleText::Digits17 },
        stream_node_max_bytes: settings.stream_node_max_bytes as usize,
        stream_node_max_entries: settings.stream_node_max_entries as usize,
        ..Limits::DEFAULT
    }
}

/// A small fast generator (xorshift64*), good for sampling, not for secrets.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// From a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed | 1)
    }

    /// The next 64 bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`, which is not 0.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

impl Cx<'_, '_> {
    /// Describes one change of a key.
    #[inline]
    pub fn changed(&mut self, key: &[u8], class: EventClass, event: &'static str) {
        self.keys.changed(key, class, event, 1);
    }

    /// Replicates this instead of the command's own arguments. Each call adds a command. Without any call the arguments
    /// are replicated if something changed.
    pub fn replicate(&mut self, argv: &[&[u8]]) {
        let db = self.keys.db();
        let effects = self.keys.effects();
        effects.rewritten = true;
        effects.replicate(db, argv);
    }

    /// Whether this node deletes expired keys: a replica leaves that to its primary.
    pub fn is_primary(&self) -> bool {
        self.keys.context().expiry == Expiry::Delete
    }

    /// The keys to check for a command that waits for one of several. Redis 7.0 serves a blocked client with the key that
    /// became ready; later versions run its command again with all keys.
    #[inline]
    pub fn awaited<'a>(&self, keys: &'a [&'a [u8]]) -> &'a [&'a [u8]] {
        let ready = self.ready.filter(|_| !self.options.profile.has("7.2.0"));
        let at = ready.and_then(|ready| keys.iter().position(|&key| key == ready));
        at.map_or(keys, |at| &keys[at..=at])
    }

    /// Sets the expiry of an existing key, Unix time in ms, and replicates it with that time.
    pub fn expire_at(&mut self, key: &[u8], at_ms: u64) {
        self.keys.set_expire(key, Some(at_ms));
        self.changed(key, EventClass::GENERIC, "expire");
        let mut at = itoa::Buffer::new();
        self.replicate(&[b"PEXPIREAT", key, at.format(at_ms).as_bytes()]);
    }

    /// Removes the expiry of a key that has one.
    pub fn persist(&mut self, key: &[u8]) {
        self.keys.set_expire(key, None);
        self.changed(key, EventClass::GENERIC, "persist");
    }

    /// Deletes a key that was given a time in the past, and replicates that: as UNLINK where expired keys are freed lazily.
    pub fn delete_expired(&mut self, key: &[u8]) {
        let Some(entry) = self.keys.remove(key) else { return };
        let lazy = self.keys.context().lazy_expire;
        self.keys.free(entry, lazy);
        self.changed(key, EventClass::GENERIC, "del");
        self.replicate(&[if lazy { b"UNLINK" } else { b"DEL" }, key]);
    }
}
