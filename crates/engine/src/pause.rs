//! CLIENT PAUSE: commands of clients wait until its end.
//!
//! There is one pause. A further CLIENT PAUSE can make it longer and extend it from writes to all commands, never the other way
//! round. It is one word, so that a check costs one load: the end in Unix ms, shifted by one, and
//! below it whether everything is paused or writes alone. Zero is no pause.
//!
//! The agent of a managed node pauses writes for a handover. That pause is a word of its own, which no client can end. It must last
//! for the whole time that was asked for, so it uses the monotonic clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The pause of a node.
#[derive(Debug)]
pub struct Pauses {
    clients: AtomicU64,
    /// When the agent's pause of writes ends, in ms since `began`; zero is none.
    handover_until_ms: AtomicU64,
    began: Instant,
}

impl Default for Pauses {
    fn default() -> Pauses {
        Pauses { clients: AtomicU64::new(0), handover_until_ms: AtomicU64::new(0), began: Instant::now() }
    }
}

const ALL: u64 = 1;

impl Pauses {
    /// Pauses everything, or writes alone.
    pub fn pause(&self, all: bool, until_ms: u64, now_ms: u64) {
        let asked = (until_ms << 1, u64::from(all));
        let merge = |current: u64| {
            let (until, all) = if current >> 1 > now_ms { (current & !ALL, current & ALL) } else { (0, 0) };
            Some(until.max(asked.0) | all | asked.1)
        };
        // The update never declines, so it cannot fail.
        let _ = self.clients.fetch_update(Ordering::SeqCst, Ordering::SeqCst, merge);
    }

    /// Ends the pause.
    pub fn unpause(&self) {
        self.clients.store(0, Ordering::SeqCst);
    }

    /// Pauses writes for a handover: for so long, or until it is ended.
    pub fn begin_handover(&self, lasts: Option<Duration>) {
        // Zero would be none, also for a pause that is over at once.
        let end = |lasts| ((self.began.elapsed() + lasts).as_millis() as u64).max(1);
        self.handover_until_ms.store(lasts.map_or(u64::MAX, end), Ordering::SeqCst);
    }

    /// Ends a pause for a handover. True if there was one, even if its time was over.
    pub fn end_handover(&self) -> bool {
        self.handover_until_ms.swap(0, Ordering::SeqCst) != 0
    }

    /// Whether writes are paused for a handover.
    #[inline]
    pub fn hands_over(&self) -> bool {
        // Without such a pause nobody asks the clock.
        self.handover_until_ms.load(Ordering::Relaxed) != 0 && self.handover_left_ms().is_some()
    }

    fn handover_left_ms(&self) -> Option<u64> {
        let until_ms = self.handover_until_ms.load(Ordering::Relaxed);
        let now_ms = self.began.elapsed().as_millis() as u64;
        until_ms.checked_sub(now_ms).filter(|left_ms| *left_ms > 0)
    }

    /// Whether a command must wait now.
    #[inline]
    pub fn holds(&self, is_write: bool, now_ms: u64) -> bool {
        let pause = self.clients.load(Ordering::Relaxed);
        (pause >> 1 > now_ms && (is_write || pause & ALL != 0)) || (is_write && self.hands_over())
    }

    /// Whether keys must not be removed by expiry and eviction, which are writes too.
    #[inline]
    pub fn holds_writes(&self, now_ms: u64) -> bool {
        self.holds(true, now_ms)
    }

    /// Whether clients have asked for the pause that is on, rather than the agent.
    pub fn is_of_clients(&self, now_ms: u64) -> bool {
        self.clients.load(Ordering::Relaxed) >> 1 > now_ms
    }

    /// When the pause ends, if one is on.
    pub fn until_ms(&self, now_ms: u64) -> Option<u64> {
        let until_ms = self.clients.load(Ordering::Relaxed) >> 1;
        let handover = self.handover_left_ms().map_or(0, |left_ms| now_ms.saturating_add(left_ms));
        let until_ms = until_ms.max(handover);
        (until_ms > now_ms).then_some(until_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_tells_who_asked_for_it() {
        let pauses = Pauses::default();
        pauses.begin_handover(None);
        assert!(!pauses.is_of_clients(0) && pauses.hands_over());
        pauses.pause(false, 100, 10);
        assert!(pauses.is_of_clients(99) && !pauses.is_of_clients(100));
    }

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
        pauses.begin_handover(None);
        pauses.pause(true, 50, 10);
        pauses.unpause();
        assert!(pauses.holds(true, 99) && !pauses.holds(false, 99));
        assert!(pauses.end_handover() && !pauses.end_handover());
        assert!(!pauses.holds_writes(20) && pauses.until_ms(20).is_none());
    }

    #[test]
    fn a_handover_lasts_as_long_whatever_the_time_of_day_is() {
        let began = Instant::now().checked_sub(Duration::from_secs(1)).expect("a machine that is up");
        let pauses = Pauses { began, ..Pauses::default() };
        pauses.begin_handover(Some(Duration::from_secs(3600)));
        // The clock was set to long ago, and to long afterwards.
        for now_ms in [0, 1 << 40, u64::MAX >> 2] {
            assert!(pauses.holds_writes(now_ms));
            assert!(pauses.until_ms(now_ms).is_some_and(|at_ms| at_ms - now_ms <= 3_600_000));
        }
        pauses.begin_handover(Some(Duration::ZERO));
        assert!(!pauses.holds_writes(0) && pauses.end_handover());
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
