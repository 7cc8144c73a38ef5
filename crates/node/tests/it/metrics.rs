//! The table of metrics, beside what INFO shows and beside its page in `docs`.

use crate::{TestNode, ask};
use conformance::connection::Connection;
use node::metrics::{Kind, Metric, SECTIONS, Unit};
use profile::Profile;
use std::collections::HashMap;
use std::fmt::Write;

/// Makes the test write the page instead of comparing it.
const WRITE_PAGES: &str = "ENGRAM_WRITE_PAGES";

fn lines(connection: &mut Connection) -> Vec<String> {
    let reply = ask(connection, "INFO everything");
    let text = String::from_utf8(reply.text().expect("a text").to_vec()).expect("UTF-8");
    text.lines().map(str::to_owned).collect()
}

/// Whether the line is one of the row's.
fn is_of(row: &Metric, field: &str) -> bool {
    if row.is_many() { field.starts_with(row.field) } else { field == row.field }
}

#[test]
fn info_is_the_table() {
    for &profile in Profile::ALL {
        let node = TestNode::start(profile, "");
        let mut connection = node.connect();
        ask(&mut connection, "SET a 1");
        let lines = lines(&mut connection);
        let mut shown = lines.iter();
        for section in SECTIONS {
            if section.name != SECTIONS[0].name {
                assert_eq!(shown.next().map(String::as_str), Some(""), "a line apart");
            }
            assert_eq!(shown.next(), Some(&format!("# {}", section.heading)));
            for row in section.metrics.iter().filter(|row| row.is_in(profile)) {
                let before = shown.as_slice().len();
                while let Some(line) = shown.as_slice().first()
                    && is_of(row, line.split(':').next().unwrap_or_default())
                {
                    shown.next();
                }
                let count = before - shown.as_slice().len();
                assert!(count > 0 || !row.is_always_shown(), "{} in {profile}", row.field);
                assert!(count <= 1 || row.is_many(), "{} in {profile}", row.field);
            }
        }
        assert_eq!(shown.next(), None, "a line that no row has, or not here, in {profile}");
    }
}

#[test]
fn what_has_a_number_shows_one() {
    // The numbers behind these words are 1 and 0.
    let is_state = |value: &str| ["ok", "err", "up", "down", "master", "slave"].contains(&value);
    let node = TestNode::start(Profile::default(), "");
    let values: HashMap<String, String> = lines(&mut node.connect())
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(field, value)| (field.to_owned(), value.to_owned()))
        .collect();
    for row in SECTIONS.iter().flat_map(|section| section.metrics) {
        let Some(value) = values.get(row.field).filter(|_| !row.is_many() && row.kind != Kind::Text) else {
            continue;
        };
        let number: Result<f64, _> = value.trim_end_matches('%').parse();
        match row.unit {
            Unit::Flag => assert!(["0", "1"].contains(&value.as_str()) || is_state(value), "{}", row.field),
            _ => assert!(number.is_ok(), "{}: {value}", row.field),
        }
        assert!(row.kind != Kind::Counter || number.is_ok_and(|number| number >= 0.0), "{}", row.field);
    }
}

fn page() -> String {
    let mut page = String::from(
        "# Metrics\n\n\
         INFO shows these fields, in this order. The page is derived from the table in `crates/node/src/metrics`: after a change\n\
         there, `ENGRAM_WRITE_PAGES=1 cargo test -p node --test it metrics` writes it anew.\n\n\
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
    page
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

#[test]
fn the_page_is_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/metrics.md");
    let page = page();
    if std::env::var_os(WRITE_PAGES).is_some() {
        std::fs::write(path, &page).expect("the page can be written");
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let differs = page.lines().zip(written.lines()).find(|(derived, written)| derived != written);
    assert_eq!(differs, None, "docs/metrics.md is not what the table says; it tells how it is written");
    assert_eq!(page, written);
}
