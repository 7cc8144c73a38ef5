//! What is measured by the clock: rates, and the peak of used memory.
//!
//! A thread takes a sample every 100 ms. A rate is the mean of the last 16 samples, as in Redis, so it follows a change
//! within 1.6 seconds. While nothing happens it sleeps for longer. The same thread returns free memory to the system, which the allocator does by itself only while
//! threads allocate, and has a managed node keep its sockets in their places.

use crate::managed::sockets;
use crate::shared::Shared;
use engine::stats::Counter;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_millis(100);
const IDLE_PERIOD: Duration = Duration::from_secs(1);
const SAMPLES: usize = 16;

/// What a rate is kept of.
const SAMPLED: [Counter; 5] =
    [Counter::Commands, Counter::BytesIn, Counter::BytesOut, Counter::Turns, Counter::BusyNs];

/// Rates and peaks.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
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
    /// A counter's growth per second; 0 for one that is not sampled.
    pub(crate) fn per_second(&self, counter: Counter) -> u64 {
        let Some(at) = SAMPLED.iter().position(|&sampled| sampled == counter) else { return 0 };
        let rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.samples.iter().map(|sample| sample[at]).sum::<u64>() / SAMPLES as u64
    }

    /// The most memory that was used at once, in bytes, as far as samples have seen it.
    pub(crate) fn peak_bytes(&self) -> u64 {
        let used = memory::used_bytes();
        self.peak_bytes.fetch_max(used, Ordering::Relaxed).max(used)
    }

    /// CONFIG RESETSTAT: the rates begin anew.
    pub(crate) fn reset(&self) {
        *self.rates.lock().unwrap_or_else(PoisonError::into_inner) = Rates::default();
    }
}

/// Runs until the node ends, woken early for that by its thread's handle.
pub(crate) fn run(shared: &Arc<Shared>) {
    let mut last = Instant::now();
    let mut kept = Instant::now();
    // Samples in which nothing was counted.
    let (mut quiet, mut counted) = (0, 0);
    while !shared.ending.load(Ordering::Acquire) {
        let period = if quiet > SAMPLES { IDLE_PERIOD } else { PERIOD };
        std::thread::park_timeout(period.saturating_sub(last.elapsed()));
        if let Some(managed) = &shared.managed
            && kept.elapsed() >= sockets::PERIOD
        {
            sockets::keep(shared, managed);
            kept = Instant::now();
        }
        let elapsed = last.elapsed();
        if elapsed < period || shared.cron_paused.load(Ordering::Relaxed) {
            continue;
        }
        let active = [Counter::Commands, Counter::BytesIn, Counter::Expired];
        let activity = active.map(|counter| shared.stats.sum(counter)).iter().sum::<u64>();
        quiet = if activity == counted { quiet + 1 } else { 0 };
        counted = activity;
        last = Instant::now();
        shared.gauges.peak_bytes();
        let counters = SAMPLED.map(|counter| shared.stats.sum(counter));
        shared.gauges.rates.lock().unwrap_or_else(PoisonError::into_inner).sample(counters, elapsed);
        // What was freed before the node fell silent goes back within the first idle seconds; then there is nothing more.
        if quiet < 2 * SAMPLES {
            memory::trim();
        }
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
            rates.sample([n * 50, 0, n * 200, 0, 0], Duration::from_millis(100));
        }
        assert_eq!(gauges.per_second(Counter::Commands), 500);
        assert_eq!(gauges.per_second(Counter::BytesOut), 2000);
        assert_eq!(gauges.per_second(Counter::Hits), 0);
        gauges.reset();
        assert_eq!(gauges.per_second(Counter::Commands), 0);
    }
}
