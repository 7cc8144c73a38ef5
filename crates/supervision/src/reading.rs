//! What a node has measured, and the values of the time between two readings.
//!
//! A reading is of a moment; many values are of the time between two. Who asks keeps the readings of the moment before, so a node
//! need not know how often, and by how many, it is asked.

use serde::{Deserialize, Serialize};

/// What was read at a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reading {
    /// The value itself.
    Now(f64),
    /// What only grows: the value is by how much.
    Grown(f64),
    /// The growth of the first in relation to that of the second.
    Quotient(f64, f64),
    /// Seconds of work that several do at once: the value is the percentage that the busiest of them worked.
    Busiest(Vec<f64>),
}

impl Reading {
    /// The value of the time from one reading to the next. `None` if there is none: nothing has happened that it would be of.
    pub fn since(&self, before: &Reading, seconds: f64) -> Option<f64> {
        // What was reset began at 0.
        let growth = |now: f64, before: f64| if now < before { now } else { now - before };
        match (self, before) {
            (Reading::Now(now), _) => Some(*now),
            (Reading::Grown(now), Reading::Grown(before)) => Some(growth(*now, *before)),
            (Reading::Quotient(part, whole), Reading::Quotient(part_before, whole_before)) => {
                let whole = growth(*whole, *whole_before);
                (whole > 0.0).then(|| growth(*part, *part_before) / whole)
            }
            (Reading::Busiest(now), Reading::Busiest(before)) if seconds > 0.0 => {
                let busy = now.iter().zip(before).map(|(now, before)| growth(*now, *before));
                busy.reduce(f64::max).map(|busy| (100.0 * busy / seconds).min(100.0))
            }
            _ => None,
        }
    }

    /// Whether it is of numbers; the frames have no others.
    pub fn is_finite(&self) -> bool {
        match self {
            Reading::Now(number) | Reading::Grown(number) => number.is_finite(),
            Reading::Quotient(part, whole) => part.is_finite() && whole.is_finite(),
            Reading::Busiest(seconds) => seconds.iter().all(|number| number.is_finite()),
        }
    }
}

/// Everything that a node measures, at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The moment, in µs of a clock that only goes on and begins anew with each process.
    pub at_us: u64,
    /// By CloudWatch's names, which do not repeat. What has no truth at this moment is left out.
    pub readings: Vec<(String, Reading)>,
}

impl Measured {
    /// The reading of a name.
    pub fn get(&self, name: &str) -> Option<&Reading> {
        self.readings.iter().find(|(known, _)| known == name).map(|(_, reading)| reading)
    }

    /// The values at this moment, some of which are of the time since an earlier one of the same process.
    pub fn since<'m>(&'m self, before: Option<&'m Measured>) -> impl Iterator<Item = (&'m str, f64)> {
        let seconds = before.map_or(0.0, |before| self.at_us.saturating_sub(before.at_us) as f64 / 1e6);
        self.readings.iter().enumerate().filter_map(move |(place, (name, reading))| {
            let value = match (reading, before) {
                (Reading::Now(now), _) => Some(*now),
                (_, None) => None,
                (_, Some(before)) => {
                    // Rows seldom come and go, so the same name is in the same place.
                    let same = before.readings.get(place).filter(|(known, _)| known == name);
                    let earlier = same.map(|(_, reading)| reading).or_else(|| before.get(name));
                    earlier.and_then(|earlier| reading.since(earlier, seconds))
                }
            };
            value.map(|value| (name.as_str(), value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_of_the_time_between_two_readings() {
        let busy = |seconds: &[f64]| Reading::Busiest(seconds.to_vec());
        assert_eq!(Reading::Now(7.0).since(&Reading::Now(5.0), 1.0), Some(7.0));
        assert_eq!(Reading::Grown(7.0).since(&Reading::Grown(5.0), 1.0), Some(2.0));
        assert_eq!(Reading::Grown(3.0).since(&Reading::Grown(5.0), 1.0), Some(3.0), "behind a reset");
        assert_eq!(Reading::Quotient(900.0, 10.0).since(&Reading::Quotient(400.0, 0.0), 1.0), Some(50.0));
        assert_eq!(
            Reading::Quotient(900.0, 10.0).since(&Reading::Quotient(900.0, 10.0), 1.0),
            None,
            "of nothing"
        );
        assert_eq!(busy(&[5.5, 9.25]).since(&busy(&[5.0, 9.0]), 1.0), Some(50.0), "the busiest");
        assert_eq!(busy(&[9.0]).since(&busy(&[5.0]), 1.0), Some(100.0), "a clock is never exact");
    }

    #[test]
    fn a_first_reading_has_only_values_of_its_moment() {
        let measured = |at_us, readings: &[(&str, Reading)]| Measured {
            at_us,
            readings: readings.iter().map(|(name, reading)| ((*name).to_owned(), reading.clone())).collect(),
        };
        let first = measured(1_000_000, &[("Keys", Reading::Now(3.0)), ("Hits", Reading::Grown(10.0))]);
        assert_eq!(first.since(None).collect::<Vec<_>>(), [("Keys", 3.0)]);
        let busy = |seconds| ("Busy", Reading::Busiest(vec![seconds]));
        let second = measured(2_000_000, &[("Hits", Reading::Grown(12.0)), busy(1.0)]);
        assert_eq!(second.since(Some(&first)).collect::<Vec<_>>(), [("Hits", 2.0)], "found in another place");
        let third = measured(4_000_000, &[("Hits", Reading::Grown(12.0)), busy(2.0)]);
        assert_eq!(third.since(Some(&second)).collect::<Vec<_>>(), [("Hits", 0.0), ("Busy", 50.0)]);
    }
}
