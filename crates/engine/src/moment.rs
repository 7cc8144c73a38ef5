//! The clock that commands are timed by, as one number: it is read once a command, and what is between two readings is one
//! subtraction.

use nix::time::{ClockId, clock_gettime};
use std::ops::Add;
use std::time::Duration;

/// A moment by the monotonic clock, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// This one.
    #[inline]
    pub fn now() -> Moment {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("a system has this clock");
        // The clock begins at the start of the machine: neither is negative, and the product fits for 500 years.
        Moment((now.tv_sec() as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec() as u64))
    }

    /// The nanoseconds from an earlier moment on; 0 if it is not earlier.
    #[inline]
    pub fn nanoseconds_since(self, earlier: Moment) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The time from an earlier moment on.
    #[inline]
    pub fn since(self, earlier: Moment) -> Duration {
        Duration::from_nanos(self.nanoseconds_since(earlier))
    }

    /// How long it is ago.
    #[inline]
    pub fn elapsed(self) -> Duration {
        Moment::now().since(self)
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, time: Duration) -> Moment {
        Moment(self.0 + time.as_nanos() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_advances_as_the_clock_of_the_standard_library_does() {
        let (theirs, ours) = (std::time::Instant::now(), Moment::now());
        while theirs.elapsed() < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        let (between, outer) = (ours.elapsed(), theirs.elapsed());
        assert!(between <= outer && between >= Duration::from_millis(1), "{between:?} within {outer:?}");
        assert_eq!(ours.nanoseconds_since(Moment::now()), 0);
    }
}
