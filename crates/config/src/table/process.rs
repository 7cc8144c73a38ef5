//! The process: logging, timers, slow log and latency, notifications, signals, title.

use crate::choices::{Loglevel, ShutdownFlags, lists};
use crate::parameter::{INT_MAX, Kind, LONG_MAX, NameCheck, Parameter};

const NO_SYSLOG: &str = "There is no syslog output; use logfile.";
const SYSLOG: &str = "It tunes syslog output, which is off.";
const HZ: &str = "Periodic work is driven by deadlines, not by a fixed frequency.";
const CPUS: &str = "Threads are not bound to cores.";
const OOM: &str = "The process leaves its OOM score alone.";
const COMMANDLOG: &str = "COMMANDLOG isn't there yet.";
const TESTS: &str = "It exists for the server's own tests.";

pub(super) const ROWS: &[Parameter] = &[
    Parameter::choice("loglevel", lists::LOGLEVEL_REDIS, "notice").until("7.2.0"),
    Parameter::choice("loglevel", Loglevel::WORDS, "notice").since("7.2.0"),
    Parameter::name("logfile", NameCheck::Any, "").immutable(),
    Parameter::yes_no("hide-user-data-from-log", "yes")
        .since("8.0.0")
        .accepted("Logs never hold keys or values."),
    Parameter::choice("log-format", lists::LOG_FORMAT, "legacy")
        .since("8.1.0")
        .refused("The log has one form; leave log-format at legacy."),
    Parameter::choice("log-timestamp-format", lists::LOG_TIMESTAMP_FORMAT, "legacy")
        .since("8.1.0")
        .refused("The log has one form; leave log-timestamp-format at legacy."),
    Parameter::yes_no("syslog-enabled", "no").immutable().refused(NO_SYSLOG),
    Parameter::name("syslog-ident", NameCheck::Any, "redis")
        .default_since_8("valkey")
        .immutable()
        .accepted(SYSLOG),
    Parameter::choice("syslog-facility", lists::SYSLOG_FACILITY, "local0").immutable().accepted(SYSLOG),
    Parameter::yes_no("always-show-logo", "no").immutable(),
    Parameter::yes_no("daemonize", "no").immutable(),
    Parameter::choice("supervised", lists::SUPERVISED, "no")
        .immutable()
        .accepted("Readiness is told by the log and the port."),
    Parameter::text("pidfile").immutable(),
    Parameter::yes_no("set-proc-title", "yes")
        .immutable()
        .accepted("The title is left as the command line made it."),
    Parameter::name("proc-title-template", NameCheck::ProcTitle, "{title} {listen-addr} {server-mode}")
        .accepted("The title is left as the command line made it."),
    Parameter::integer("hz", 0, INT_MAX, "10").accepted(HZ),
    Parameter::yes_no("dynamic-hz", "yes").until("8.1.0").accepted(HZ),
    Parameter::integer("slowlog-log-slower-than", -1, LONG_MAX, "10000").until("8.1.0"),
    Parameter::integer("slowlog-max-len", 0, LONG_MAX, "128").until("8.1.0"),
    Parameter::integer("commandlog-execution-slower-than", -1, LONG_MAX, "10000")
        .alias("slowlog-log-slower-than")
        .since("8.1.0"),
    Parameter::integer("commandlog-slow-execution-max-len", 0, LONG_MAX, "128")
        .alias("slowlog-max-len")
        .since("8.1.0"),
    Parameter::integer("commandlog-request-larger-than", -1, LONG_MAX, "1048576")
        .since("8.1.0")
        .awaited(COMMANDLOG),
    Parameter::integer("commandlog-large-request-max-len", 0, LONG_MAX, "128")
        .since("8.1.0")
        .awaited(COMMANDLOG),
    Parameter::integer("commandlog-reply-larger-than", -1, LONG_MAX, "1048576")
        .since("8.1.0")
        .awaited(COMMANDLOG),
    Parameter::integer("commandlog-large-reply-max-len", 0, LONG_MAX, "128")
        .since("8.1.0")
        .awaited(COMMANDLOG),
    Parameter::integer("latency-monitor-threshold", 0, LONG_MAX, "0").awaited("LATENCY isn't there yet."),
    Parameter::yes_no("latency-tracking", "yes"),
    Parameter::special("latency-tracking-info-percentiles", Kind::Percentiles, "50 99 99.9"),
    Parameter::special("notify-keyspace-events", Kind::KeyspaceEvents, ""),
    Parameter::integer("busy-reply-threshold", 0, LONG_MAX, "5000")
        .alias("lua-time-limit")
        .awaited("Scripts and functions aren't there yet."),
    Parameter::name("locale-collate", NameCheck::Any, "")
        .since("7.2.0")
        .refused("Strings are compared byte by byte; leave locale-collate empty."),
    Parameter::yes_no("lua-enable-insecure-api", "no")
        .alias("lua-enable-deprecated-api")
        .hidden()
        .since("8.0.0")
        .refused("Scripts can't use the insecure functions of Lua."),
    Parameter::yes_no("extended-redis-compatibility", "no").since("8.0.0"),
    Parameter::name("availability-zone", NameCheck::Any, "").since("8.0.0"),
    Parameter::special("shutdown-on-sigint", Kind::Flags(ShutdownFlags::WORDS), "default"),
    Parameter::special("shutdown-on-sigterm", Kind::Flags(ShutdownFlags::WORDS), "default"),
    Parameter::integer("shutdown-timeout", 0, INT_MAX, "10"),
    Parameter::choice("oom-score-adj", lists::OOM_SCORE_ADJ, "no").accepted(OOM),
    Parameter::special("oom-score-adj-values", Kind::OomScoreAdj, "0 200 800").accepted(OOM),
    Parameter::yes_no("crash-log-enabled", "yes").accepted("A panic is always reported in the log."),
    Parameter::yes_no("crash-memcheck-enabled", "yes").accepted("A panic runs no memory test."),
    Parameter::yes_no("use-exit-on-panic", "no").hidden().accepted(TESTS),
    Parameter::yes_no("enable-debug-assert", "no").hidden().since("8.0.0").immutable().accepted(TESTS),
    Parameter::name("debug-context", NameCheck::Any, "").hidden().since("8.0.0").accepted(TESTS),
    Parameter::integer("watchdog-period", 0, INT_MAX, "0")
        .hidden()
        .accepted("Pauses of an event loop are always recorded."),
    Parameter::name("ignore-warnings", NameCheck::Any, "")
        .accepted("None of the warnings it names is given."),
    Parameter::text("server_cpulist").until("7.2.0").immutable().accepted(CPUS),
    Parameter::text("server-cpulist").alias("server_cpulist").since("7.2.0").immutable().accepted(CPUS),
    Parameter::text("bio_cpulist").until("7.2.0").immutable().accepted(CPUS),
    Parameter::text("bio-cpulist").alias("bio_cpulist").since("7.2.0").immutable().accepted(CPUS),
];
