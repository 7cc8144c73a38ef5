//! Threads that wait until the applier has applied the stream up to some position.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// See the module's essay.
#[derive(Debug)]
pub struct Reached {
    /// The lowest offset that somebody waits for.
    awaited: AtomicU64,
    waiting: Mutex<()>,
    reached: Condvar,
}

impl Default for Reached {
    fn default() -> Self {
        Reached { awaited: AtomicU64::new(u64::MAX), waiting: Mutex::default(), reached: Condvar::new() }
    }
}

impl Reached {
    /// The applier has applied the stream up to this offset, which others can see by now.
    #[inline]
    pub(crate) fn note(&self, offset: u64) {
        if offset >= self.awaited.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Wakes all who wait: the node has ended.
    pub fn wake(&self) {
        drop(self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        self.reached.notify_all();
    }

    /// Sleeps until `offset` may be reached, at most for `at_most`; `is_reached` is asked before, in an order with the
    /// applier's notes that misses nothing.
    pub fn wait_for(&self, offset: u64, at_most: Duration, is_reached: impl FnOnce() -> bool) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.awaited.fetch_min(offset, Ordering::SeqCst);
        if !is_reached() {
            drop(self.reached.wait_timeout(waiting, at_most));
        }
        // Whoever waits on says so again.
        self.awaited.store(u64::MAX, Ordering::SeqCst);
        self.reached.notify_all();
    }
}
