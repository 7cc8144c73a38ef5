//! Latencies by quantile, in bounded memory.
//!
//! Log-linear: 64 buckets for each power of two, so a reported quantile is at most 1.6 percent above the true one.

/// Buckets in each power of two.
const STEPS: u64 = 64;
const STEP_BITS: u32 = STEPS.ilog2();
/// Up to 2^40 ns, eighteen minutes; what is longer counts as that.
const MAX_NS: u64 = (1 << 40) - 1;

/// How often each latency occurred.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max_ns: u64,
}

impl Histogram {
    /// Without latencies.
    pub(crate) fn new() -> Histogram {
        Histogram { counts: vec![0; bucket(MAX_NS) + 1], total: 0, max_ns: 0 }
    }

    /// Adds one latency.
    pub(crate) fn record(&mut self, ns: u64) {
        self.counts[bucket(ns.min(MAX_NS))] += 1;
        self.total += 1;
        self.max_ns = self.max_ns.max(ns);
    }

    /// The latency that the share `quantile` (0 to 1) of all stays within, in nanoseconds; 0 if there is none.
    pub(crate) fn quantile_ns(&self, quantile: f64) -> u64 {
        let wanted = ((self.total as f64 * quantile).ceil() as u64).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper_bound(index).min(self.max_ns);
            }
        }
        self.max_ns
    }

    /// The longest, in nanoseconds.
    pub(crate) fn max_ns(&self) -> u64 {
        self.max_ns
    }
}

/// The first 64 buckets hold one value each; then each power of two is cut into 64.
fn bucket(ns: u64) -> usize {
    let shift = (ns | STEPS).ilog2() - STEP_BITS;
    (u64::from(shift) * STEPS + (ns >> shift)) as usize
}

/// The largest value in a bucket.
fn upper_bound(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket / STEPS).saturating_sub(1);
    ((bucket - shift * STEPS + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_in_the_bucket_whose_bounds_hold_it() {
        for ns in (0..10_000).chain((0..=40).map(|power| (1 << power) - 1)).chain([123_456_789, 1 << 39]) {
            let upper = upper_bound(bucket(ns));
            assert!(
                upper >= ns && upper as f64 <= ns as f64 * 1.016 + 1.0,
                "{ns} is in a bucket up to {upper}"
            );
            if bucket(ns) > 0 {
                assert!(upper_bound(bucket(ns) - 1) < ns, "{ns} would fit in the bucket before");
            }
        }
    }

    #[test]
    fn quantiles_of_a_known_distribution() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.quantile_ns(0.5), 0);
        (1..=1000).for_each(|us| histogram.record(us * 1000));
        for (quantile, expected) in [(0.5, 500_000.0), (0.99, 990_000.0), (0.999, 999_000.0)] {
            let got = histogram.quantile_ns(quantile) as f64;
            assert!((expected..expected * 1.016).contains(&got), "{quantile}: {got}");
        }
        assert_eq!(histogram.quantile_ns(1.0), 1_000_000);
        assert_eq!(histogram.max_ns(), 1_000_000);
    }
}
