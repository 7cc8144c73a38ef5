//! How long memory has been over `maxmemory`.
//!
//! The time runs from an admission that could not make room to the first one that finds or makes room. Nothing looks in between, so
//! memory that is freed meanwhile is noticed by the next command that asks for more.

use std::sync::atomic::{AtomicU64, Ordering};

/// See the module's essay. Times are Unix ms.
#[derive(Debug, Default)]
pub struct Exceeded {
    /// Since when; 0 while there is room.
    since_ms: AtomicU64,
    /// How long it was so before that, in ms.
    before_ms: AtomicU64,
}

impl Exceeded {
    /// There is no room.
    pub(crate) fn begin(&self, now_ms: u64) {
        if self.since_ms.load(Ordering::Relaxed) == 0 {
            // Only the first one says when it began.
            let _ = self.since_ms.compare_exchange(0, now_ms, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    /// There is room.
    #[inline]
    pub(crate) fn end(&self, now_ms: u64) {
        if self.since_ms.load(Ordering::Relaxed) != 0 {
            let since_ms = self.since_ms.swap(0, Ordering::Relaxed);
            if since_ms != 0 {
                self.before_ms.fetch_add(now_ms.saturating_sub(since_ms), Ordering::Relaxed);
            }
        }
    }

    /// How long it has been so, in ms; 0 while there is room.
    pub fn current_ms(&self, now_ms: u64) -> u64 {
        match self.since_ms.load(Ordering::Relaxed) {
            0 => 0,
            since_ms => now_ms.saturating_sub(since_ms),
        }
    }

    /// How long it was so in all, in ms.
    pub fn total_ms(&self, now_ms: u64) -> u64 {
        self.before_ms.load(Ordering::Relaxed) + self.current_ms(now_ms)
    }

    /// Begins to count anew.
    pub(crate) fn reset(&self) {
        self.since_ms.store(0, Ordering::Relaxed);
        self.before_ms.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_runs_from_the_first_that_finds_no_room_to_the_first_that_does() {
        let exceeded = Exceeded::default();
        exceeded.end(900);
        assert_eq!((exceeded.current_ms(1000), exceeded.total_ms(1000)), (0, 0));
        exceeded.begin(1000);
        exceeded.begin(1400);
        assert_eq!((exceeded.current_ms(1500), exceeded.total_ms(1500)), (500, 500));
        exceeded.end(1600);
        exceeded.end(1700);
        exceeded.begin(2000);
        assert_eq!((exceeded.current_ms(2100), exceeded.total_ms(2100)), (100, 700));
        exceeded.reset();
        assert_eq!((exceeded.current_ms(2200), exceeded.total_ms(2200)), (0, 0));
    }
}
