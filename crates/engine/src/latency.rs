//! Histograms of command durations, with buckets for two decimal digits of precision.
//!
//! ```text
//!  value in ns   0 … 255    256 … 511    512 … 1023   …   below 2^30
//!  bucket width  1          2            4
//!  buckets       256        128          128          …
//! ```
//! The layout is that of a high dynamic range histogram with two significant digits over one nanosecond to one second, so
//! percentiles fall on the same borders as those of the real server. Longer times count as a second.

use std::sync::atomic::{AtomicU64, Ordering};

/// Values below this have buckets of their own.
const LINEAR: u64 = 256;
/// Buckets of each doubling above.
const HALF: usize = 128;
/// A little over one second.
const MAX_NS: u64 = (1 << 30) - 1;
/// Doublings above the linear part: from 2^8 to 2^30.
const DOUBLINGS: usize = 22;
const BUCKETS: usize = LINEAR as usize + DOUBLINGS * HALF;
const _: () = assert!(bucket_of(MAX_NS) == BUCKETS - 1);

/// The bucket of a value.
const fn bucket_of(nanoseconds: u64) -> usize {
    let value = if nanoseconds > MAX_NS { MAX_NS } else { nanoseconds };
    let shift = (64 - (value | (LINEAR - 1)).leading_zeros() as usize) - 8;
    shift * HALF + (value >> shift) as usize
}

/// The largest value of a bucket.
const fn largest_of(bucket: usize) -> u64 {
    if bucket < LINEAR as usize {
        return bucket as u64;
    }
    let shift = bucket / HALF - 1;
    ((bucket - shift * HALF + 1) as u64) * (1 << shift) - 1
}

/// The times of one command on one thread.
#[derive(Debug)]
pub struct Histogram(Box<[AtomicU64]>);

impl Histogram {
    pub fn new() -> Histogram {
        Histogram((0..BUCKETS).map(|_| AtomicU64::new(0)).collect())
    }

    /// Counts one call; by the thread that owns the histogram.
    #[inline]
    pub fn record(&self, nanoseconds: u64) {
        let cell = &self.0[bucket_of(nanoseconds)];
        cell.store(cell.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    pub fn reset(&self) {
        self.0.iter().for_each(|cell| cell.store(0, Ordering::Relaxed));
    }
}

/// The times of one command on all threads, at one moment.
#[derive(Debug)]
pub struct Latencies {
    counts: Vec<u64>,
    calls: u64,
}

impl Latencies {
    /// Adds histograms up; `None` when they hold nothing.
    pub fn sum<'h>(histograms: impl Iterator<Item = &'h Histogram>) -> Option<Latencies> {
        let mut counts = vec![0; BUCKETS];
        for histogram in histograms {
            for (sum, cell) in counts.iter_mut().zip(&histogram.0) {
                *sum += cell.load(Ordering::Relaxed);
            }
        }
        let calls = counts.iter().sum();
        (calls > 0).then_some(Latencies { counts, calls })
    }

    /// The time within which this share of the calls ended, in nanoseconds: the largest value of its bucket.
    pub fn percentile(&self, percent: f64) -> u64 {
        let wanted = ((percent / 100.0 * self.calls as f64 + 0.5) as u64).max(1);
        let mut seen = 0;
        let reaches = |&count: &u64| {
            seen += count;
            seen >= wanted
        };
        largest_of(self.counts.iter().position(reaches).unwrap_or(BUCKETS - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_cover_every_value_once() {
        for bucket in 0..BUCKETS {
            assert_eq!(bucket_of(largest_of(bucket)), bucket);
            if bucket + 1 < BUCKETS {
                assert_eq!(bucket_of(largest_of(bucket) + 1), bucket + 1);
            }
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_borders_of_buckets() {
        let (one, other) = (Histogram::new(), Histogram::new());
        (0..99).for_each(|_| one.record(11_000));
        other.record(500_000);
        let latencies = Latencies::sum([&one, &other].into_iter()).expect("calls");
        // What a real server shows for a command that takes 11 microseconds.
        assert_eq!(latencies.percentile(50.0), 11_007);
        assert_eq!(latencies.percentile(99.0), 11_007);
        assert_eq!(latencies.percentile(99.9), 501_759);
        one.reset();
        other.reset();
        assert!(Latencies::sum([&one, &other].into_iter()).is_none());
    }
}
