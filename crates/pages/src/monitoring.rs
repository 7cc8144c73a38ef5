//! What Prometheus and Grafana are told of Engram's metrics: rules and a dashboard, from the table of what is exported.

use metrics::cloudwatch::Form;
use metrics::prometheus::{Exported, Type, exported};
use serde_json::{Value, json};
use std::fmt::Write;

const HEAD: &str = "\
# Rules for Prometheus. `cargo xtask docs` writes this file from the table in crates/metrics; a test fails when they differ.
# Do not edit it.
";

/// An alert: its name, a metric's name of CloudWatch, what is asked of it, for how long, and what it tells.
struct Alert {
    name: &'static str,
    metric: &'static str,
    /// `METRIC` stands for the name.
    expression: &'static str,
    lasts: &'static str,
    severity: &'static str,
    summary: &'static str,
}

const ALERTS: [Alert; 6] = [
    Alert {
        name: "EngramMemoryAlmostFull",
        metric: "DatabaseMemoryUsageCountedForEvictPercentage",
        expression: "METRIC > 0.9",
        lasts: "5m",
        severity: "warning",
        summary: "{{ $labels.member }} uses {{ $value | humanizePercentage }} of its maxmemory",
    },
    Alert {
        name: "EngramEngineBusy",
        metric: "EngineCPUUtilization",
        expression: "avg_over_time(METRIC[5m]) > 0.9",
        lasts: "5m",
        severity: "warning",
        summary: "The busiest worker of {{ $labels.member }} is busy {{ $value | humanizePercentage }} of the time",
    },
    Alert {
        name: "EngramReplicaBehind",
        metric: "ReplicationLag",
        expression: "METRIC > 10",
        lasts: "1m",
        severity: "warning",
        summary: "{{ $labels.member }} is {{ $value | humanizeDuration }} behind its primary",
    },
    Alert {
        name: "EngramLinkDown",
        metric: "MasterLinkHealthStatus",
        expression: "METRIC == 0",
        lasts: "1m",
        severity: "critical",
        summary: "{{ $labels.member }} has no link to its primary",
    },
    Alert {
        name: "EngramConnectionsRejected",
        metric: "RejectedConnections",
        expression: "increase(METRIC[5m]) > 0",
        lasts: "0m",
        severity: "warning",
        summary: "{{ $labels.member }} has rejected connections",
    },
    Alert {
        name: "EngramSwapping",
        metric: "SwapUsage",
        expression: "METRIC > 64 * 1024 * 1024",
        lasts: "5m",
        severity: "warning",
        summary: "{{ $value | humanize1024 }}B of {{ $labels.member }} are swapped out",
    },
];

/// Sums of a deployment for each counter, its means, and alerts.
pub(crate) fn rules() -> String {
    let all = exported();
    let mut text = String::from(HEAD);
    text.push_str("groups:\n  - name: engram-deployments\n    rules:\n");
    let mut record = |name: &str, expression: &str| {
        // A string takes whatever is written.
        let _ = write!(text, "      - record: deployment:{name}\n        expr: {expression}\n");
    };
    for counter in all.iter().filter(|one| one.kind == Type::Counter) {
        let name = counter.name.strip_suffix("_total").unwrap_or(&counter.name);
        record(&format!("{name}:rate5m"), &format!("sum by (region, deployment) ({})", rate(counter)));
    }
    for (mean, count) in means(&all) {
        let name = mean.name.strip_suffix("_total").unwrap_or(&mean.name);
        let of = |one: &Exported| format!("sum by (region, deployment) ({})", rate(one));
        record(&format!("{name}:mean5m"), &format!("{} / {}", of(mean), of(count)));
    }
    text.push_str("  - name: engram-alerts\n    rules:\n");
    alert(
        &mut text,
        "EngramNodeSilent",
        "engram_up == 0",
        "1m",
        "critical",
        "The node of {{ $labels.member }} does not answer",
    );
    for Alert { name, metric, expression, lasts, severity, summary } in ALERTS {
        let found = all.iter().find(|one| one.row.name == metric).expect("an alert is about a row");
        alert(&mut text, name, &expression.replace("METRIC", &found.name), lasts, severity, summary);
    }
    text
}

fn alert(text: &mut String, name: &str, expression: &str, lasts: &str, severity: &str, summary: &str) {
    let _ = write!(
        text,
        "      - alert: {name}\n        expr: {expression}\n        for: {lasts}\n        labels:\n          \
         severity: {severity}\n        annotations:\n          summary: \"{summary}\"\n"
    );
}

fn rate(counter: &Exported) -> String {
    format!("rate({}[5m])", counter.name)
}

