//! The time of day that the control plane goes by: windows, ages, what events and answers say.
//!
//! It is the system's. For tests a region may be started with a clock that can be moved forward, so that a week passes in no
//! time. Signatures are checked by the system's time, since clients sign by theirs; so do the nodes, whose keys expire by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// A clock. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// By how much it is ahead of the system's, in ms; `None` for one that cannot be moved.
    ahead_ms: Option<Arc<AtomicU64>>,
}

/// The clock is the system's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the clock of this region is the system's; only one that was started with --test-clock can be moved")]
pub struct NotMovable;

impl Clock {
    /// A clock that begins at the system's time and can be moved.
    pub fn movable() -> Clock {
        Clock { ahead_ms: Some(Arc::default()) }
    }

    /// Unix time in ms.
    pub fn now_ms(&self) -> u64 {
        let ahead = self.ahead_ms.as_ref().map_or(0, |ahead| ahead.load(Ordering::Relaxed));
        system_ms().saturating_add(ahead)
    }

    /// Moves it forward by so many ms; returns what it says then.
    ///
    /// # Errors
    /// [`NotMovable`].
    pub(crate) fn advance(&self, by_ms: u64) -> Result<u64, NotMovable> {
        let ahead = self.ahead_ms.as_ref().ok_or(NotMovable)?;
        // A century is enough for every test, and far from where times overflow.
        let most = 100 * 366 * 24 * 3_600_000;
        let _ = ahead.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |now| {
            Some(now.saturating_add(by_ms).min(most))
        });
        Ok(self.now_ms())
    }
}

/// The system's Unix time in ms.
pub(crate) fn system_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
