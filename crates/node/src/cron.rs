//! What is done by the clock: a thread takes a sample for rates every 100 ms, less often while nothing happens. It returns free
//! memory to the system, which the allocator does by itself only while threads allocate, and has a managed node keep its
//! sockets in their places.

use crate::managed::{Managed, sockets};
use engine::stats::Counter;
use server::{SAMPLES, Server};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const PERIOD: Duration = Duration::from_millis(100);
const IDLE_PERIOD: Duration = Duration::from_secs(1);

/// Runs until the node ends, woken early for that by its thread's handle.
pub(crate) fn run(server: &Server, managed: Option<&Managed>) {
    let mut last = Instant::now();
    let mut kept = Instant::now();
    // Samples in which nothing was counted.
    let (mut quiet, mut counted) = (0, 0);
    while !server.ending.load(Ordering::Acquire) {
        let period = if quiet > SAMPLES { IDLE_PERIOD } else { PERIOD };
        std::thread::park_timeout(period.saturating_sub(last.elapsed()));
        if let Some(managed) = managed
            && kept.elapsed() >= sockets::PERIOD
        {
            sockets::keep(server, managed);
            kept = Instant::now();
        }
        let elapsed = last.elapsed();
        if elapsed < period || server.cron_paused.load(Ordering::Relaxed) {
            continue;
        }
        let active = [Counter::Commands, Counter::BytesIn, Counter::Expired];
        let activity = active.map(|counter| server.stats.sum(counter)).iter().sum::<u64>();
        quiet = if activity == counted { quiet + 1 } else { 0 };
        counted = activity;
        last = Instant::now();
        server.gauges.peak_bytes();
        server.gauges.sample(&server.stats, elapsed);
        // What was freed before the node fell silent goes back within the first idle seconds; then there is nothing more.
        if quiet < 2 * SAMPLES {
            memory::trim();
        }
    }
}
