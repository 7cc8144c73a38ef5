//! Memory: its limit, eviction, expiry, encodings, lazy freeing.

use crate::choices::MaxmemoryPolicy;
use crate::parameter::{INT_MAX, LONG_MAX, NameCheck, Parameter, ULONG_MAX};

const MANY_DATABASES: &str = "There are at most 65535 databases: their numbers have 16 bits.";

pub(super) const ROWS: &[Parameter] = &[
    Parameter::integer("databases", 1, INT_MAX, "16").immutable().at_most(u16::MAX as i128, MANY_DATABASES),
    Parameter::memory("maxmemory", 0, ULONG_MAX, "0"),
    Parameter::choice("maxmemory-policy", MaxmemoryPolicy::WORDS, "noeviction"),
    Parameter::integer("maxmemory-samples", 1, INT_MAX, "5"),
    Parameter::integer("maxmemory-eviction-tenacity", 0, 100, "10")
        .accepted("Eviction runs in admission and stops as soon as there is room."),
    Parameter::integer("lfu-log-factor", 0, INT_MAX, "10"),
    Parameter::integer("lfu-decay-time", 0, INT_MAX, "1"),
    Parameter::integer("active-expire-effort", 1, 10, "1")
        .accepted("Every round of active expiry goes through all keys that are due."),
    Parameter::yes_no("lazyfree-lazy-eviction", "no").default_since_8("yes"),
    Parameter::yes_no("lazyfree-lazy-expire", "no").default_since_8("yes"),
    Parameter::yes_no("lazyfree-lazy-server-del", "no").default_since_8("yes"),
    Parameter::yes_no("lazyfree-lazy-user-del", "no").default_since_8("yes"),
    Parameter::yes_no("lazyfree-lazy-user-flush", "no").default_since_8("yes"),
    Parameter::integer("hash-max-listpack-entries", 0, LONG_MAX, "512").alias("hash-max-ziplist-entries"),
    Parameter::memory("hash-max-listpack-value", 0, LONG_MAX, "64").alias("hash-max-ziplist-value"),
    Parameter::integer("list-max-listpack-size", i32::MIN as i128, INT_MAX, "-2")
        .alias("list-max-ziplist-size"),
    Parameter::integer("list-compress-depth", 0, INT_MAX, "0"),
    Parameter::integer("set-max-intset-entries", 0, LONG_MAX, "512"),
    Parameter::integer("set-max-listpack-entries", 0, LONG_MAX, "128").since("7.2.0"),
    Parameter::integer("set-max-listpack-value", 0, LONG_MAX, "64").since("7.2.0"),
    Parameter::integer("zset-max-listpack-entries", 0, LONG_MAX, "128").alias("zset-max-ziplist-entries"),
    Parameter::memory("zset-max-listpack-value", 0, LONG_MAX, "64").alias("zset-max-ziplist-value"),
    Parameter::memory("hll-sparse-max-bytes", 0, LONG_MAX, "3000"),
    Parameter::memory("stream-node-max-bytes", 0, LONG_MAX, "4096"),
    Parameter::integer("stream-node-max-entries", 0, LONG_MAX, "100"),
    Parameter::yes_no("activerehashing", "yes")
        .accepted("Tables grow in small steps with the writes that need it."),
    Parameter::yes_no("activedefrag", "no"),
    Parameter::integer("active-defrag-cycle-min", 1, 99, "1"),
    Parameter::integer("active-defrag-cycle-max", 1, 99, "25"),
    Parameter::integer("active-defrag-cycle-us", 0, 100_000, "500").since("8.1.0"),
    Parameter::memory("active-defrag-ignore-bytes", 1, LONG_MAX, "104857600"),
    Parameter::integer("active-defrag-max-scan-fields", 1, LONG_MAX, "1000")
        .accepted("Keys are moved, with small values in them; large values stay where they are."),
    Parameter::integer("active-defrag-threshold-lower", 0, 1000, "10"),
    Parameter::integer("active-defrag-threshold-upper", 0, 1000, "100"),
    Parameter::yes_no("import-mode", "no")
        .since("8.1.0")
        .refused("Expiry and eviction can't be stopped for an import; leave import-mode at no."),
    Parameter::name("hash-seed", NameCheck::Any, "")
        .since("9.1.0")
        .immutable()
        .refused("Keys are hashed with a seed that nobody chooses; leave hash-seed empty."),
    Parameter::yes_no("jemalloc-bg-thread", "yes")
        .accepted("The allocator is mimalloc, which has no such thread."),
    Parameter::yes_no("disable-thp", "yes")
        .immutable()
        .accepted("There is no fork, so huge pages are not copied; large data is kept in them."),
];
