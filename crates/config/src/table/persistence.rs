//! Snapshots, the append-only file, and the directory they lie in.

use crate::choices::{SanitizeDumpPayload, lists};
use crate::parameter::{INT_MAX, Kind, LONG_MAX, NameCheck, Parameter};

const NO_AOF: &str = "The append-only file isn't available; leave appendonly at no and use save points.";
const AOF: &str = "It tunes the append-only file, which is off.";
const NO_FORK: &str = "Snapshots are written by a thread of this process.";

pub(super) const ROWS: &[Parameter] = &[
    Parameter::special("dir", Kind::Directory, ".").protected().deny_loading(),
    Parameter::name("dbfilename", NameCheck::FileName, "dump.rdb").protected(),
    Parameter::special("save", Kind::Save, "3600 1 300 100 60 10000"),
    Parameter::yes_no("rdbcompression", "yes"),
    Parameter::choice("rdb-version-check", lists::RDB_VERSION_CHECK, "strict")
        .since("8.1.0")
        .refused("Files of versions that are not known can't be read; leave rdb-version-check at strict."),
    Parameter::yes_no("rdbchecksum", "yes").immutable(),
    Parameter::yes_no("stop-writes-on-bgsave-error", "yes"),
    Parameter::yes_no("rdb-save-incremental-fsync", "yes"),
    Parameter::yes_no("rdb-del-sync-files", "no").accepted("A full synchronisation leaves no file behind."),
    Parameter::choice("sanitize-dump-payload", SanitizeDumpPayload::WORDS, "no")
        .until("9.1.0")
        .accepted("What a file, a primary or RESTORE brings is always checked to the last byte."),
    Parameter::integer("rdb-key-save-delay", i32::MIN as i128, INT_MAX, "0").hidden(),
    Parameter::integer("key-load-delay", i32::MIN as i128, INT_MAX, "0").hidden(),
    Parameter::integer("loading-process-events-interval-bytes", 1024, INT_MAX, "2097152")
        .hidden()
        .accepted("Connections are served by other threads while data is loaded."),
    Parameter::yes_no("appendonly", "no").deny_loading().refused(NO_AOF),
    Parameter::choice("appendfsync", lists::APPENDFSYNC, "everysec").accepted(AOF),
    Parameter::name("appendfilename", NameCheck::RequiredFileName, "appendonly.aof")
        .immutable()
        .accepted(AOF),
    Parameter::name("appenddirname", NameCheck::RequiredDirName, "appendonlydir").immutable().accepted(AOF),
    Parameter::yes_no("no-appendfsync-on-rewrite", "no").accepted(AOF),
    Parameter::yes_no("aof-load-truncated", "yes").accepted(AOF),
    Parameter::yes_no("aof-use-rdb-preamble", "yes").accepted(AOF),
    Parameter::yes_no("aof-timestamp-enabled", "no").accepted(AOF),
    Parameter::yes_no("aof-rewrite-incremental-fsync", "yes").accepted(AOF),
    Parameter::yes_no("aof-disable-auto-gc", "no").until("7.2.0").accepted(AOF),
    Parameter::yes_no("aof-disable-auto-gc", "no").since("7.2.0").hidden().accepted(AOF),
    Parameter::memory("auto-aof-rewrite-min-size", 0, LONG_MAX, "67108864").accepted(AOF),
    Parameter::integer("auto-aof-rewrite-percentage", 0, INT_MAX, "100").accepted(AOF),
    Parameter::text("bgsave_cpulist").until("7.2.0").immutable().accepted(NO_FORK),
    Parameter::text("bgsave-cpulist").alias("bgsave_cpulist").since("7.2.0").immutable().accepted(NO_FORK),
    Parameter::text("aof_rewrite_cpulist").until("7.2.0").immutable().accepted(AOF),
    Parameter::text("aof-rewrite-cpulist")
        .alias("aof_rewrite_cpulist")
        .since("7.2.0")
        .immutable()
        .accepted(AOF),
];
