//! CLIENT PAUSE: commands of clients wait until its end.
//!
//! There is one pause. A further one while it is on can make it longer and extend it from writes to everything, never the
//! other way round. It lies in one word, so that looking at it costs one load: the end in Unix ms, shifted by one, and
//! below it whether everything is paused or writes alone. Zero is no pause.
//!
//! The agent of a managed node pauses writes for a handover. That pause is a word of its own: no client ends it.

use std::sync::atomic::{AtomicU64, Ordering};

/// The pause of a node.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    clients: AtomicU64,
    /// When the agent's pause of writes ends, in Unix ms; zero is none.
    handover_until_ms: AtomicU64,
}

const ALL: u64 = 1;

impl Pauses {
    /// Pauses everything, or writes alone.
    pub(crate) fn pause(&self, all: bool, until_ms: u64, now_ms: u64) {
        let asked = (until_ms << 1, u64::from(all));
        let merge = |current: u64| {
            let (until, all) = if current >> 1 > now_ms { (current & !ALL, current & ALL) } else { (0, 0) };
            Some(until.max(asked.0) | all | asked.1)
        };
        // The update never declines, so it cannot fail.
        let _ = self.clients.fetch_update(Ordering::SeqCst, Ordering::SeqCst, merge);
    }

    /// Ends the pause.
    pub(crate) fn unpause(&self) {
        self.clients.store(0, Ordering::SeqCst);
    }

    /// Pauses writes for a handover; zero ends such a pause.
    pub(crate) fn hand_over(&self, until_ms: u64) {
        self.handover_until_ms.store(until_ms, Ordering::SeqCst);
    }

    /// Whether writes are paused for a handover.
    #[inline]
    pub(crate) fn hands_over(&self, now_ms: u64) -> bool {
        self.handover_until_ms.load(Ordering::Relaxed) > now_ms
    }

    /// Whether a command must wait now.
    #[inline]
    pub(crate) fn holds(&self, is_write: bool, now_ms: u64) -> bool {
        let pause = self.clients.load(Ordering::Relaxed);
        (pause >> 1 > now_ms && (is_write || pause & ALL != 0)) || (is_write && self.hands_over(now_ms))
    }

    /// Whether keys must not be removed by expiry and eviction, which are writes too.
    #[inline]
    pub(crate) fn holds_writes(&self, now_ms: u64) -> bool {
        self.holds(true, now_ms)
    }

    /// When the pause ends, if one is on.
    pub(crate) fn until_ms(&self, now_ms: u64) -> Option<u64> {
        let until_ms = self.clients.load(Ordering::Relaxed) >> 1;
        let until_ms = until_ms.max(self.handover_until_ms.load(Ordering::Relaxed));
        (until_ms > now_ms).then_some(until_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_and_the_longer_pause_stay() {
        let pauses = Pauses::default();
        assert!(!pauses.holds(true, 0) && pauses.until_ms(0).is_none());
        pauses.pause(false, 100, 10);
        assert!(pauses.holds(true, 99) && !pauses.holds(false, 99) && !pauses.holds(true, 100));
        pauses.pause(true, 50, 20);
        assert!(pauses.holds(false, 99));
        pauses.pause(false, 200, 30);
        assert_eq!((pauses.holds(false, 199), pauses.until_ms(199)), (true, Some(200)));
    }

    #[test]
    fn a_handover_is_no_client_s_to_end() {
        let pauses = Pauses::default();
        pauses.hand_over(100);
        pauses.pause(true, 50, 10);
        pauses.unpause();
        assert!(pauses.holds(true, 99) && !pauses.holds(false, 99) && !pauses.holds(true, 100));
        assert_eq!(pauses.until_ms(20), Some(100));
        pauses.hand_over(0);
        assert!(!pauses.holds_writes(20) && pauses.until_ms(20).is_none());
    }

    #[test]
    fn a_pause_that_has_ended_leaves_nothing_behind() {
        let pauses = Pauses::default();
        pauses.pause(true, 100, 10);
        pauses.pause(false, 300, 200);
        assert!(!pauses.holds(false, 250) && pauses.holds_writes(250));
        pauses.unpause();
        assert!(!pauses.holds_writes(250));
    }
}
