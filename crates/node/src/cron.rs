//! What is done by the clock: a thread takes a sample for rates every 100 ms, less often while nothing happens. It returns free
//! memory to the system, which the allocator does by itself only while threads allocate, decides on how many workers connections
//! gather, and has a managed node keep its sockets in their places.

use crate::gathering::{Gathering, Load};
use crate::managed::{Managed, sockets};
use engine::stats::Counter;
use server::{SAMPLES, Said, Server};
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
    let mut gather = Gather::new(server);
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
        gather.tick(server, elapsed);
        server.connections.close_unused(last);
        server.gauges.peak_bytes();
        server.gauges.sample(&server.stats, elapsed);
        // What was freed before the node fell silent goes back within the first idle seconds; then there is nothing more.
        if quiet < 2 * SAMPLES {
            memory::trim();
        }
    }
}

/// Decides from what workers say on how many of them connections gather.
struct Gather {
    gathering: Gathering,
    said: Vec<Said>,
}

impl Gather {
    fn new(server: &Server) -> Gather {
        Gather { gathering: Gathering::default(), said: server.board.said().collect() }
    }

    fn tick(&mut self, server: &Server, elapsed: Duration) {
        if !server.board.gathers() {
            return;
        }
        let said: Vec<Said> = server.board.said().collect();
        let loads: Vec<Load> =
            self.said.iter().zip(&said).map(|(then, now)| load(then, now, elapsed)).collect();
        self.said = said;
        let active = server.board.active();
        let wanted = self.gathering.tick(active, &loads);
        if wanted < active {
            server.board.lower(active, wanted);
        }
    }
}

/// How a worker was between two times at which it said so.
fn load(then: &Said, now: &Said, elapsed: Duration) -> Load {
    let delayed = Duration::from_nanos(now.delayed_ns.saturating_sub(then.delayed_ns));
    let ran = Duration::from_nanos(now.ran_ns.saturating_sub(then.ran_ns));
    let possible = elapsed.saturating_sub(delayed).as_secs_f64().max(1e-9);
    let had_long_commands = now.long_commands > then.long_commands;
    Load { busy: (ran.as_secs_f64() / possible).min(1.0), is_stuck: false, had_long_commands }
}
