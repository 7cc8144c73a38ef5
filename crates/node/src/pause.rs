//! CLIENT PAUSE: commands of clients wait until its end.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is paused until when, in Unix ms; 0 is not at all.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    all_until_ms: AtomicU64,
    writes_until_ms: AtomicU64,
}

impl Pauses {
    /// Pauses everything, or writes alone. A longer pause is never shortened by this.
    pub(crate) fn pause(&self, all: bool, until_ms: u64) {
        let cell = if all { &self.all_until_ms } else { &self.writes_until_ms };
        cell.fetch_max(until_ms, Ordering::SeqCst);
    }

    /// Ends all pauses.
    pub(crate) fn unpause(&self) {
        self.all_until_ms.store(0, Ordering::SeqCst);
        self.writes_until_ms.store(0, Ordering::SeqCst);
    }

    /// Whether a command must wait now.
    #[inline]
    pub(crate) fn holds(&self, is_write: bool, now_ms: u64) -> bool {
        self.all_until_ms.load(Ordering::Relaxed) > now_ms
            || (is_write && self.writes_until_ms.load(Ordering::Relaxed) > now_ms)
    }

    /// Whether keys must not be removed by expiry and eviction, which are writes too.
    #[inline]
    pub(crate) fn holds_writes(&self, now_ms: u64) -> bool {
        self.holds(true, now_ms)
    }

    /// When the last pause ends, if one is on.
    pub(crate) fn until_ms(&self, now_ms: u64) -> Option<u64> {
        let until =
            self.all_until_ms.load(Ordering::Relaxed).max(self.writes_until_ms.load(Ordering::Relaxed));
        (until > now_ms).then_some(until)
    }
}