/// Sums of which a mean is asked for, each with its count.
fn means(all: &[Exported]) -> impl Iterator<Item = (&Exported, &Exported)> {
    all.iter().filter(|one| one.row.form == Form::Mean).map(|mean| {
        let counted = mean.row.name.strip_suffix("Latency").unwrap_or_default();
        let count = all.iter().find(|one| one.row.name == counted);
        (mean, count.expect("what has a mean is counted"))
    })
}

/// A panel for each metric.
pub(crate) fn dashboard() -> String {
    const COLUMNS: usize = 3;
    const SIZE: [usize; 2] = [8, 7];
    let all = exported();
    let up = panel("Up", "Whether the node has answered in the last second.", "engram_up{SELECTED}", "short");
    let rest = all.iter().map(|metric| {
        let selected = format!("{}{{SELECTED}}", metric.name);
        let count = means(&all).find(|(mean, _)| mean.name == metric.name).map(|(_, count)| count);
        let expression = match (metric.kind, count) {
            (Type::Gauge, _) => selected,
            (Type::Counter, None) => format!("rate({selected}[$__rate_interval])"),
            (Type::Counter, Some(count)) => format!(
                "rate({selected}[$__rate_interval]) / rate({}{{SELECTED}}[$__rate_interval])",
                count.name
            ),
        };
        let unit = match (metric.kind, metric.row.unit) {
            (Type::Counter, "Bytes") => "Bps",
            (Type::Counter, "Count") => "ops",
            (_, "Bytes") => "bytes",
            (_, "Percent") => "percentunit",
            (_, "Seconds" | "Milliseconds" | "Microseconds") => "s",
            _ => "short",
        };
        panel(&metric.row.name, &metric.row.help, &expression, unit)
    });
    let place = |(number, mut panel): (usize, Value)| {
        let (column, line) = (number % COLUMNS, number / COLUMNS);
        panel["id"] = json!(number + 1);
        panel["gridPos"] = json!({ "w": SIZE[0], "h": SIZE[1], "x": column * SIZE[0], "y": line * SIZE[1] });
        panel
    };
    let panels: Vec<Value> = std::iter::once(up).chain(rest).enumerate().map(place).collect();
    let variable = |name: &str, selected: &str| {
        json!({
            "name": name, "label": name, "type": "query", "datasource": DATA_SOURCE, "refresh": 2,
            "query": format!("label_values(engram_up{selected}, {name})"),
            "multi": true, "includeAll": true, "allValue": ".*", "current": { "text": "All", "value": "$__all" },
        })
    };
    let dashboard = json!({
        "title": "Engram",
        "uid": "engram",
        "description": "Written by cargo xtask docs from the table in crates/metrics.",
        "tags": ["engram"],
        "schemaVersion": 39,
        "editable": true,
        "refresh": "10s",
        "time": { "from": "now-1h", "to": "now" },
        "templating": { "list": [
            { "name": "source", "label": "source", "type": "datasource", "query": "prometheus" },
            variable("region", ""),
            variable("deployment", "{region=~\"$region\"}"),
            variable("member", "{region=~\"$region\",deployment=~\"$deployment\"}"),
        ] },
        "panels": panels,
    });
    format!("{dashboard:#}\n")
}

const DATA_SOURCE: &str = "${source}";

fn panel(title: &str, help: &str, expression: &str, unit: &str) -> Value {
    let selected = "region=~\"$region\",deployment=~\"$deployment\",member=~\"$member\"";
    json!({
        "type": "timeseries",
        "title": title,
        "description": help,
        "datasource": { "type": "prometheus", "uid": DATA_SOURCE },
        "fieldConfig": { "defaults": { "unit": unit, "min": 0 }, "overrides": [] },
        "targets": [{
            "refId": "A",
            "expr": expression.replace("SELECTED", selected),
            "legendFormat": "{{member}}",
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_its_panel_and_every_counter_its_sum() {
        let dashboard: Value = serde_json::from_str(&dashboard()).unwrap();
        let panels = dashboard["panels"].as_array().unwrap();
        let rules = rules();
        assert_eq!(panels.len(), exported().len() + 1);
        for metric in exported() {
            let is_asked = |panel: &&Value| {
                let asked = panel["targets"][0]["expr"].as_str().unwrap();
                asked.contains(&format!("{}{{", metric.name)) && panel["title"] == *metric.row.name
            };
            assert_eq!(panels.iter().filter(is_asked).count(), 1, "{}", metric.name);
            let is_summed = rules.contains(&format!("rate({}[5m])", metric.name));
            assert_eq!(is_summed, metric.kind == Type::Counter, "{}", metric.name);
        }
    }
}
