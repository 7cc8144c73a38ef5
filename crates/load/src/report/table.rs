//! Tables, the line of a load under way, and what has to be said beside them.

use super::QUANTILES;
use crate::plan::{Pace, Plan};
use crate::run::{Live, Outcome};
use crate::tally::Tally;

/// A generator that wakes later than this measures itself.
const LATE_NS: u64 = 5_000_000;

/// A row a command and one for all together, if there are several in a load.
pub fn table<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> String {
    let mut rows = vec![head()];
    for outcome in outcomes {
        for (name, tally) in &outcome.commands {
            rows.push(row(name, outcome, tally));
        }
        if outcome.commands.len() > 1 {
            rows.push(row("total", outcome, &outcome.total()));
        }
    }
    let columns = rows[0].len();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = format!("{:<width$}", row[0], width = widths[0]);
        for (cell, width) in row.iter().zip(&widths).skip(1) {
            line += &format!("  {cell:>width$}");
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

fn head() -> Vec<String> {
    let mut head =
        vec!["latencies in ms".to_owned(), "requests".to_owned(), "1/s".to_owned(), "mean".to_owned()];
    head.extend(QUANTILES.map(|(name, _)| name.to_owned()));
    head.extend(["max", "nil", "errors"].map(str::to_owned));
    head
}

fn row(name: &str, outcome: &Outcome, tally: &Tally) -> Vec<String> {
    let mut row = vec![name.to_owned(), grouped(tally.count()), grouped(outcome.rate(tally.count()) as u64)];
    row.push(ms(tally.mean_ns()));
    row.extend(QUANTILES.map(|(_, quantile)| ms(tally.quantile_ns(quantile) as f64)));
    row.extend([ms(tally.max_ns() as f64), grouped(tally.nils), grouped(tally.errors)]);
    row
}

/// What has to be known beside the figures; a sentence a line.
pub fn notes(plan: &Plan, outcome: &Outcome) -> String {
    let mut text = String::new();
    let mut note = |sentence: String| text += &format!("{}: {sentence}\n", outcome.name);
    if let Some(error) = &outcome.first_error {
        note(format!("the server answered errors, the first: {error}"));
    }
    if let Some(complaint) = &outcome.complaint {
        note(complaint.clone());
    }
    if outcome.lost_connections > 0 {
        note(format!("{} of {} connections broke", outcome.lost_connections, plan.connections));
    }
    if outcome.unanswered > 0 {
        note(format!("{} requests were not answered", grouped(outcome.unanswered)));
    }
    if outcome.unsent > 0 {
        let mut sentence =
            format!("{} requests were due and could not be sent before the end", grouped(outcome.unsent));
        if let Pace::Open { rate, .. } = plan.pace
            && outcome.unsent > outcome.total().count() / 100
        {
            sentence +=
                &format!(": the server did not keep up with {rate}/s, and latencies would have grown on");
        }
        note(sentence);
    }
    if outcome.woke_late_ns > LATE_NS {
        note(format!(
            "the generator itself woke up to {} ms late, which is part of the latencies",
            ms(outcome.woke_late_ns as f64)
        ));
    }
    text
}

/// A line for a load under way; nothing between the seconds.
pub fn live(live: &Live) -> Option<String> {
    let (tally, took) = live.interval.as_ref()?;
    let rate = tally.count() as f64 / took.as_secs_f64().max(1e-9);
    Some(format!(
        "{:>4} s  {:>11}/s  p50 {} ms  p99 {} ms  max {} ms  errors {}",
        live.elapsed.as_secs(),
        grouped(rate as u64),
        ms(tally.quantile_ns(0.5) as f64),
        ms(tally.quantile_ns(0.99) as f64),
        ms(tally.max_ns() as f64),
        grouped(tally.errors),
    ))
}

/// Three digits that say something.
fn ms(ns: f64) -> String {
    let ms = ns / 1e6;
    match ms {
        _ if ms >= 100.0 => format!("{ms:.0}"),
        _ if ms >= 10.0 => format!("{ms:.1}"),
        _ if ms >= 1.0 => format!("{ms:.2}"),
        _ => format!("{ms:.3}"),
    }
}

/// Thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::time::Duration;

    /// 1,000 GETs of 1 to 1,000 us, and one SET that was refused, in two seconds.
    pub(in crate::report) fn outcome() -> Outcome {
        let (mut get, mut set) = (Tally::default(), Tally::default());
        (1..=1000).for_each(|us| get.record(us * 1000));
        get.nils = 5;
        set.record(150_000_000);
        set.errors = 1;
        Outcome {
            name: "mixed".to_owned(),
            elapsed: Duration::from_secs(2),
            commands: vec![("GET".to_owned(), get), ("SET".to_owned(), set)],
            unanswered: 2,
            unsent: 1234,
            lost_connections: 1,
            first_error: Some("OOM no".to_owned()),
            complaint: Some("a connection broke: reset".to_owned()),
            woke_late_ns: 20_000_000,
        }
    }

    #[test]
    fn a_table_has_a_row_a_command_and_a_total() {
        let table = table([&outcome()]);
        let rows: Vec<Vec<&str>> =
            table.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[0][..4], ["GET", "1,000", "500", "0.501"]);
        assert_eq!(rows[0][4..], ["0.500", "0.900", "0.990", "0.999", "1.00", "1.00", "5", "0"]);
        assert_eq!(rows[1], ["SET", "1", "0", "150", "150", "150", "150", "150", "150", "150", "0", "1"]);
        assert_eq!(rows[2][..3], ["total", "1,001", "500"]);
        assert_eq!(rows.len(), 3);
    }

    #[test]
    fn what_went_wrong_is_told() {
        let mut plan = Plan::new(crate::Target::Tcp("h".to_owned(), 1), Vec::new());
        plan.pace = Pace::Open { rate: 500.0, arrivals: crate::Arrivals::Constant };
        let notes = notes(&plan, &outcome());
        for part in ["OOM no", "reset", "1 of 50", "2 requests", "1,234 requests", "500/s", "20.0 ms late"] {
            assert!(notes.contains(part), "{part}: {notes}");
        }
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
