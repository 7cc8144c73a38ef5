//! Rates, and the peak of used memory.
//!
//! A rate is the mean of the last 16 samples, as in Redis, so it follows a change within 1.6 seconds.

use engine::stats::{Counter, Stats};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Samples that a rate is of.
pub const SAMPLES: usize = 16;

/// What a rate is kept of.
const SAMPLED: [Counter; 7] = [
    Counter::Commands,
    Counter::BytesIn,
    Counter::BytesOut,
    Counter::Turns,
    Counter::BusyNs,
    Counter::BytesFromPrimary,
    Counter::BytesToReplicas,
];

/// Rates and peaks.
#[derive(Debug, Default)]
pub struct Gauges {
    peak_bytes: AtomicU64,
    rates: Mutex<Rates>,
}

#[derive(Debug, Default)]
struct Rates {
    /// The counters at the last sample.
    last: [u64; SAMPLED.len()],
    /// Per second, the newest at `next - 1`.
    samples: [[u64; SAMPLED.len()]; SAMPLES],
    next: usize,
}

impl Rates {
    fn sample(&mut self, counters: [u64; SAMPLED.len()], elapsed: Duration) {
        let micros = (elapsed.as_micros() as u64).max(1);
        let sample = &mut self.samples[self.next % SAMPLES];
        for ((sample, now), last) in sample.iter_mut().zip(counters).zip(&mut self.last) {
            // A reset makes a counter smaller.
            *sample = now.saturating_sub(*last) * 1_000_000 / micros;
            *last = now;
        }
        self.next += 1;
    }
}

impl Gauges {
    /// Takes a sample, so long after the one before.
    pub fn sample(&self, stats: &Stats, elapsed: Duration) {
        let counters = SAMPLED.map(|counter| stats.sum(counter));
        self.rates.lock().unwrap_or_else(PoisonError::into_inner).sample(counters, elapsed);
    }

    /// A counter's growth per second; 0 for one that is not sampled.
    pub fn per_second(&self, counter: Counter) -> u64 {
        let Some(at) = SAMPLED.iter().position(|&sampled| sampled == counter) else { return 0 };
        let rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.samples.iter().map(|sample| sample[at]).sum::<u64>() / SAMPLES as u64
    }

    /// The most memory that was used at once, in bytes, as far as samples have seen it.
    pub fn peak_bytes(&self) -> u64 {
        let used = memory::used_bytes();
        self.peak_bytes.fetch_max(used, Ordering::Relaxed).max(used)
    }

    /// CONFIG RESETSTAT: the rates begin anew.
    pub fn reset(&self) {
        *self.rates.lock().unwrap_or_else(PoisonError::into_inner) = Rates::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_the_mean_of_its_samples() {
        let gauges = Gauges::default();
        for n in 1..=20u64 {
            let mut rates = gauges.rates.lock().expect("no panic");
            rates.sample([n * 50, 0, n * 200, 0, 0, 0, 0], Duration::from_millis(100));
        }
        assert_eq!(gauges.per_second(Counter::Commands), 500);
        assert_eq!(gauges.per_second(Counter::BytesOut), 2000);
        assert_eq!(gauges.per_second(Counter::Hits), 0);
        gauges.reset();
        assert_eq!(gauges.per_second(Counter::Commands), 0);
    }
}
