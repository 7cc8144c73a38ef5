//! Section Server.

use crate::facts::Facts;
use crate::metric::{Item, Kind, Metric, Unit, Value, absent, each, gauge, gauge_if, none_of, text, text_if};
use engine::unix_ms;
use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

const NO_HASH: &str = "Builds have no hash of their own.";
const WORKERS: &str = "There are no I/O threads beside the workers.";

pub(crate) const METRICS: &[Metric] = &[
    text("redis_version", "The Redis OSS version that it is compatible with.", |f| {
        f.server.profile.redis_version().into()
    }),
    text("server_name", "The kind of the server.", |f| f.server.profile.server_name().into())
        .since(7, 2)
        .when(|f| f.is_valkey()),
    text("valkey_version", "The version that it speaks as.", |f| {
        f.server.profile.version().to_string().into()
    })
    .since(7, 2)
    .when(|f| f.is_valkey()),
    text("valkey_release_stage", "That the version is a release.", |_| "ga".into()).since(8, 1),
    absent("redis_git_sha1", Kind::Text, Unit::None, NO_HASH, Value::text("00000000")),
    none_of("redis_git_dirty", Unit::Flag, NO_HASH),
    absent("redis_build_id", Kind::Text, Unit::None, NO_HASH, Value::text("0")),
    text_if("redis_mode", "Whether it is part of a cluster.", |f| has_redis_names(f).then(mode)),
    text_if("server_mode", "The same, without extended-redis-compatibility.", |f| {
        (!has_redis_names(f)).then(mode)
    })
    .since(8, 0),
    text("os", "The operating system.", |_| operating_system().into()),
    gauge("arch_bits", Unit::Count, "Bits of an address.", |_| usize::BITS.into()),
    text("monotonic_clock", "The clock that times are measured by.", |_| "POSIX clock_gettime".into()),
    text("multiplexing_api", "What the event loops wait with.", |f| {
        f.server.start.backend.get().copied().unwrap_or("none").into()
    }),
    text("atomicvar_api", "How threads share numbers.", |_| "c11-builtin".into()).until(8, 0),
    absent("gcc_version", Kind::Text, Unit::None, "It is not built by a C compiler.", Value::text("0.0.0")),
    text("process_id", "The process.", |_| std::process::id().into()),
    absent(
        "process_supervised",
        Kind::Text,
        Unit::None,
        "It does not report to systemd or upstart.",
        Value::text("no"),
    ),
    text("run_id", "A random name, new at every start.", |f| f.server.start.run_id.clone().into()),
    text("tcp_port", "The port that it listens on.", |f| f.server.listening.port(f.settings()).into()),
    gauge("server_time_usec", Unit::UnixMicroseconds, "The time.", |_| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (now.as_micros() as u64).into()
    }),
    gauge("uptime_in_seconds", Unit::Seconds, "Time since the start.", |f| uptime_s(f).into()),
    gauge("uptime_in_days", Unit::Days, "The same in whole days.", |f| (uptime_s(f) / (24 * 3600)).into()),
    gauge("hz", Unit::PerSecond, "The parameter hz, which changes nothing.", hz),
    gauge("configured_hz", Unit::PerSecond, "The parameter hz, which changes nothing.", hz),
    gauge("lru_clock", Unit::Seconds, "The clock of access times: 24 bits of the time.", |_| {
        ((unix_ms() / 1000) & 0xff_ffff).into()
    }),
    text("executable", "The program.", |f| f.server.start.executable.display().to_string().into()),
    text("config_file", "The configuration file, if there is one.", |f| {
        let path = f.server.start.config_file.as_deref();
        path.map(|path| path.display().to_string()).unwrap_or_default().into()
    }),
    none_of("io_threads_active", Unit::Flag, WORKERS),
    text("availability_zone", "The parameter availability-zone.", |f| {
        String::from_utf8_lossy(&f.settings().availability_zone).into_owned().into()
    })
    .since(8, 0),
    each("listener", Kind::Text, "Where it listens.", listeners).since(7, 2),
    gauge_if(
        "shutdown_in_milliseconds",
        Unit::Milliseconds,
        "How long an end waits for replicas at most.",
        |f| f.server.end.due_in_ms().map(Value::from),
    ),
];

fn has_redis_names(facts: &Facts<'_>) -> bool {
    !facts.is_valkey() || facts.settings().extended_redis_compatibility
}

fn mode() -> Value {
    "standalone".into()
}

fn uptime_s(facts: &Facts<'_>) -> u64 {
    facts.server.start.instant.elapsed().as_secs()
}

fn hz(facts: &Facts<'_>) -> Value {
    let hz = facts.server.config().value("hz").unwrap_or_default();
    String::from_utf8_lossy(&hz).parse().unwrap_or(0u64).into()
}

fn listeners(facts: &Facts<'_>) -> Vec<Item> {
    let settings = facts.settings();
    let part = |name: &'static str, value: Value| (Cow::Borrowed(name), value);
    let word = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes).into_owned());
    let mut listeners = Vec::new();
    if settings.port != 0 {
        let mut parts = vec![part("name", "tcp".into())];
        parts.extend(settings.bind.iter().map(|bind| part("bind", word(bind))));
        parts.push(part("port", settings.port.into()));
        listeners.push(parts);
    }
    if !settings.unixsocket.is_empty() {
        listeners.push(vec![part("name", "unix".into()), part("bind", word(&settings.unixsocket))]);
    }
    let numbered = |(number, parts): (usize, _)| Item { label: number.to_string(), parts };
    listeners.into_iter().enumerate().map(numbered).collect()
}

fn operating_system() -> String {
    let Ok(name) = nix::sys::utsname::uname() else { return String::new() };
    let part = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
    format!("{} {} {}", part(name.sysname()), part(name.release()), part(name.machine()))
}
