//! The table of metrics, beside what INFO shows.

use crate::{TestNode, ask};
use ::metrics::{Kind, Metric, SECTIONS, Unit};
use conformance::connection::Connection;
use profile::Profile;
use std::collections::HashMap;

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
