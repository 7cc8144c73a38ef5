//! Figures, their medians, and how they are printed and stored.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use crate::subject::Subject;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    NsPerRequest,
    Us,
    PerSecond,
    Percent,
    BytesPerKey,
    BytesPerConnection,
    Ratio,
    Megabytes,
    Seconds,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::NsPerRequest => "ns/request",
            Unit::Us => "us",
            Unit::PerSecond => "1/s",
            Unit::Percent => "%",
            Unit::BytesPerKey => "B/key",
            Unit::BytesPerConnection => "B/connection",
            Unit::Ratio => "x",
            Unit::Megabytes => "MB",
            Unit::Seconds => "s",
        }
    }

    /// Enough digits to tell two subjects apart.
    fn show(self, value: f64) -> String {
        match self {
            Unit::NsPerRequest | Unit::PerSecond | Unit::Percent | Unit::BytesPerConnection => {
                format!("{value:.0}")
            }
            Unit::Us | Unit::BytesPerKey | Unit::Megabytes => format!("{value:.1}"),
            Unit::Seconds | Unit::Ratio => format!("{value:.2}"),
        }
    }
}

/// One measured value.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) unit: Unit,
    pub(crate) value: f64,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, unit: Unit, value: f64) -> Figure {
        Figure { name: name.into(), unit, value }
    }
}

/// One subject's figures in every run, or why there are none.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) subject: Subject,
    pub(crate) runs: Vec<Vec<Figure>>,
    pub(crate) failure: Option<String>,
}

/// The same figure over the runs.
#[derive(Debug)]
struct Summary {
    name: String,
    unit: Unit,
    values: Vec<f64>,
}

