//! Everything about a server that can be measured: one table, from which what tells of it is derived.
//!
//! ```text
//!   table/*: sections of rows ──▶ INFO: sections, lines in their order, forms of values
//!      a row: field, kind, unit, versions, CloudWatch's name, what it tells, where it is read
//!                             ├─▶ docs/metrics.md
//!   cloudwatch: rows of its own ─┴─▶ readings of a node: what CloudWatch publishes of it
//!                                 └─▶ prometheus: the same by Prometheus's names
//! ```
//! A row reads its value from [`Facts`]. Nothing that has a number is told by other ways than its row, and a new
//! one is a row and nothing else.
//!
//! A field for something that does not exist here (the append-only file, scripts, defragmentation) is a row too, for tools
//! expect the line: it is *absent*, says why, and shows what a real server shows that does not use the thing. No other row
//! has a value that cannot change.

#![forbid(unsafe_code)]
// Rows read the clock and what the system knows of the process.
#![allow(clippy::disallowed_methods)]

pub mod cloudwatch;
mod facts;
mod metric;
pub mod prometheus;
mod system;
mod table;

pub use facts::Facts;
pub use metric::{Item, Kind, Metric, Unit, Value};

/// A section of INFO.
#[derive(Debug)]
pub struct Section {
    /// How it is asked for.
    pub name: &'static str,
    /// What stands above it.
    pub heading: &'static str,
    /// Whether it is shown when nobody asks for it.
    pub by_default: bool,
    /// What it shows, in this order.
    pub metrics: &'static [Metric],
}

/// All sections, in INFO's order.
pub const SECTIONS: &[Section] = table::SECTIONS;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn rows() -> impl Iterator<Item = &'static Metric> {
        SECTIONS.iter().flat_map(|section| section.metrics)
    }

    #[test]
    fn names_are_unique() {
        let mut names = HashSet::new();
        assert!(SECTIONS.iter().all(|section| names.insert(section.name)));
        let mut fields = HashSet::new();
        for row in rows() {
            assert!(fields.insert(row.field), "two rows for {}", row.field);
        }
        let mut published = HashSet::new();
        for name in rows().filter_map(|row| row.cloudwatch) {
            assert!(published.insert(name), "two rows for {name} of CloudWatch");
        }
    }

    /// Whose lines begin alike are no row's own line.
    #[test]
    fn lines_of_many_things_are_told_from_others() {
        for many in rows().filter(|row| row.is_many()) {
            let numbered = |field: &str| {
                let rest = field.strip_prefix(many.field);
                rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            };
            let taken = rows().find(|row| row.field != many.field && numbered(row.field));
            assert!(taken.is_none(), "{} looks like one of {}", taken.expect("a row").field, many.field);
        }
    }

    #[test]
    fn rows_say_what_they_tell() {
        for row in rows() {
            assert!(row.help.ends_with('.') && row.help.contains(' '), "{}: {}", row.field, row.help);
            assert!(!row.help.contains('|'), "{}: the page is a table", row.field);
            let is_text = row.kind == Kind::Text;
            assert!(!is_text || row.unit == Unit::None, "{} is a text with a unit", row.field);
            assert!(is_text || row.is_many() || row.unit != Unit::None, "{} has no unit", row.field);
        }
    }

    /// CloudWatch takes numbers.
    #[test]
    fn what_cloudwatch_publishes_has_a_number() {
        for row in rows().filter(|row| row.cloudwatch.is_some()) {
            assert!(row.kind != Kind::Text && !row.is_many(), "{}", row.field);
        }
    }

    #[test]
    fn a_name_for_people_follows_its_bytes() {
        let fields: HashSet<&str> =
            rows().filter(|row| row.unit == Unit::Bytes).map(|row| row.field).collect();
        for field in rows().filter_map(|row| row.field.strip_suffix("_human")) {
            assert!(fields.contains(field), "{field}_human is of no bytes");
        }
    }
}
