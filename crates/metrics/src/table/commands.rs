//! Sections Commandstats, Errorstats and Latencystats: what is counted by command and by error.

use crate::facts::Facts;
use crate::metric::{Item, Kind, Metric, Value, each};
use std::borrow::Cow;

pub(crate) const CALLS: &[Metric] = &[each(
    "cmdstat_",
    Kind::Counter,
    "A command: calls, their time in microseconds, refusals before and failures during execution.",
    calls,
)];

pub(crate) const ERRORS: &[Metric] =
    &[each("errorstat_", Kind::Counter, "Error replies by their code, their first word.", errors)];

pub(crate) const LATENCIES: &[Metric] = &[each(
    "latency_percentiles_usec_",
    Kind::Gauge,
    "The percentiles of latency-tracking-info-percentiles of a command's times, in microseconds.",
    latencies,
)];

fn calls(facts: &Facts<'_>) -> Vec<Item> {
    let item = |command: &&command_table::Command| {
        let stats = facts.server.stats.command(command.run.id);
        if stats.calls + stats.failed + stats.rejected == 0 {
            return None;
        }
        let us = stats.nanoseconds / 1000;
        let us_per_call = if stats.calls == 0 { 0.0 } else { us as f64 / stats.calls as f64 };
        Some(Item::new(
            command.run.full_name,
            [
                ("calls", stats.calls.into()),
                ("usec", us.into()),
                ("usec_per_call", Value::two_digits(us_per_call)),
                ("rejected_calls", stats.rejected.into()),
                ("failed_calls", stats.failed.into()),
            ],
        ))
    };
    facts.server.commands.by_id().iter().filter_map(item).collect()
}

fn errors(facts: &Facts<'_>) -> Vec<Item> {
    let errors = facts.server.stats.errors().into_iter();
    errors.map(|(code, count)| Item::new(code, [("count", count.into())])).collect()
}

fn latencies(facts: &Facts<'_>) -> Vec<Item> {
    let percentiles = &facts.settings().latency_tracking_info_percentiles;
    let item = |command: &&command_table::Command| {
        let latencies = facts.server.stats.latencies(command.run.id)?;
        let part = |&percent: &f64| {
            let us = latencies.percentile(percent) as f64 / 1000.0;
            (Cow::Owned(format!("p{percent}")), Value::Fixed(us, 3))
        };
        let label = command.run.full_name.to_string();
        Some(Item { label, parts: percentiles.iter().map(part).collect() })
    };
    facts.server.commands.by_id().iter().filter_map(item).collect()
}