impl Summary {
    fn median(&self) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
    }

    fn min(&self) -> f64 {
        self.values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn max(&self) -> f64 {
        self.values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

impl Column {
    fn summaries(&self) -> Vec<Summary> {
        let mut summaries: Vec<Summary> = Vec::new();
        for figure in self.runs.iter().flatten() {
            match summaries.iter_mut().find(|summary| summary.name == figure.name) {
                Some(summary) => summary.values.push(figure.value),
                None => summaries.push(Summary {
                    name: figure.name.clone(),
                    unit: figure.unit,
                    values: vec![figure.value],
                }),
            }
        }
        summaries
    }
}

/// The table of a case: a line a figure, a column a subject, ratios to the first subject that has the figure.
pub(crate) fn table(columns: &[Column]) -> String {
    let summaries: Vec<Vec<Summary>> = columns.iter().map(Column::summaries).collect();
    let mut names: Vec<(&str, Unit)> = Vec::new();
    for summary in summaries.iter().flatten() {
        if !names.iter().any(|(name, _)| *name == summary.name) {
            names.push((&summary.name, summary.unit));
        }
    }
    let mut text = format!("{:<26}", "");
    columns.iter().for_each(|column| text += &format!(" {:<36}", column.subject.name()));
    text = text.trim_end().to_owned() + "\n";
    for (name, unit) in names {
        let mut line = format!("{:<26}", format!("{name} {}", unit.name()));
        let of = |summaries: &[Summary]| {
            summaries.iter().find(|summary| summary.name == name).map(Summary::median)
        };
        let reference = summaries.first().and_then(|first| of(first));
        for (place, column) in summaries.iter().enumerate() {
            let cell = column.iter().find(|summary| summary.name == name);
            line += &format!(
                " {:<36}",
                cell.map_or(String::new(), |cell| show(cell, reference.filter(|_| place > 0)))
            );
        }
        text += line.trim_end();
        text.push('\n');
    }
    for column in columns {
        if let Some(failure) = &column.failure {
            text += &format!("{}: failed: {}\n", column.subject.name(), failure.trim_end());
        }
    }
    text
}

/// `540 (530–560) 0.43x`
fn show(summary: &Summary, reference: Option<f64>) -> String {
    let [median, min, max] =
        [summary.median(), summary.min(), summary.max()].map(|value| summary.unit.show(value));
    let ratio = match reference {
        Some(reference) if reference > 0.0 && !matches!(summary.unit, Unit::Percent | Unit::Ratio) => {
            format!(" {:.2}x", summary.median() / reference)
        }
        _ => String::new(),
    };
    format!("{median} ({min}–{max}){ratio}")
}

/// One table of several cases in Markdown: a line a figure, a column a subject, and behind each figure of Engram its ratios to
/// all others, in their order.
pub(crate) fn markdown(cases: &[(&str, Vec<Column>)]) -> String {
    let Some((_, columns)) = cases.first() else { return String::new() };
    let subjects: Vec<&Subject> = columns.iter().map(|column| &column.subject).collect();
    let others: Vec<&str> =
        subjects.iter().filter(|subject| !subject.is_engram()).map(|subject| subject.name()).collect();
    let mut text = "| | ".to_owned();
    for subject in &subjects {
        text += subject.name();
        if subject.is_engram() && !others.is_empty() {
            text += &format!(", of {}", others.join(" / "));
        }
        text += " | ";
    }
    text = format!("{}\n|---|{}\n", text.trim_end(), "---|".repeat(subjects.len()));
    for (case, columns) in cases {
        let summaries: Vec<Vec<Summary>> = columns.iter().map(Column::summaries).collect();
        let mut names: Vec<(&str, Unit)> = Vec::new();
        for summary in summaries.iter().flatten() {
            if !names.iter().any(|(name, _)| *name == summary.name) {
                names.push((&summary.name, summary.unit));
            }
        }
        for (name, unit) in names {
            text += &format!("| {case}: {name}, {} |", unit.name());
            let find = |place: usize| summaries[place].iter().find(|summary| summary.name == name);
            for (place, column) in columns.iter().enumerate() {
                let Some(summary) = find(place) else {
                    text += " – |";
                    continue;
                };
                text += &format!(" {}", show(summary, None));
                if column.subject.is_engram() && unit != Unit::Ratio {
                    let peers = (0..columns.len()).filter(|place| !columns[*place].subject.is_engram());
                    let ratio = |place| match find(place).map(Summary::median) {
                        Some(peer) if peer > 0.0 => format!("{:.2}", summary.median() / peer),
                        _ => "–".to_owned(),
                    };
                    let ratios: Vec<String> = peers.map(ratio).collect();
                    // A figure that no peer has stands for itself.
                    if ratios.iter().any(|ratio| ratio != "–") {
                        text += &format!(", **{}**", ratios.join(" / "));
                    }
                }
                text += " |";
            }
            text.push('\n');
        }
        for column in columns {
            if let Some(failure) = &column.failure {
                text += &format!(
                    "| {case} | {} failed: {} |\n",
                    column.subject.name(),
                    failure.replace('\n', " ")
                );
            }
        }
    }
    text
}

/// Writes `<case>.json`: every value of every run, with medians.
pub(crate) fn write_json(folder: &Path, case: &str, is_quick: bool, columns: &[Column]) -> Result<()> {
    let mut subjects = Map::new();
    for column in columns {
        let mut figures = Map::new();
        for summary in column.summaries() {
            let value = json!({
                "unit": summary.unit.name(),
                "median": summary.median(),
                "min": summary.min(),
                "max": summary.max(),
                "runs": summary.values,
            });
            figures.insert(summary.name, value);
        }
        subjects.insert(
            column.subject.name().to_owned(),
            json!({ "figures": Value::Object(figures), "failure": column.failure }),
        );
    }
    let value = json!({ "case": case, "quick": is_quick, "subjects": Value::Object(subjects) });
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    let path = folder.join(format!("{case}.json"));
    let text = serde_json::to_string_pretty(&value)? + "\n";
    fs::write(&path, text).with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::Program;

    fn column(subject: Subject, values: &[f64], failure: Option<&str>) -> Column {
        let runs =
            values.iter().map(|value| vec![Figure::new("GET CPU", Unit::NsPerRequest, *value)]).collect();
        Column { subject, runs, failure: failure.map(str::to_owned) }
    }

    #[test]
    fn a_table_has_medians_ranges_and_ratios_to_the_first_subject() {
        let columns = [
            column(Subject::Redis, &[1000.0, 900.0, 1200.0], None),
            column(Subject::EngramUring, &[500.0, 400.0], None),
            column(Subject::EngramEpoll, &[], Some("it did not start")),
        ];
        let table = table(&columns);
        let line = table.lines().nth(1).expect("a figure");
        let cells: Vec<&str> = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect();
        assert_eq!(cells, ["GET CPU ns/request", "1000 (900–1200)", "450 (400–500) 0.45x"]);
        assert_eq!(table.lines().last(), Some("engram epoll: failed: it did not start"));
    }

    #[test]
    fn markdown_has_a_line_a_figure_and_ratios_to_every_peer() {
        let program = Program { name: "other".to_owned(), path: "p".into(), preload: None };
        let columns = vec![
            column(Subject::Redis, &[1000.0], None),
            column(Subject::Peer(program.into()), &[500.0], None),
            column(Subject::EngramUring, &[400.0, 420.0, 300.0], None),
            column(Subject::EngramEpoll, &[], Some("gone")),
        ];
        let text = markdown(&[("p1", columns)]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].starts_with("| | redis-server | other | engram io_uring, of redis-server / other |"),
            "{text}"
        );
        assert_eq!(lines[1], "|---|---|---|---|---|");
        let line = "| p1: GET CPU, ns/request | 1000 (1000–1000) | 500 (500–500) | 400 (300–420), **0.40 / 0.80** | – |";
        assert_eq!(lines[2], line);
        assert_eq!(lines[3], "| p1 | engram epoll failed: gone |");
    }

    #[test]
    fn without_the_reference_there_are_no_ratios() {
        let columns = [column(Subject::Redis, &[], Some("gone")), column(Subject::EngramUring, &[5.0], None)];
        assert!(!table(&columns).contains("0x"));
    }
}
