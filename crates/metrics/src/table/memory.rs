//! Section Memory.

use crate::Kind;
use crate::facts::Facts;
use crate::metric::{Metric, Unit, Value, absent, counter, for_people, gauge, none_of, text};
use session::outbox::machine_memory_bytes;
use std::sync::atomic::Ordering;

const NO_SCRIPTS: &str = "There are no scripts.";
const NO_FUNCTIONS: &str = "There are no functions.";
const HUMAN: &str = "The same for people.";

pub(crate) const METRICS: &[Metric] = &[
    gauge("used_memory", Unit::Bytes, "Memory that is allocated.", |f| used(f).into())
        .cloudwatch("BytesUsedForCache"),
    for_people("used_memory_human", HUMAN, used),
    gauge("used_memory_rss", Unit::Bytes, "Memory that the system has given.", |f| resident(f).into()),
    for_people("used_memory_rss_human", HUMAN, resident),
    gauge("used_memory_peak", Unit::Bytes, "The most that was allocated at once.", |f| peak(f).into()),
    for_people("used_memory_peak_human", HUMAN, peak),
    gauge("used_memory_peak_perc", Unit::Percent, "Allocated memory in relation to its peak.", |f| {
        percent(used(f), peak(f))
    }),
    gauge("used_memory_overhead", Unit::Bytes, "Allocated memory that is no data.", |f| {
        f.memory().overhead.into()
    }),
    gauge("used_memory_startup", Unit::Bytes, "Memory that was allocated before there was data.", |f| {
        f.server.start.used_bytes.into()
    }),
    gauge("used_memory_dataset", Unit::Bytes, "Allocated memory that is data.", |f| {
        f.memory().dataset().into()
    })
    .cloudwatch("UsedMemoryDataset"),
    gauge("used_memory_dataset_perc", Unit::Percent, "Data in relation to what was allocated for it.", |f| {
        percent(f.memory().dataset(), used(f).saturating_sub(f.server.start.used_bytes))
    }),
    gauge("allocator_allocated", Unit::Bytes, "Memory that is allocated.", |f| used(f).into()),
    gauge(
        "allocator_active",
        Unit::Bytes,
        "Memory that the allocator keeps: all of it, for it tells no more.",
        |f| active(f).into(),
    ),
    gauge("allocator_resident", Unit::Bytes, "Memory that the system has given.", |f| resident(f).into()),
    none_of("allocator_muzzy", Unit::Bytes, "The allocator gives back what it frees.").since(8, 0),
    gauge("total_system_memory", Unit::Bytes, "Memory of the machine.", |_| machine().into()),
    for_people("total_system_memory_human", HUMAN, |_| machine()),
    none_of("used_memory_lua", Unit::Bytes, NO_SCRIPTS),
    none_of("used_memory_vm_eval", Unit::Bytes, NO_SCRIPTS),
    no_bytes_for_people("used_memory_lua_human", NO_SCRIPTS),
    none_of("used_memory_scripts_eval", Unit::Bytes, NO_SCRIPTS),
    none_of("number_of_cached_scripts", Unit::Count, NO_SCRIPTS),
    none_of("number_of_functions", Unit::Count, NO_FUNCTIONS),
    none_of("number_of_libraries", Unit::Count, NO_FUNCTIONS),
    none_of("used_memory_vm_functions", Unit::Bytes, NO_FUNCTIONS),
    none_of("used_memory_vm_total", Unit::Bytes, NO_SCRIPTS),
    no_bytes_for_people("used_memory_vm_total_human", NO_SCRIPTS),
    none_of("used_memory_functions", Unit::Bytes, NO_FUNCTIONS),
    none_of("used_memory_scripts", Unit::Bytes, NO_SCRIPTS),
    no_bytes_for_people("used_memory_scripts_human", NO_SCRIPTS),
    gauge("maxmemory", Unit::Bytes, "The parameter maxmemory; 0 is no limit.", |f| maxmemory(f).into()),
    for_people("maxmemory_human", HUMAN, maxmemory),
    text("maxmemory_policy", "The parameter maxmemory-policy.", |f| {
        f.settings().maxmemory_policy.word().into()
    }),
    gauge("allocator_frag_ratio", Unit::Ratio, "Active memory in relation to allocated memory.", |f| {
        Value::ratio(active(f), used(f))
    })
    .cloudwatch("AllocatorFragmentationRatio"),
    gauge("allocator_frag_bytes", Unit::Bytes, "Active memory beyond allocated memory.", |f| {
        beyond(active(f), used(f))
    })
    .cloudwatch("AllocatorFragmentationBytes"),
    gauge("allocator_rss_ratio", Unit::Ratio, "The allocator's memory in relation to active memory.", |f| {
        Value::ratio(resident(f), active(f))
    }),
    gauge("allocator_rss_bytes", Unit::Bytes, "The allocator's memory beyond active memory.", |f| {
        beyond(resident(f), active(f))
    }),
    absent(
        "rss_overhead_ratio",
        Kind::Gauge,
        Unit::Ratio,
        "The allocator does not tell its memory from the rest of the process.",
        Value::two_digits(1.0),
    ),
    none_of(
        "rss_overhead_bytes",
        Unit::Bytes,
        "The allocator does not tell its memory from the rest of the process.",
    ),
    gauge(
        "mem_fragmentation_ratio",
        Unit::Ratio,
        "The process's memory in relation to allocated memory.",
        |f| Value::ratio(resident(f), used(f)),
    )
    .cloudwatch("MemoryFragmentationRatio"),
    gauge("mem_fragmentation_bytes", Unit::Bytes, "The process's memory beyond allocated memory.", |f| {
        beyond(resident(f), used(f))
    }),
    gauge("mem_not_counted_for_evict", Unit::Bytes, "Memory that no key is evicted for.", |f| {
        engine::maxmemory::uncounted_bytes(f.server).into()
    }),
    gauge("mem_replication_backlog", Unit::Bytes, "Memory of the backlog up to its size.", |f| {
        f.replication().backlog_bytes.into()
    }),
    gauge("mem_total_replication_buffers", Unit::Bytes, "Memory of the backlog and of replicas.", |f| {
        (f.replication().backlog_bytes + f.memory().replicas).into()
    }),
    gauge("mem_clients_slaves", Unit::Bytes, "Memory of replicas.", |f| f.memory().replicas.into()),
    gauge("mem_clients_normal", Unit::Bytes, "Memory of other clients.", |f| f.clients().normal_bytes.into()),
    none_of("mem_cluster_links", Unit::Bytes, "There is no cluster mode."),
    none_of("mem_aof_buffer", Unit::Bytes, "There is no append-only file."),
    text("mem_allocator", "The allocator.", |_| memory::allocator_name().into()),
    none_of("mem_overhead_db_hashtable_rehashing", Unit::Bytes, "Tables grow a bucket at a time.")
        .since(8, 0),
    gauge("active_defrag_running", Unit::Percent, "The share of a core that defragmentation uses.", |f| {
        u64::from(f.server.defrag.percent.load(Ordering::Relaxed)).into()
    }),
    gauge("lazyfree_pending_objects", Unit::Count, "Objects that wait to be freed in the background.", |f| {
        f.freeing().map(|freeing| freeing.pending()).iter().sum::<u64>().into()
    }),
    counter("lazyfreed_objects", Unit::Count, "Objects that were freed in the background.", |f| {
        f.freeing().map(|freeing| freeing.freed()).iter().sum::<u64>().into()
    }),
];

const fn no_bytes_for_people(field: &'static str, why: &'static str) -> Metric {
    absent(field, Kind::Text, Unit::None, why, Value::text("0B"))
}

fn used(facts: &Facts<'_>) -> u64 {
    facts.memory().used
}

fn resident(facts: &Facts<'_>) -> u64 {
    facts.memory().resident
}

/// As of a real server whose allocator tells nothing of it.
fn active(facts: &Facts<'_>) -> u64 {
    resident(facts)
}

fn peak(facts: &Facts<'_>) -> u64 {
    facts.memory().peak
}

fn machine() -> u64 {
    machine_memory_bytes().unwrap_or(0)
}

fn maxmemory(facts: &Facts<'_>) -> u64 {
    facts.settings().maxmemory_bytes
}

fn beyond(more: u64, less: u64) -> Value {
    Value::Signed(more as i64 - less as i64)
}

fn percent(part: u64, whole: u64) -> Value {
    Value::Percent(part as f64 * 100.0 / whole.max(1) as f64)
}
