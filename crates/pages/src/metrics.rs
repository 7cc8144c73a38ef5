//! Metrics: the rows of the table that INFO shows.

use ::metrics::prometheus::exported;
use ::metrics::{Kind, SECTIONS, Unit};
use std::fmt::Write;

pub(crate) fn page() -> String {
    let mut page = String::from(
        "# Metrics\n\n\
         INFO shows these fields, in this order. `cargo xtask docs` writes this page from the table in `crates/metrics`; a test\n\
         fails when they differ. Do not edit it.\n\n\
         A counter only grows, until CONFIG RESETSTAT or the next start. What is *absent* has no meaning here and never changes:\n\
         the last column says why. A field that ends in `…` has a line for each of many things. CloudWatch's name is that of\n\
         the metric of the namespace AWS/ElastiCache which has the same meaning.\n",
    );
    for section in SECTIONS.iter().filter(|section| !section.metrics.is_empty()) {
        let _ = write!(page, "\n## {}\n\n", section.heading);
        page.push_str(
            "| Field | Kind | Unit | Versions | CloudWatch | What it tells |\n|---|---|---|---|---|---|\n",
        );
        for row in section.metrics {
            let many = if row.is_many() { "…" } else { "" };
            let kind = if row.is_absent() { "absent" } else { kind(row.kind) };
            let versions = match (row.added_in(), row.removed_in()) {
                (None, None) => String::new(),
                (Some(since), None) => format!("since {since}"),
                (None, Some(until)) => format!("before {until}"),
                (Some(since), Some(until)) => format!("since {since}, before {until}"),
            };
            let _ = writeln!(
                page,
                "| `{}{many}` | {kind} | {} | {versions} | {} | {} |",
                row.field,
                unit(row.unit),
                row.cloudwatch.unwrap_or_default(),
                row.help
            );
        }
    }
    cloudwatch(&mut page);
    page
}

fn cloudwatch(page: &mut String) {
    page.push_str(
        "\n## CloudWatch\n\n\
         What CloudWatch publishes of a node in AWS/ElastiCache and Engram can measure, by the dimensions CacheClusterId and\n\
         CacheNodeId. A counter's value is its growth. What is not in this list has no truth here and is not published.\n\
         Prometheus gets the same in base units, and counters as they are.\n\n\
         | Metric | Unit | Read from | Prometheus |\n|---|---|---|---|\n",
    );
    let mut all = exported();
    all.sort_by(|one, other| one.row.name.cmp(&other.row.name));
    for metric in all {
        let row = metric.row;
        let source = row.field.map_or_else(|| row.help.into_owned(), |field| format!("`{field}`"));
        let _ = writeln!(page, "| {} | {} | {source} | `{}` |", row.name, row.unit, metric.name);
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Text => "text",
    }
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Bytes => "bytes",
        Unit::Count => "count",
        Unit::Days => "days",
        Unit::Flag => "0 or 1",
        Unit::KilobytesPerSecond => "kilobytes a second",
        Unit::Microseconds => "µs",
        Unit::Milliseconds => "ms",
        Unit::None => "",
        Unit::Percent => "percent",
        Unit::PerSecond => "a second",
        Unit::Ratio => "ratio",
        Unit::Seconds => "seconds",
        Unit::UnixMicroseconds => "Unix time in µs",
        Unit::UnixSeconds => "Unix time in seconds",
    }
}
