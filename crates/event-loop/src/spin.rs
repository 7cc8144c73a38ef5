//! How long to look for events before sleeping.
//!
//! A short busy wait saves the cost of sleeping and being woken when the next request is only microseconds away, and
//! burns a core when it is not. The length adapts: a spin that found something makes the next ones longer, one that
//! found nothing halves them, and at zero only every [`PROBE_EVERY`]-th sleep tries again. When the kernel took the
//! processor away from this thread lately, others need it more, and spinning pauses.

use std::time::{Duration, Instant};

/// A sleep in so many is preceded by the shortest spin, to notice that spinning pays again.
const PROBE_EVERY: u32 = 64;
/// The shortest spin worth trying.
const SHORTEST: Duration = Duration::from_micros(4);
/// How often the count of involuntary switches is read.
const CHECK_EVERY: Duration = Duration::from_millis(100);
/// More involuntary switches in one interval mean that the processors are oversubscribed.
const MAX_SWITCHES: i64 = 10;

#[derive(Debug)]
pub(crate) struct Spin {
    max: Duration,
    budget: Duration,
    sleeps: u32,
    spun: Duration,
    checked: Option<Instant>,
    switches: i64,
    oversubscribed: bool,
}

impl Spin {
    pub(crate) fn new(max: Duration) -> Spin {
        Spin {
            max,
            budget: max,
            sleeps: 0,
            spun: Duration::ZERO,
            checked: None,
            switches: 0,
            oversubscribed: false,
        }
    }

    /// Whether it is never to spin.
    pub(crate) fn is_off(&self) -> bool {
        self.max.is_zero()
    }

    /// How long to spin before this sleep. `switches` reads the thread's involuntary switches so far.
    pub(crate) fn budget(&mut self, now: Instant, switches: impl FnOnce() -> i64) -> Duration {
        if self.is_off() {
            return Duration::ZERO;
        }
        self.check(now, switches);
        if self.oversubscribed {
            return Duration::ZERO;
        }
        if self.budget.is_zero() {
            self.sleeps += 1;
            if self.sleeps >= PROBE_EVERY {
                self.sleeps = 0;
                return SHORTEST.min(self.max);
            }
        }
        self.budget
    }

    /// All time that was spun away.
    pub(crate) fn spun(&self) -> Duration {
        self.spun
    }

    /// What a spin of a budget above zero came to, and how long it found nothing.
    pub(crate) fn result(&mut self, found: bool, took: Duration) {
        self.spun += took;
        self.budget = if found {
            (self.budget * 2).clamp(SHORTEST.min(self.max), self.max)
        } else if self.budget > SHORTEST {
            self.budget / 2
        } else {
            Duration::ZERO
        };
    }

    fn check(&mut self, now: Instant, switches: impl FnOnce() -> i64) {
        match self.checked {
            Some(then) if now.saturating_duration_since(then) < CHECK_EVERY => {}
            previous => {
                let count = switches();
                self.oversubscribed = previous.is_some() && count - self.switches > MAX_SWITCHES;
                self.switches = count;
                self.checked = Some(now);
            }
        }
    }
}

/// Involuntary context switches of this thread so far; 0 where the system does not count by thread.
pub(crate) fn involuntary_switches() -> i64 {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: rusage is plain integers, for which all zeros is a value; the call writes only into it.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(libc::RUSAGE_THREAD, &mut usage);
            usage
        };
        usage.ru_nivcsw
    }
    #[cfg(not(target_os = "linux"))]
    0
}

/// How long this thread has run so far: zero where the system does not say.
pub fn thread_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes only into the structure.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: Duration = Duration::from_micros(50);

    #[test]
    fn spinning_that_does_not_pay_stops_and_is_tried_again() {
        let now = Instant::now();
        let mut spin = Spin::new(MAX);
        assert_eq!(spin.budget(now, || 0), MAX);
        for _ in 0..10 {
            spin.result(false, MAX);
        }
        let budgets: Vec<_> = (0..2 * PROBE_EVERY).map(|_| spin.budget(now, || 0)).collect();
        assert_eq!(budgets.iter().filter(|budget| !budget.is_zero()).count(), 2);
        assert_eq!(spin.spun(), 10 * MAX);
        for _ in 0..10 {
            spin.result(true, Duration::ZERO);
        }
        assert_eq!(spin.budget(now, || 0), MAX);
    }

    #[test]
    fn an_oversubscribed_host_is_left_alone_for_an_interval() {
        let now = Instant::now();
        let mut spin = Spin::new(MAX);
        assert_eq!(spin.budget(now, || 1000), MAX);
        assert_eq!(spin.budget(now + CHECK_EVERY, || 1000 + MAX_SWITCHES + 1), Duration::ZERO);
        assert_eq!(spin.budget(now + CHECK_EVERY * 2, || 1000 + MAX_SWITCHES + 2), MAX);
    }

    #[test]
    fn a_loop_may_be_told_never_to_spin() {
        let mut spin = Spin::new(Duration::ZERO);
        assert_eq!(spin.budget(Instant::now(), || 0), Duration::ZERO);
    }
}
