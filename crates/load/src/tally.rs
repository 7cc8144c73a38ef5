//! What is counted: latencies, errors, nils.

use hdrhistogram::Histogram;

/// An hour; a longer latency counts as that.
const MAX_NS: u64 = 3600 * 1_000_000_000;
/// A latency is off by a thousandth at most.
const DIGITS: u8 = 3;

/// The answers to one command.
#[derive(Debug, Clone)]
pub struct Tally {
    latencies: Histogram<u64>,
    /// Answers that were errors.
    pub errors: u64,
    /// Answers that said that there is nothing.
    pub nils: u64,
}

impl Default for Tally {
    fn default() -> Tally {
        let latencies = Histogram::new_with_bounds(1, MAX_NS, DIGITS).expect("the bounds are in order");
        Tally { latencies, errors: 0, nils: 0 }
    }
}

impl Tally {
    /// Adds an answer.
    pub fn record(&mut self, latency_ns: u64) {
        self.latencies.saturating_record(latency_ns.max(1));
    }

    /// Adds the answers of another.
    pub fn add(&mut self, other: &Tally) {
        self.latencies.add(&other.latencies).expect("the bounds are the same");
        self.errors += other.errors;
        self.nils += other.nils;
    }

    pub(crate) fn clear(&mut self) {
        self.latencies.clear();
        (self.errors, self.nils) = (0, 0);
    }

    /// How many there are, errors included.
    pub fn count(&self) -> u64 {
        self.latencies.len()
    }

    /// The latency that the share `quantile` (0 to 1) of all stays within, in nanoseconds; 0 if there is none.
    pub fn quantile_ns(&self, quantile: f64) -> u64 {
        if self.count() == 0 { 0 } else { self.latencies.value_at_quantile(quantile).min(self.max_ns()) }
    }

    /// The longest latency in nanoseconds.
    pub fn max_ns(&self) -> u64 {
        self.latencies.max()
    }

    /// The mean of all latencies in nanoseconds.
    pub fn mean_ns(&self) -> f64 {
        self.latencies.mean()
    }

    /// How many took longer than this.
    pub fn longer_than(&self, ns: u64) -> u64 {
        self.count() - self.latencies.count_between(0, ns)
    }
}
