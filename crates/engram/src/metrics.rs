//! `engram metrics`: what nodes have measured, as a table with spark lines, or as JSON for scripts.

use crate::charts::{spark, table, value};
use anyhow::{Result, anyhow};
use region::{Question, SeriesView};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// The options of `engram metrics`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) data: crate::data_directory::DataDirectory,
    /// Only of this replication group or cluster
    #[arg(long, value_name = "ID")]
    deployment: Option<String>,
    /// Only of this member, as web-001
    #[arg(long, value_name = "ID")]
    member: Option<String>,
    /// Only this metric, by CloudWatch's name
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// How far back: a number and s, m, h or d
    #[arg(long, value_name = "DURATION", default_value = "3h", value_parser = crate::clock::duration_ms)]
    since: u64,
    /// Seconds of a value; 1 is kept for 3 hours, 60 for 15 days, 300 for 15 months
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    period: u64,
    /// Average, Sum, Minimum, Maximum or SampleCount [default: Sum of counters, Average of all else]
    #[arg(long, value_name = "NAME")]
    statistic: Option<String>,
    /// Every value, as one JSON document
    #[arg(long)]
    json: bool,
}

const HEAD: [&str; 8] = ["MEMBER", "METRIC", "UNIT", "STATISTIC", "LAST", "LOWEST", "HIGHEST", "OVER TIME"];

/// Columns of a spark line.
const COLUMNS: usize = 40;

/// Asks the control plane that runs on the data directory. Only one part of the answer is held at a time: all of it may be large.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let question = Question {
        deployment: arguments.deployment.clone(),
        member: arguments.member.clone(),
        metric: arguments.metric.clone(),
        statistic: arguments.statistic.clone(),
        since_s: arguments.since / 1000,
        period_s: arguments.period,
        until_s: Some(now + 1),
        after: None,
    };
    let (from, to) = (now.saturating_sub(question.since_s), now + 1);
    let data = arguments.data.path()?;
    if arguments.json {
        return print_json(&data, question);
    }
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    let asked = region::whereabouts::measured(&data, question, |part| {
        rows.extend(part.iter().map(|series| (series.region.clone(), row(series, from, to))));
        anyhow::Ok(())
    });
    asked?.map_err(|why| anyhow!(why))?;
    crate::console::print(&text(&rows))
}

/// One list, with a series a time.
fn print_json(data: &Path, question: Question) -> Result<()> {
    let mut before = "[";
    let asked = region::whereabouts::measured(data, question, |part| {
        let mut text = String::new();
        for series in part {
            text.push_str(std::mem::replace(&mut before, ","));
            text.push_str(&serde_json::to_string(&series)?);
        }
        crate::console::print(&text)
    });
    asked?.map_err(|why| anyhow!(why))?;
    crate::console::print(if before == "[" { "[]\n" } else { "]\n" })
}

/// The rows of a table, each with its region.
fn text(found: &[(String, Vec<String>)]) -> String {
    if found.is_empty() {
        return "Nothing was measured in this time.\n".to_owned();
    }
    let mut text = String::new();
    for of_region in found.chunk_by(|one, other| one.0 == other.0) {
        let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
        rows.extend(of_region.iter().map(|(_, row)| row.clone()));
        text.push_str(&format!("Region {}\n", of_region[0].0));
        for line in table(&rows, 4) {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

fn row(series: &SeriesView, from: u64, to: u64) -> Vec<String> {
    let values = || series.points.iter().map(|(_, value)| *value);
    let shown = |number: Option<f64>| number.map_or("-".to_owned(), |number| value(number, &series.unit));
    let cells = [series.member.clone(), series.metric.clone(), series.unit.clone(), series.statistic.clone()];
    let numbers = [values().next_back(), values().reduce(f64::min), values().reduce(f64::max)].map(shown);
    let mut row = cells.to_vec();
    row.extend(numbers);
    row.push(spark(&series.points, from, to, COLUMNS));
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_a_line() {
        let series = |member: &str, points: &[(u64, f64)]| SeriesView {
            region: "us-east-1".into(),
            deployment: "web".into(),
            member: member.into(),
            metric: "CacheHits".into(),
            unit: "Count".into(),
            statistic: "Sum".into(),
            points: points.to_vec(),
        };
        let found = [series("web-001", &[(0, 5.0), (20, 1.0), (39, 3.0)]), series("web-002", &[(39, 2.0)])];
        let text = text(&found.map(|series| (series.region.clone(), row(&series, 0, 40))));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "Region us-east-1");
        assert!(
            lines[1].starts_with("  MEMBER   METRIC     UNIT   STATISTIC  LAST  LOWEST  HIGHEST"),
            "{text}"
        );
        let line = format!(
            "  web-001  CacheHits  Count  Sum           3       1        5  █{0}▁{1}▅",
            " ".repeat(19),
            " ".repeat(18)
        );
        assert_eq!(lines[2], line);
        assert!(
            lines[3].starts_with("  web-002  CacheHits  Count  Sum           2       2        2"),
            "{text}"
        );
        assert_eq!(super::text(&[]), "Nothing was measured in this time.\n");
    }
}
