//! How far a replica is behind, in seconds.
//!
//! A replica knows how far it has come, and not when the primary was there; the primary knows the converse. So the offsets of the
//! primary are kept for a while: the lag is how long ago it was where the replica is now, as a straight line between two of its
//! offsets tells.

use std::collections::VecDeque;

/// So many offsets, one a second, are kept: whoever is further behind is said to be at least so far behind.
const MOST: usize = 600;

/// The offsets of a primary over time.
#[derive(Clone, Debug, Default)]
pub(super) struct Track {
    /// Seconds and offsets; neither goes back.
    points: VecDeque<(f64, f64)>,
    primary: String,
}

impl Track {
    /// The primary is there.
    pub(super) fn note(&mut self, primary: &str, at: f64, offset: f64) {
        // Another one's offsets go on from where it was promoted; a restart begins anew.
        let goes_back = self.points.back().is_some_and(|(last, reached)| offset < *reached || at <= *last);
        if goes_back || self.primary != primary {
            self.points.clear();
            primary.clone_into(&mut self.primary);
        }
        self.points.push_back((at, offset));
        if self.points.len() > MOST {
            self.points.pop_front();
        }
    }

    /// How long ago it was where a replica is now. `None` if the primary is not known.
    pub(super) fn lag(&self, now: f64, offset: f64) -> Option<f64> {
        let behind = self.points.partition_point(|(_, reached)| *reached <= offset);
        let Some((later, reached)) = self.points.get(behind) else {
            return self.points.back().map(|_| 0.0);
        };
        let then = match behind.checked_sub(1).and_then(|before| self.points.get(before)) {
            Some((earlier, passed)) => earlier + (later - earlier) * (offset - passed) / (reached - passed),
            None => *later,
        };
        Some((now - then).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lag_is_how_long_ago_the_primary_was_there() {
        let mut track = Track::default();
        assert_eq!(track.lag(10.0, 5.0), None);
        for (at, offset) in [(10.0, 100.0), (11.0, 200.0), (12.0, 200.0), (13.0, 300.0)] {
            track.note("a-001", at, offset);
        }
        assert_eq!(track.lag(13.0, 300.0), Some(0.0));
        assert_eq!(track.lag(13.0, 301.0), Some(0.0), "read a moment later");
        assert_eq!(track.lag(13.0, 250.0), Some(0.5));
        assert_eq!(track.lag(13.0, 200.0), Some(1.0), "it was there until then");
        assert_eq!(track.lag(13.0, 150.0), Some(2.5));
        assert_eq!(track.lag(13.0, 50.0), Some(3.0), "at least");
        assert_eq!(track.lag(20.0, 250.0), Some(7.5), "the primary is gone");
        track.note("a-002", 14.0, 310.0);
        assert_eq!(track.lag(14.0, 250.0), Some(0.0), "of the new primary nothing else is known");
        track.note("a-002", 15.0, 1.0);
        assert_eq!(track.lag(15.0, 1.0), Some(0.0), "it has begun anew");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut track = Track::default();
        for second in 0..10_000 {
            track.note("a", f64::from(second), f64::from(second));
        }
        assert_eq!(track.points.len(), MOST);
        assert_eq!(track.lag(9_999.0, 0.0), Some(MOST as f64 - 1.0));
    }
}
