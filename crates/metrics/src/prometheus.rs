//! The names under which Prometheus gets what CloudWatch publishes of a node.
//!
//! ```text
//!   NetworkBytesIn              counter   engram_network_bytes_in_total
//!   FreeableMemory    Bytes     gauge     engram_freeable_memory_bytes
//!   CPUUtilization    Percent   gauge     engram_cpu_utilization_ratio
//!   SetTypeCmdsLatency          counter   engram_set_type_cmds_latency_seconds_total
//! ```
//! Its users expect base units (seconds, bytes, ratios), counters that only grow, and no means: whoever asks for one divides the growth
//! of a sum by that of a count. A share of what is looked up, and what the busiest thread does, are those of the last second.

use crate::cloudwatch::{Form, MEAN_TIME, Row, rows};
use std::borrow::Cow;
use supervision::Reading;

/// What becomes of a metric over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// It only grows, until its node starts anew.
    Counter,
    /// It is what it is.
    Gauge,
}

impl Type {
    /// Prometheus's word.
    pub fn word(self) -> &'static str {
        match self {
            Type::Counter => "counter",
            Type::Gauge => "gauge",
        }
    }
}

/// A row as Prometheus gets it.
#[derive(Clone, Debug)]
pub struct Exported {
    /// `engram_` and so on.
    pub name: String,
    /// What becomes of it.
    pub kind: Type,
    /// What it tells, in a sentence.
    pub help: Cow<'static, str>,
    /// What it is made of.
    pub row: Row,
    /// What a number in the row's unit is multiplied by.
    scale: f64,
}

impl Exported {
    fn of(row: Row) -> Exported {
        let kind = if matches!(row.form, Form::Counter | Form::Mean) { Type::Counter } else { Type::Gauge };
        let (unit, scale) = match row.unit {
            "Bytes" => ("bytes", 1.0),
            "Percent" => ("ratio", 0.01),
            "Seconds" => ("seconds", 1.0),
            "Milliseconds" => ("seconds", 1e-3),
            "Microseconds" => ("seconds", 1e-6),
            _ => ("", 1.0),
        };
        let mut name = format!("engram_{}", snake(row.name.strip_suffix("Percentage").unwrap_or(&row.name)));
        let words = [unit, if kind == Type::Counter { "total" } else { "" }];
        for word in words.into_iter().filter(|word| !word.is_empty()) {
            if !name.split('_').any(|known| known == word) {
                name = format!("{name}_{word}");
            }
        }
        let help = match row.help.strip_prefix(MEAN_TIME) {
            Some(of_what) => format!("The time{of_what}").into(),
            None => row.help.clone(),
        };
        Exported { name, kind, help, row, scale }
    }

    /// What is told of a reading, with the value of the last second for what is of that.
    pub fn number(&self, reading: Option<&Reading>, value: Option<f64>) -> Option<f64> {
        let number = match (self.kind, reading) {
            (Type::Counter, Some(Reading::Grown(sum) | Reading::Quotient(sum, _))) => *sum,
            (Type::Counter, _) => return None,
            (Type::Gauge, _) => value?,
        };
        Some(number * self.scale)
    }
}

/// Every metric, by name.
pub fn exported() -> Vec<Exported> {
    let mut all: Vec<Exported> = rows().into_iter().map(Exported::of).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// `CPUUtilization` as `cpu_utilization`.
fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 8);
    for (at, char) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| chars[before]);
        let begins = char.is_ascii_uppercase()
            && before.is_some_and(|before| {
                !before.is_ascii_uppercase() || chars.get(at + 1).is_some_and(char::is_ascii_lowercase)
            });
        if begins {
            snake.push('_');
        }
        snake.push(char.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Exported {
        exported().into_iter().find(|one| one.row.name == name).unwrap()
    }

    #[test]
    fn names_are_in_base_units() {
        let cases = [
            ("NetworkBytesIn", "engram_network_bytes_in_total", Type::Counter),
            ("FreeableMemory", "engram_freeable_memory_bytes", Type::Gauge),
            ("CPUUtilization", "engram_cpu_utilization_ratio", Type::Gauge),
            ("DatabaseMemoryUsagePercentage", "engram_database_memory_usage_ratio", Type::Gauge),
            ("DB0AverageTTL", "engram_db0_average_ttl_seconds", Type::Gauge),
            ("SetTypeCmds", "engram_set_type_cmds_total", Type::Counter),
            ("SetTypeCmdsLatency", "engram_set_type_cmds_latency_seconds_total", Type::Counter),
            ("MemoryFragmentationRatio", "engram_memory_fragmentation_ratio", Type::Gauge),
            ("ReplicationLag", "engram_replication_lag_seconds", Type::Gauge),
        ];
        for (row, name, kind) in cases {
            let exported = named(row);
            assert_eq!((exported.name.as_str(), exported.kind), (name, kind));
        }
        let names: Vec<String> = exported().into_iter().map(|one| one.name).collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]), "each is there once: {names:?}");
        assert_eq!(named("SetTypeCmdsLatency").help, "The time of commands that may change a value.");
    }

    #[test]
    fn counters_are_what_was_read_and_gauges_what_it_means() {
        let told = |name, reading: &Reading, value| named(name).number(Some(reading), value);
        assert_eq!(told("CacheHits", &Reading::Grown(7.0), Some(2.0)), Some(7.0));
        assert_eq!(told("SetTypeCmdsLatency", &Reading::Quotient(2e6, 10.0), None), Some(2.0));
        assert_eq!(told("CacheHitRate", &Reading::Quotient(2e6, 10.0), Some(50.0)), Some(0.5));
        assert_eq!(told("CacheHitRate", &Reading::Quotient(2e6, 10.0), None), None);
        assert_eq!(named("ReplicationLag").number(None, Some(0.5)), Some(0.5));
        assert_eq!(named("CacheHits").number(None, Some(2.0)), None);
    }
}
