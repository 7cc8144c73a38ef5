//! Section CPU.

use crate::facts::Facts;
use crate::metric::{Metric, Unit, Value, counter};
use nix::sys::resource::UsageWho::{self, RUSAGE_CHILDREN, RUSAGE_SELF};
use nix::sys::time::{TimeVal, TimeValLike};

pub(crate) const METRICS: &[Metric] = &[
    counter("used_cpu_sys", Unit::Seconds, "Processor time of the system for the process.", |f| {
        system(f, RUSAGE_SELF)
    }),
    counter("used_cpu_user", Unit::Seconds, "Processor time of the process.", |f| user(f, RUSAGE_SELF)),
    counter(
        "used_cpu_sys_children",
        Unit::Seconds,
        "Processor time of the system for ended children.",
        |f| system(f, RUSAGE_CHILDREN),
    ),
    counter("used_cpu_user_children", Unit::Seconds, "Processor time of ended children.", |f| {
        user(f, RUSAGE_CHILDREN)
    }),
    // The worker that answers stands for the one thread that executes commands elsewhere.
    #[cfg(target_os = "linux")]
    counter(
        "used_cpu_sys_main_thread",
        Unit::Seconds,
        "Processor time of the system for the worker that answers.",
        |f| system(f, UsageWho::RUSAGE_THREAD),
    ),
    #[cfg(target_os = "linux")]
    counter("used_cpu_user_main_thread", Unit::Seconds, "Processor time of the worker that answers.", |f| {
        user(f, UsageWho::RUSAGE_THREAD)
    }),
];

fn system(facts: &Facts<'_>, of: UsageWho) -> Value {
    seconds(facts.usage(of).map(|usage| usage.system_time()))
}

fn user(facts: &Facts<'_>, of: UsageWho) -> Value {
    seconds(facts.usage(of).map(|usage| usage.user_time()))
}

fn seconds(time: Option<TimeVal>) -> Value {
    Value::Microseconds(time.map_or(0, |time| time.num_microseconds() as u64))
}
